"""An import's job: its source, counts, attempts and status.

Times are ISO 8601 in UTC with milliseconds (`2026-11-22T17:44:05.123Z`), so that they sort as text. Sizes are bytes.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from service.domain.ends import Delivery
from service.domain.manifest import Rounds
from service.domain.requests import ContentValidation, Filters, ImportSettings, VideoUpload
from service.domain.uris import Location, parse_prefix


class JobStatus(StrEnum):
    PENDING = "PENDING"
    PLANNING = "PLANNING"
    COPYING = "COPYING"
    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def terminal(self) -> bool:
        return self not in (JobStatus.PENDING, JobStatus.PLANNING, JobStatus.COPYING)


class SourceKind(StrEnum):
    LIST = "list"
    PREFIX = "prefix"
    UPLOAD = "upload"
    MANIFEST = "manifest"
    SETS = "sets"
    CLIP_IDS = "clip_ids"

    @property
    def open_ended(self) -> bool:
        """Whether the number of clips is known only after reading the whole source."""
        return self.below_prefix or self is SourceKind.MANIFEST

    @property
    def below_prefix(self) -> bool:
        """Whether the clips are found by listing a prefix, so that all of their URIs begin with it."""
        return self in (SourceKind.PREFIX, SourceKind.CLIP_IDS)

    @property
    def mirrored(self) -> bool:
        """Whether each clip is the newest version of its source, and only a template can give it another's destination.

        The lines of a manifest may name versions and destinations. Uploads to one key are several clips.
        """
        return self.below_prefix or self is SourceKind.LIST


class Trigger(StrEnum):
    API = "api"
    UPLOAD = "upload"
    WATCH = "watch"


class Door(StrEnum):
    """The way by which a request reached the service."""

    API = "api"
    UPLOAD = "upload"
    NOMADICML = "nomadicml"
    WATCH = "watch"


class WatchCause(StrEnum):
    """Why a watch started an import. The values are stored."""

    FIRST = "first"
    """The watch was made: import what is there."""
    SCHEDULED = "scheduled"
    EVENTS = "events"
    """Objects appeared in the bucket."""
    MANUAL = "manual"
    """A caller asked for a run."""
    CATCH_UP = "catch_up"
    """The watch was resumed or changed, or its source can be read again."""


@dataclass(frozen=True, kw_only=True)
class WatchRun:
    """The watch that started an import, and why."""

    id: str
    cause: WatchCause
    failed_runs: tuple[str, ...] = ()
    """Earlier imports of the watch, oldest first: a clip that failed its check there is not tried again."""


class JobTag(StrEnum):
    """Kinds of values by which a job can be found. The values are stored."""

    GROUP = "GROUP"
    LABEL = "LABEL"
    FOLDER = "FOLDER"
    WATCH = "WATCH"
    WATCH_PREFIX = "WATCH_PREFIX"
    """Runs of a watch that read its whole prefix: imports of events may be many times as many."""
    SKIPPED = "SKIPPED"
    """Jobs with clips that planning skipped (`Job.skipped_by_plan`); its only value is empty."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a job's clips come from: `uri` is the prefix, manifest or drop bucket, `count` the number of URIs, sets or
    clip ids.

    For a prefix, `count` is the number of directories below it if only some of them are imported.
    """

    kind: SourceKind
    uri: str | None = None
    count: int | None = None
    size: int | None = None
    """Size of the manifest; with `etag` and `version` it pins the object that was submitted."""
    etag: str | None = None
    version: str | None = None
    as_of: str | None = None
    """Import a prefix or a list as it stood at this time; None: as it is now."""

    @cached_property
    def location(self) -> Location:
        """`uri`, parsed once: of a prefix the beginning of its keys. Raises `InvalidUri`."""
        return parse_prefix(self.uri or "")


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts of clips by result. `bytes` is the size of the copied ones."""

    copied: int = 0
    skipped: int = 0
    failed: int = 0
    cancelled: int = 0
    bytes: int = 0

    @property
    def settled(self) -> int:
        return self.copied + self.skipped + self.failed + self.cancelled

    def plus(self, other: "Tally") -> "Tally":
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in Tally.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True)
class RecordedBatch:
    """When a batch was counted, and what it added to the counts."""

    at: str
    tally: Tally


@dataclass(frozen=True, kw_only=True)
class Counts(Tally):
    """A job's counts. `pending` is computed from `total`, so the counts always add up."""

    total: int = 0

    @property
    def pending(self) -> int:
        return self.total - self.settled


@dataclass(frozen=True, kw_only=True)
class Retry:
    """The request for a retry: who asked, and for which clips."""

    at: str
    key_id: str | None
    """Id of the API key that asked."""
    selection: str | None = None
    """State file with the ordinals of the chosen clips; None: all that failed or were cancelled, with a
    `content_validation` all that failed their check, with `codes` all that have one of them."""
    idempotency: str | None = None
    """SHA-256 of the idempotency key."""
    digest: str | None = None
    """SHA-256 of the request, to tell a repeated idempotency key from a reused one."""
    content_validation: ContentValidation | None = None
    """Of this run, in the place of the job's setting; None: as that says."""
    codes: tuple[str, ...] = ()
    """Codes of the clips to run again. Empty: any."""


