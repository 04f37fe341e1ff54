"""An import's failures by code, and its timeline."""

from pydantic import Field

from lambdas.schemas.base import Model
from lambdas.schemas.clips import ClipView
from service.domain.clips import ClipStatus
from service.imports.previews.spent import Spent
from service.imports.queries.failures import Failures
from service.imports.queries.timeline import PhaseName, Timeline


class FailureGroupView(Model):
    status: ClipStatus
    code: str
    count: int
    failed_check: int = Field(
        description="Clips among them that failed their check. A retry with `content_validation: none` copies them."
    )
    examples: list[ClipView] = Field(description="The first three clips.")


class FailuresView(Model):
    groups: list[FailureGroupView] = Field(description="The largest group first.")
    complete: bool = Field(description="False: there are so many failures that each count means at least this number.")

    @classmethod
    def of(cls, failures: Failures) -> "FailuresView":
        groups = [
            FailureGroupView(**{**vars(group), "examples": [ClipView.of(clip) for clip in group.examples]})
            for group in failures.groups
        ]
        return cls(groups=groups, complete=failures.complete)


class DoneView(Model):
    copied: int
    skipped: int
    failed: int
    cancelled: int
    bytes: int = Field(description="Bytes of the copied clips.")


class PhaseView(Model):
    name: PhaseName
    run: int
    started_at: str
    ended_at: str | None = Field(description="Null while it goes on.")


class PointView(Model):
    at: str
    done: DoneView = Field(description="Clips of this attempt with a result by this time.")


class SpentView(Model):
    """Cost of the import in dollars, estimated from its counts as if all clips had the average size of those copied.

    Retried requests, clips that stream from other stores, and storage are not in it.
    """

    so_far: float
    whole: float | None = Field(description="With all clips that are pending. Null before planning ends.")
    price_region: str
    prices_as_of: str


class TimelineView(Model):
    run: int = Field(description="The attempt that the timeline shows: the present one.")
    phases: list[PhaseView] = Field(description="`planning` includes the wait for its start.")
    points: list[PointView] = Field(description="At most 200, oldest first.")
    cost: SpentView

    @classmethod
    def of(cls, timeline: Timeline, cost: Spent) -> "TimelineView":
        return cls.model_validate(vars(timeline) | {"cost": cost}, from_attributes=True)
