"""Previews."""

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, PlainSerializer

from lambdas.schemas.base import Model
from service.domain.archives import restore_hours
from service.domain.clips import ClipStatus
from service.domain.requests import RestoreTier
from service.imports.previews.estimate import Estimate, price_list
from service.imports.previews.restores import restore_prices
from service.imports.previews.result import Outcome, Preview, PreviewedClip

Dollars = Annotated[float, PlainSerializer(lambda dollars: round(dollars, 9))]


class TotalView(Model):
    count: int
    bytes: int


class FatesView(TotalView):
    by_code: dict[str, TotalView]


class PreviewedClipView(Model):
    run_name: str
    source_uri: str
    destination: str = Field(description="`s3://clips-bucket/key`.")
    size: int | None
    action: Literal["copy", "skip", "fail"]
    code: str | None
    message: str | None

    @classmethod
    def of(cls, clip: PreviewedClip) -> "PreviewedClipView":
        return cls.model_validate(asdict(clip) | {"action": _ACTIONS[clip.status]})


_ACTIONS = {ClipStatus.PENDING: "copy", ClipStatus.SKIPPED: "skip", ClipStatus.FAILED: "fail"}


class ArchivedView(Model):
    """Clips whose sources must be restored before they can be copied: with the code ARCHIVED, or with `restore` among
    `to_copy`."""

    by_archive: dict[str, TotalView] = Field(description="By archive class or tier, such as GLACIER.")
    restore: dict[str, Dollars | None] = Field(
        description="Cost of restoring all of them by retrieval tier: `bulk`, `standard`, `expedited`; null where S3 "
        "does not offer it. Empty if there are none."
    )
    tier: RestoreTier | None = Field(description="Tier with which the import restores them; null if it does not.")
    hours: int | None = Field(description="Hours that the slowest restore takes at most, as a rule.")

    @classmethod
    def of(cls, outcome: Outcome) -> "ArchivedView":
        tier, found = outcome.tier, outcome.archived
        hours = [hours for archive in found if tier and (hours := restore_hours(archive, tier))]
        prices = restore_prices(found)
        by_archive = {archive: TotalView.model_validate(vars(total)) for archive, total in found.items()}
        return cls(by_archive=by_archive, restore=prices, tier=tier, hours=max(hours, default=None))


class OutcomeView(Model):
    """Expected results, which sum to `count`. Only an import checks the content of clips."""

    to_copy: TotalView
    to_skip: FatesView
    to_fail: FatesView
    archived: ArchivedView
    problems: list[PreviewedClipView] = Field(description="First 20 clips that would fail.")

    @classmethod
    def of(cls, outcome: Outcome) -> "OutcomeView":
        problems = [PreviewedClipView.of(clip) for clip in outcome.problems]
        views = {"problems": problems, "archived": ArchivedView.of(outcome)}
        return cls.model_validate(vars(outcome) | views, from_attributes=True)


class CostView(Model):
    """One-time cost in dollars."""

    model_config = ConfigDict(validate_by_name=True)

    s3_requests: Dollars
    lambda_: Dollars = Field(alias="lambda")
    step_functions: Dollars
    dynamodb: Dollars
    total: Dollars


class EstimateView(Model):
    """Estimate by AWS's list prices. docs/api.md says what it leaves out."""

    cost: CostView
    storage_per_month: Dollars = Field(description="Cost of storing the copies for a month, not part of `cost`.")
    seconds: int = Field(description="Seconds from acceptance to completion.")
    currency: Literal["USD"] = "USD"
    price_region: str = Field(description="Region of the prices.")
    prices_as_of: str

    @classmethod
    def of(cls, estimate: Estimate) -> "EstimateView":
        prices = price_list()
        return cls(
            cost=CostView.model_validate(estimate.cost, from_attributes=True),
            storage_per_month=estimate.storage_per_month,
            seconds=estimate.seconds,
            price_region=prices.region,
            prices_as_of=prices.as_of,
        )


class PreviewView(Model):
    root_path: str | None = Field(description="Prefix of the request; null for other sources.")
    count: int
    bytes: int
    keys: list[str] = Field(description="First 20 keys.")
    by_extension: dict[str, TotalView]
    complete: bool = Field(description='False if the time was too short: then every figure means "at least".')
    sample: list[PreviewedClipView] = Field(description="First 20 clips.")
    no_clips: int = Field(
        description="Objects below the prefix that tools left beside clips, such as folder markers and `._a.zip`. They "
        "are not imported, and not in `count`."
    )
    outcome: OutcomeView
    estimate: EstimateView

    @classmethod
    def of(cls, found: Preview) -> "PreviewView":
        views = {
            "sample": [PreviewedClipView.of(clip) for clip in found.sample],
            "outcome": OutcomeView.of(found.outcome),
            "estimate": EstimateView.of(found.estimate),
        }
        return cls.model_validate(vars(found) | views, from_attributes=True)