def settings_of_run(settings: ImportSettings, retry: Retry | None) -> ImportSettings:
    """What a job's present run copies with."""
    asked = retry.content_validation if retry else None
    return replace(settings, content_validation=asked) if asked else settings


@dataclass(frozen=True, kw_only=True)
class Run:
    """A completed attempt. `counts` are those of the job, all attempts together, at that time."""

    run: int
    started_at: str
    completed_at: str
    status: JobStatus
    counts: Counts
    code: str | None
    message: str | None
    key_id: str | None
    idempotency: str | None = None
    digest: str | None = None
    """Both as in `Retry`."""


@dataclass(frozen=True, kw_only=True)
class Restores:
    """The restores of archived sources that an attempt requested."""

    requested: int
    """Clips that needed one. Of a set all views count, since they wait together."""
    waiting: int
    """Clips that still wait, when the import last looked."""
    hours: int
    """How long the slowest takes at most, as a rule."""
    until: str
    """Until when the import waits."""


@dataclass(frozen=True, kw_only=True)
class ActiveJob:
    """What the sweep needs to know of a job without a final status: its whole row may be large."""

    id: str
    project: str
    run: int
    updated_at: str
    position: str
    """Where it stands among the active jobs, the oldest first (`search_keys.job_position`)."""
    resumes: int = 0
    resume_at: str | None = None
    """Both as in `Job`."""
    cancel_requested: bool = False


@dataclass(frozen=True, kw_only=True)
class Job:
    id: str
    project: str
    status: JobStatus
    source: Source
    trigger: Trigger
    created_at: str
    updated_at: str
    completed_at: str | None = None
    counts: Counts = field(default_factory=Counts)
    folder: str | None = None
    labels: tuple[str, ...] = ()
    run_name_prefix: str | None = None
    test_run_group_name: str
    filters: Filters | None = None
    settings: ImportSettings = field(default_factory=ImportSettings)
    """The settings in force, whatever they come from."""
    execution_settings_id: str | None = None
    """The preset that it was started with; it may have changed or been deleted since."""
    integration_id: str | None = None
    """The integration that the caller named for all sources."""
    code: str | None = None
    message: str | None = None
    cancel_requested: bool = False
    request_digest: str | None = None
    """SHA-256 of the request, to tell a repeated idempotency key from a reused one."""
    key_id: str | None = None
    """Id of the API key that asked, for jobs that came through the API."""
    door: Door = Door.API
    counted: bool = True
    """Whether it is among the project's active imports. Those that gather uploads or objects of events are not."""
    skipped_by_plan: int = 0
    """Clips whose result is the plan (`ManifestEntry.is_settled`). `counts.skipped` includes them."""
    failed_before: int = 0
    """Clips among the skipped ones that failed their check in an earlier run of the watch."""
    planned: bool = False
    """Whether the manifest is complete, so that every clip can be read."""
    copying_since: str | None = None
    """When planning ended."""
    cut_short: bool = False
    """Whether a cancel stopped the reading of a prefix or a manifest; the rest of it is not part of this job."""
    webhook: Delivery | None = None
    """Delivery of the last completion that had a webhook."""
    run: int = 0
    """Number of the attempt: 0 is the first, each retry is the next."""
    planned_run: int | None = None
    """The last attempt whose planning is complete."""
    plan_rounds: Rounds = ()
    """The calls that planned the manifest."""
    retry: Retry | None = None
    """The request that began this attempt, if it is a retry."""
    runs: tuple[Run, ...] = ()
    """Earlier attempts, oldest first, at most `progress.MAX_RUNS`."""
    settled_before: int = 0
    bytes_before: int = 0
    """Settled clips and copied bytes when copying began in this attempt."""
    video_upload: VideoUpload | None = None
    """Set for jobs that came through the NomadicML endpoints."""
    watch: WatchRun | None = None
    """Set for jobs that a watch started."""
    restores: Restores | None = None
    """The restores that this attempt requested; None if there are none."""
    resumes: int = 0
    """How many times this attempt has waited for restores. Each time its next execution goes on."""
    resume_at: str | None = None
    """While it waits for restores and has no execution: when the next one is due."""
    removed: int = 0
    """Clips, or whole sets, that were deleted one by one since. They stay in the counts."""
    removed_landed: int = 0
    """Number of clips among them that had been copied or skipped."""

    @property
    def watch_id(self) -> str | None:
        return self.watch.id if self.watch else None

    @property
    def gatherer(self) -> str:
        """Whose uploads the job gathers, if it does: a project's, or those in the bucket of one of its watches."""
        return f"{self.project}#{self.watch.id}" if self.watch else self.project
