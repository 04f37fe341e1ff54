"""What the service keeps and passes on: jobs, clips, counts, the manifest's lines, batches. All frozen.

Times are ISO 8601 in UTC with milliseconds (`2026-11-22T17:44:05.123Z`), so they sort as text. Sizes are bytes.
ETags are without quotes. An ordinal is a clip's position in its job, from 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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


class ClipStatus(StrEnum):
    PENDING = "PENDING"
    COPIED = "COPIED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


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


class Action(StrEnum):
    """What an audit entry tells of. The words are stable."""

    IMPORT_START = "import.start"
    IMPORT_CANCEL = "import.cancel"
    IMPORT_RETRY = "import.retry"
    IMPORT_DELETE = "import.delete"
    CLIP_DELETE = "clip.delete"
    FOLDER_CREATE = "folder.create"
    WEBHOOK_REPLAY = "webhook.replay"
    KEY_CREATE = "key.create"
    KEY_REVOKE = "key.revoke"
    EXECUTION_SETTINGS_CREATE = "execution_settings.create"
    EXECUTION_SETTINGS_REPLACE = "execution_settings.replace"
    EXECUTION_SETTINGS_DELETE = "execution_settings.delete"
    INTEGRATION_CREATE = "integration.create"
    INTEGRATION_TEST = "integration.test"
    INTEGRATION_DELETE = "integration.delete"


class OnExisting(StrEnum):
    """What to do where an object lies at a clip's destination already."""

    SKIP = "skip"
    """Copy only what is not the same clip."""
    OVERWRITE = "overwrite"
    FAIL = "fail"


class ContentValidation(StrEnum):
    """How closely a clip is looked at, by range reads, before it is copied."""

    NONE = "none"
    STRUCTURE = "structure"
    DEEP = "deep"


class Verification(StrEnum):
    """What says that a copy is its source."""

    CHECKSUM = "checksum"
    ETAG = "etag"
    UNVERIFIABLE = "unverifiable"


class ExtrapolationStatus(StrEnum):
    """Of a clip's stationary extrapolation."""

    PENDING = "PENDING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class DeliveryStatus(StrEnum):
    """Of a webhook, for one end of a job."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True)
class Notify:
    """Who is told of a job's end."""

    webhook_url: str | None = None
    event: bool = True
    """Whether an EventBridge event is sent."""


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How many failed clips an import bears: `count` of them, or `percent` of its total. One of the two is set."""

    count: int | None = None
    percent: float | None = None


@dataclass(frozen=True, kw_only=True)
class ImportSettings:
    on_existing: OnExisting = OnExisting.SKIP
    content_validation: ContentValidation = ContentValidation.NONE
    storage_class: str | None = None
    """Of the copies; None: S3's default, STANDARD."""
    keep_metadata: bool = True
    keep_tags: bool = True
    notify: Notify = field(default_factory=Notify)
    destination: str | None = None
    """Template of the clips' names below the project's and folder's root; None: they mirror their sources."""
    max_concurrency: int | None = None
    """Copy functions that work on the import at once; None: as many as the deployment allows."""
    tolerated_failures: Tolerance | None = None
    """Past it the import stops; None: it goes on whatever fails."""
    stationary_extrapolation: bool = False
    """Whether the stationary tracks of each ClipGT clip are extended over the clip, in a file beside it."""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which objects are clips: those that match an `include` (or there is none), no `exclude`, and the rest.

    Patterns are gitignore's. Sizes are inclusive; times are ISO 8601 with a zone, `modified_before` is exclusive.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    min_size: int | None = None
    max_size: int | None = None
    modified_after: str | None = None
    modified_before: str | None = None


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
class ViewSet:
    """Views of one scene, which land together or not at all: (role, URI) in the order given."""

    views: tuple[tuple[str, str], ...]
    name: str | None = None
    """What the run names of its clips are made of, instead of their objects' names."""


