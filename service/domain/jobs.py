"""An import's job: its source, counts, attempts and status.

Times are ISO 8601 in UTC with milliseconds (`2026-11-22T17:44:05.123Z`), so that they sort as text. Sizes are bytes.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from service.domain.ends import Delivery
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

    @property
    def open_ended(self) -> bool:
        """Whether it has to be read to its end to know how many clips it has."""
        return self in (SourceKind.PREFIX, SourceKind.MANIFEST)


class Trigger(StrEnum):
    API = "api"
    UPLOAD = "upload"


class Door(StrEnum):
    """What a caller came in by."""

    API = "api"
    UPLOAD = "upload"
    NOMADICML = "nomadicml"


class JobTag(StrEnum):
    """What a job can be found by. The values are stored."""

    GROUP = "GROUP"
    LABEL = "LABEL"
    FOLDER = "FOLDER"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a job's clips come from: `uri` is the prefix, manifest or drop bucket, `count` how many were named.

    Of a prefix `count` is that of the directories below it, where only some are wanted.
    """

    kind: SourceKind
    uri: str | None = None
    count: int | None = None
    size: int | None = None
    """Of a manifest; with `etag` and `version` the very object that was submitted."""
    etag: str | None = None
    version: str | None = None

    @cached_property
    def location(self) -> Location:
        """`uri`, parsed once: of a prefix the beginning of its keys. Raises `InvalidUri`."""
        return parse_prefix(self.uri or "")


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Fates of some clips. `bytes` is the size of the copied ones."""

    copied: int = 0
    skipped: int = 0
    failed: int = 0
    cancelled: int = 0
    bytes: int = 0

    @property
    def settled(self) -> int:
        return self.copied + self.skipped + self.failed + self.cancelled


@dataclass(frozen=True, kw_only=True)
class Counts(Tally):
    """A job's counts. `pending` is what is left of `total`, so they sum whenever anyone looks."""

    total: int = 0

    @property
    def pending(self) -> int:
        return self.total - self.settled


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Who asked for a run after the first, and for which clips."""

    at: str
    key_id: str | None
    """The API key that asked."""
    selection: str | None = None
    """State object that lists the chosen clips' ordinals; None: all that failed or were cancelled, with a
    `content_validation` all that failed their check."""
    idempotency: str | None = None
    """SHA-256 of the idempotency key."""
    digest: str | None = None
    """SHA-256 of the request, to tell a repeated idempotency key from a reused one."""
    content_validation: ContentValidation | None = None
    """Of this run, in the place of the job's setting; None: as that says."""


def settings_of_run(settings: ImportSettings, retry: Retry | None) -> ImportSettings:
    """What a job's present run copies with."""
    asked = retry.content_validation if retry else None
    return replace(settings, content_validation=asked) if asked else settings


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of a job that has ended. `counts` are the job's, all runs together, as they were then."""

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
class ActiveJob:
    """What the sweep needs to know of a job without a final status: its whole row may be large."""

    id: str
    run: int
    updated_at: str
    position: str
    """Where it stands among the active jobs, the oldest first (`search_keys.job_position`)."""


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
    """What it runs with, wherever that comes from."""
    execution_settings_id: str | None = None
    """The saved settings that it was started with; they may have changed, or be gone, since."""
    integration_id: str | None = None
    """The integration that was named for all of its sources."""
    code: str | None = None
    message: str | None = None
    cancel_requested: bool = False
    request_digest: str | None = None
    """SHA-256 of the request, to tell a repeated idempotency key from a reused one."""
    key_id: str | None = None
    """The API key that asked, for jobs that came through the API."""
    door: Door = Door.API
    planned: bool = False
    """Whether the manifest is complete: from then on every clip can be read."""
    copying_since: str | None = None
    """When planning ended."""
    cut_short: bool = False
    """Whether a cancel stopped the reading of a prefix or a manifest: what else is there is not of this job."""
    webhook: Delivery | None = None
    """Of the last end that a webhook was tried for."""
    run: int = 0
    """0 is the import itself; each retry is the next run."""
    planned_run: int | None = None
    """The last run whose planning ended."""
    retry: Retry | None = None
    """What began this run, if a retry did."""
    runs: tuple[Run, ...] = ()
    """Runs before this one, oldest first, `planning.MAX_RUNS` at most."""
    settled_before: int = 0
    bytes_before: int = 0
    """Settled clips and copied bytes when this run's copying began."""
    video_upload: VideoUpload | None = None
    """Of jobs that came by the NomadicML door."""
    removed: int = 0
    """Clips, or whole sets, that were deleted one by one since. The counts tell what the import did, and keep them."""
    removed_landed: int = 0
    """Clips among them that had landed."""
