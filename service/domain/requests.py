"""What a caller asks for: sources, filters and settings of an import."""

from dataclasses import dataclass, field
from enum import StrEnum


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
class Upload:
    """One object that appeared in the drop bucket. `identity` is the same for every delivery of its event."""

    identity: str
    bucket: str
    key: str
    size: int
    etag: str
    version: str | None
    sequencer: str