@dataclass(frozen=True, kw_only=True)
class VideoUpload:
    """How an import was asked for through the NomadicML door, as that door shows it again."""

    provider: str
    """`s3`, `gcs` or `hf_bucket`."""
    bucket: str
    """Of Hugging Face `namespace/name`."""
    folder_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """What a caller asks for, whichever door it came through: exactly one of the first three."""

    exact_paths: tuple[str, ...] | None = None
    root_path: str | None = None
    manifest_uri: str | None = None
    filters: Filters | None = None
    """On a prefix or a manifest."""
    sets: tuple[ViewSet, ...] | None = None
    folder: str | None = None
    labels: tuple[str, ...] = ()
    run_name_prefix: str | None = None
    test_run_group_name: str | None = None
    settings: ImportSettings = field(default_factory=ImportSettings)
    execution_settings_id: str | None = None
    """Saved settings, which take the place of `settings`."""
    stationary_extrapolation: bool | None = None
    """In the place of what the settings say, wherever those come from; None: as they say."""
    integration_id: str | None = None
    """What opens all its sources; None: for each URI what the project saved for its bucket, or the service itself."""
    video_upload: VideoUpload | None = None
    directories: tuple[str, ...] | None = None
    """Keys below `root_path` that end in `/`, in UTF-8 binary order, none within another: only they are listed."""
    validate: bool = True
    """Whether a prefix is listed before the job is created. No effect on lists and sets."""
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How the webhook of one end stands."""

    ended_at: str
    """The end that it tells of: a job that runs again ends again."""
    status: DeliveryStatus
    attempts: int = 0
    last_status_code: int | None = None
    last_error: str | None = None
    last_attempt_at: str | None = None
    delivered_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class End:
    """The end of a job's run, and what has been concluded of it since. Without `closed` it is in the outbox."""

    job_id: str
    ended_at: str
    run: int = 0
    document: Mapping[str, object]
    """What event, webhook and report say of the end, as it was then (docs/events.md), all but the report."""
    touched_at: str
    report: Mapping[str, int] | None = None
    """Bytes of each report file by its format; empty where the end has no report, None while it has none yet."""
    event_sent_at: str | None = None
    webhook: Delivery | None = None
    closed: bool = False
    executions: int = 0
    """Executions that were started for this conclusion alone; who saves must have seen the last one begin."""
    failures: int = 0
    """How many of them the sweep started since anything last succeeded, or since a caller asked."""


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Who asked for a run after the first, and for which clips."""

    at: str
    key_id: str | None
    """The API key that asked."""
    selection: str | None = None
    """State object that lists the chosen clips' ordinals; None: all that failed or were cancelled."""
    idempotency: str | None = None
    """SHA-256 of the idempotency key."""
    digest: str | None = None
    """SHA-256 of the request, to tell a repeated idempotency key from a reused one."""


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


@dataclass(frozen=True, kw_only=True)
class ListedObject:
    """An object as a listing or a HEAD shows it."""

    key: str
    size: int
    etag: str
    version: str | None = None
    modified: str | None = None


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What lies at a clip's destination after its copy."""

    size: int
    etag: str
    verified: Verification


