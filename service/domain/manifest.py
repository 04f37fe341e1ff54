"""The planned manifest: one entry a clip, and the batches that copy functions take."""

from dataclasses import dataclass, replace
from functools import cached_property

from service.domain.clips import ClipStatus, Overruled
from service.domain.codes import ClipCode
from service.domain.fates import Fate
from service.domain.requests import ImportSettings
from service.domain.uris import Location, parse_object


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
    destination_etag: str | None = None
    """ETag of the object that planning found at the destination; None where it found none, or did not look."""
    same_as: int | None = None
    """Of a repeated URI, or a view of a repeated set: ordinal of the clip, or of the front, that it repeats."""
    overruled: Overruled | None = None
    """In a retry with another `content_validation`: the failed check that it overrules."""

    @cached_property
    def location(self) -> Location:
        """The source, parsed once. Raises `InvalidUri` for a clip that failed because its URI is none."""
        return parse_object(self.source_uri)

    @property
    def fate(self) -> Fate | None:
        """What planning decided; None where the clip is to be copied."""
        if self.status is ClipStatus.PENDING:
            return None
        return Fate(self.status, ClipCode(self.code or ""), self.message or "")

    def with_fate(self, fate: Fate | None) -> "ManifestEntry":
        """The clip with a fate that planning decided; with None as it is."""
        return replace(self, status=fate.status, code=fate.code, message=fate.message) if fate else self


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
