"""What a caller asks for: sources, filters and settings of an import."""

from dataclasses import dataclass, field
from enum import StrEnum


class OnExisting(StrEnum):
    """What to do if an object lies at a clip's destination already."""

    SKIP = "skip"
    """Copy only if the object is not the same clip."""
    OVERWRITE = "overwrite"
    FAIL = "fail"


class Archived(StrEnum):
    """What to do with clips whose source is in an archive class or tier."""

    FAIL = "fail"
    SKIP = "skip"
    RESTORE = "restore"
    """Restore the source, wait for it, and copy it then."""


class RestoreTier(StrEnum):
    """S3's retrieval options, the cheapest and slowest first."""

    BULK = "bulk"
    STANDARD = "standard"
    EXPEDITED = "expedited"


MAX_RESTORE_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Restore:
    """How an import restores archived sources."""

    tier: RestoreTier = RestoreTier.BULK
    days: int = 3
    """Days for which S3 keeps a restored copy, from 1 to `MAX_RESTORE_DAYS`."""


class DeleteSource(StrEnum):
    """Whether an import deletes the source objects that it copied."""

    NEVER = "never"
    AFTER_VERIFIED = "after_verified"
    """Once the import has completed, delete each copied source whose copy is proven to be the same."""


class Members(StrEnum):
    """How an import that names members of a zip makes clips of them."""

    FILES = "files"
    """Each member is a clip of its own."""
    CLIPGT = "clipgt"
    """The members of one clip id are one clip: a zip that is built of them."""


class ContentValidation(StrEnum):
    """How thoroughly a clip is checked, by range reads, before it is copied."""

    NONE = "none"
    STRUCTURE = "structure"
    DEEP = "deep"


@dataclass(frozen=True, kw_only=True)
class Notify:
    """Whom to notify on completion."""

    webhook_url: str | None = None
    event: bool = True
    """Whether an EventBridge event is sent."""


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """Failed clips allowed before the import stops: `count`, or `percent` of the total. One of the two is set."""

    count: int | None = None
    percent: float | None = None


@dataclass(frozen=True, kw_only=True)
class ImportSettings:
    on_existing: OnExisting = OnExisting.SKIP
    content_validation: ContentValidation = ContentValidation.NONE
    storage_class: str | None = None
    """Storage class of the copies; None: STANDARD."""
    keep_metadata: bool = True
    keep_tags: bool = True
    notify: Notify = field(default_factory=Notify)
    destination: str | None = None
    """Template of the clips' names below the root of project and folder; None: names mirror the sources."""
    max_concurrency: int | None = None
    """Maximum concurrent copy functions; None: the deployment's limit."""
    tolerated_failures: Tolerance | None = None
    """Failures allowed before the import stops; None: any number."""
    stationary_extrapolation: bool = False
    """Whether to extend the stationary tracks of each ClipGT clip, into a file beside the clip."""
    archived: Archived = Archived.FAIL
    restore: Restore = field(default_factory=Restore)
    """Used with `Archived.RESTORE` only."""
    delete_source: DeleteSource = DeleteSource.NEVER
    members: Members = Members.FILES

    @property
    def deletes_sources(self) -> bool:
        return self.delete_source is DeleteSource.AFTER_VERIFIED

    @property
    def audit_details(self) -> dict[str, object] | None:
        """Return what an audit entry says of an import besides who asked for it."""
        return {"delete_source": str(self.delete_source)} if self.deletes_sources else None


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which objects to import: those that match an `include` (if there is any), no `exclude`, and the other fields.

    Patterns are gitignore's. Sizes are inclusive. Times are ISO 8601 with a zone; `modified_before` is exclusive.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    min_size: int | None = None
    max_size: int | None = None
    modified_after: str | None = None
    modified_before: str | None = None


@dataclass(frozen=True, kw_only=True)
class ViewSet:
    """Views of one scene, which are imported together or not at all: (role, URI) in the order given."""

    views: tuple[tuple[str, str], ...]
    name: str | None = None
    """Used in the run names of its clips instead of the objects' names."""


@dataclass(frozen=True, kw_only=True)
class VideoUpload:
    """The request of an import through the NomadicML endpoints, which show it again."""

    provider: str
    """`s3`, `gcs` or `hf_bucket`."""
    bucket: str
    """Of Hugging Face `namespace/name`."""
    folder_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """A caller's request for an import, by any endpoint. It names one source: a list, a prefix, a manifest or sets.

    Its URIs are text. Intake checks and stores them line by line, since a million `Location`s would take 250 MB,
    and the NomadicML endpoints accept URIs that are none.
    """

    exact_paths: tuple[str, ...] | None = None
    root_path: str | None = None
    clip_ids: tuple[str, ...] | None = None
    """With a prefix: import only the clips with these ids, also out of the zips below it."""
    manifest_uri: str | None = None
    as_of: str | None = None
    """For a prefix or a list of S3: ISO 8601 with a zone; import what stood there at that time."""
    filters: Filters | None = None
    """For a prefix or a manifest."""
    sets: tuple[ViewSet, ...] | None = None
    folder: str | None = None
    labels: tuple[str, ...] = ()
    run_name_prefix: str | None = None
    test_run_group_name: str | None = None
    settings: ImportSettings = field(default_factory=ImportSettings)
    execution_settings_id: str | None = None
    """Id of a preset, which replaces `settings`."""
    stationary_extrapolation: bool | None = None
    """Replaces the field of the settings, whatever they come from; None: as they say."""
    integration_id: str | None = None
    """Integration that opens all sources; None: the project's integration for each bucket, or the service."""
    video_upload: VideoUpload | None = None
    directories: tuple[str, ...] | None = None
    """Keys below `root_path` that end in `/`, in UTF-8 binary order, none inside another. Only these are listed."""
    validate: bool = True
    """Whether to list a prefix before the job is created. No effect on lists and sets."""
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An object that was uploaded to the drop bucket. All deliveries of its event have the same `identity`."""

    identity: str
    bucket: str
    key: str
    size: int
    etag: str
    version: str | None
    sequencer: str