@dataclass(frozen=True, kw_only=True)
class CopiedPart:
    """A part of an unfinished upload, as the store lists it."""

    etag: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Parts that were read from the source and sent to an unfinished upload."""

    etags: Mapping[int, str]
    digests: Mapping[str, str] | None = None
    """`{"CRC32C": base64, …}` of the whole object, where all of its bytes passed in one go."""


@dataclass(frozen=True, kw_only=True)
class LargeCopy:
    """The unfinished upload by which a large clip is copied. Kept from before it begins until the clip is settled."""

    job_id: str
    ordinal: int
    token: str
    """Random: tells the call that began it from all others."""
    destination: str
    etag: str
    """Of the source that its parts are copied from."""
    part_bytes: int
    begun_at: str
    upload_id: str | None = None
    """None: a call is about to begin it, or ended while it did."""
    completes_as: str | None = None
    """ETag that the object gets from its parts; set before the upload is completed."""


@dataclass(frozen=True, kw_only=True)
class ManifestEntry:
    """One line of the manifest: a clip as planned. With a `code`, planning already settled its fate."""

    ordinal: int
    source_uri: str
    """As the caller gave it, or `s3://bucket/key` for listed objects."""
    destination: str
    """Key in the clips bucket; empty where the clip has none (it failed before it got one)."""
    size: int | None = None
    etag: str | None = None
    version: str | None = None
    checksum: str | None = None
    """`CRC64NVME:base64`, where the caller's manifest gave one: the object must have it."""
    status: ClipStatus = ClipStatus.PENDING
    code: str | None = None
    message: str | None = None
    group: int | None = None
    """Ordinal of the first view of the set that this clip belongs to."""
    view: str | None = None
    """Its role in that set."""
    set_name: str | None = None
    integration: str | None = None
    """Id of the integration that opens the source; None: the service's own access, on Hugging Face nobody's."""
    same_as: int | None = None
    """Of a repeated URI, or a view of a repeated set: ordinal of the clip, or of the front, that it repeats."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A worker's share of a job's run: a byte range of one manifest part, holding `count` clips, whole sets.

    `first` is the ordinal of the first one. The others follow on it in a first planning; a retry's have gaps.
    """

    job_id: str
    number: int
    part_key: str
    part_etag: str
    start: int
    length: int
    first: int
    count: int
    run: int = 0


@dataclass(frozen=True, kw_only=True)
class BatchState:
    """What a worker must know about its batch besides the batch."""

    recorded: bool
    """Its clips are accounted for: by an earlier delivery, or as lost when its run ended."""
    cancel_requested: bool
    settings: ImportSettings
    project: str = ""
    created_at: str = ""
    """Of the job; empty where it is gone."""
    failed: int = 0
    """Failed clips of the job that are counted by now."""
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class Extrapolation:
    """What became of a landed clip's stationary extrapolation. Without a result `code` and `message` say why."""

    status: ExtrapolationStatus
    key: str | None = None
    """Of the result, in the clips bucket."""
    tracks: int | None = None
    """Obstacle tracks of the clip."""
    stationary: int | None = None
    """Those that stand still."""
    rows: int | None = None
    """Of the result."""
    added: int | None = None
    """New ones among them."""
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClipKeys:
    """Under what a clip is found across the imports of its project."""

    clip: str
    """Of its clip id (`service.planning.search_key`)."""
    url: str
    """Of its source URI."""
    position: str
    """`{job's created_at}#{job's id}#{ordinal}`: newest imports come first in descending order."""


@dataclass(frozen=True, kw_only=True)
class ClipRow:
    """A clip's fate. Clips without one are pending, and so are those that a retry runs again, which have a row.

    A row carries all that a list shows, without the manifest.
    """

    ordinal: int
    status: ClipStatus
    size: int | None = None
    etag: str | None = None
    """ETag of the object in the clips bucket."""
    verified: Verification | None = None
    facts: Mapping[str, object] | None = None
    """What content validation found in the clip (`service.formats.facts`)."""
    code: str | None = None
    message: str | None = None
    source_uri: str | None = None
    destination: str | None = None
    keys: ClipKeys | None = None
    """None: the row is found by its job only."""
    group: int | None = None
    view: str | None = None
    set_name: str | None = None
    run: int | None = None
    """Of a pending row: the retry that is to settle it."""
    deleted_at: str | None = None
    """When the clip was deleted. The row stays, so that pages and counts still know what the import did."""
    extrapolation: Extrapolation | None = None
    """Written after the clip's fate, by a function of its own."""

    def with_keys(self, keys: ClipKeys) -> "ClipRow":
        """As `dataclasses.replace` would make it, in a sixth of its time: it is done for each clip."""
        row = object.__new__(ClipRow)
        vars(row).update(vars(self), keys=keys)
        return row


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A clip as callers see it: its manifest line overlaid with its row."""

    id: str
    status: ClipStatus
    source_uri: str
    destination: str
    run_name: str
    clip_id: str
    """The ClipGT clip id, or the object's name without its extension."""
    size: int | None
    etag: str | None
    verified: Verification | None
    facts: Mapping[str, object] | None
    code: str | None
    message: str | None
    view: str | None = None
    set: str | None = None
    """Id of the set's first clip, its front view."""
    deleted_at: str | None = None
    """When it was deleted by itself: nothing lies at its destination by then."""
    extrapolation: Extrapolation | None = None
    """None where the import does not ask for it, and for clips without one (`imports/extrapolation/status.py`)."""

    @property
    def original_clipgt_url(self) -> str:
        """The name that Foretify scripts know `source_uri` by."""
        return self.source_uri


class FolderScope(StrEnum):
    """Folders of one name in different scopes are different folders."""

    USER = "user"
    ORG = "org"


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A name that imports land under, made before them. Its id follows from project, scope and name."""

    id: str
    project: str
    scope: FolderScope
    name: str
    description: str | None
    created_at: str
    created_by: str | None
    """Id of the key that asked."""
    idempotency: str | None = None
    """SHA-256 of the idempotency key that it was made with."""


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A project's key as stored: only the SHA-256 of its secret part."""

    id: str
    project: str
    name: str
    digest: str
    created_at: str


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One object that appeared in the drop bucket. `identity` is the same for every delivery of its event."""

    identity: str
    bucket: str
    key: str
    size: int
    etag: str
    version: str | None
    sequencer: str


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asks: through which door, with which key, in which request of API Gateway."""

    door: Door
    key_id: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """Someone asked for a change of `subject` (an id). Entries never change."""

    id: str
    """Sorts after all older ones of the project."""
    project: str
    time: str
    action: Action
    subject: str
    by: Actor
    expires_at: int
    """When it is forgotten, in seconds since 1970."""


@dataclass(frozen=True, kw_only=True)
class ExecutionSettings:
    """Settings of an import that were saved under an id, as they were given: what they leave out has the defaults of
    the time when they are used.
    """

    id: str
    project: str
    name: str
    description: str | None
    settings: Mapping[str, object]
    created_at: str
    updated_at: str
    request_digest: str
    """SHA-256 of the request that made them, to tell a repeated idempotency key from a reused one."""


class IntegrationType(StrEnum):
    """The words are stable."""

    S3 = "s3"
    """S3, or a store that speaks it, by keys."""
    S3_ROLE = "s3_role"
    """S3 of another account, by a role that trusts this one."""
    GCS = "gcs"
    HF_BUCKET = "hf_bucket"


class IntegrationState(StrEnum):
    CREATING = "CREATING"
    """Its credentials are being stored; nobody sees it yet."""
    READY = "READY"
    DELETING = "DELETING"
    """Its credentials are being deleted; nobody sees it any more."""


@dataclass(frozen=True, kw_only=True)
class Integration:
    """How a project reads one bucket, or a prefix of it. Its credentials are in Secrets Manager."""

    id: str
    project: str
    name: str
    type: IntegrationType
    bucket: str
    """Of Hugging Face `namespace/name`."""
    prefix: str | None = None
    """Keys that it reaches begin so; None: all."""
    region: str | None = None
    endpoint_url: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    """Of a role: made by the service, demanded by the role's trust policy. No secret, but nobody else's either."""
    secret_name: str
    """In Secrets Manager, below the deployment's prefix; another one each time, so that its value never changes."""
    with_credentials: bool
    """Whether there is anything under that name: roles and public buckets need nothing."""
    state: IntegrationState
    touched_at: str
    """When it got its state."""
    created_at: str
    created_by: str | None
    """Id of the key that asked."""
    last_used: str | None = None
    request_digest: str
    """SHA-256 of the request that made it, without its credentials."""
