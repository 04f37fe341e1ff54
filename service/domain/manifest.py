"""The planned manifest: one entry a clip, and the batches that copy functions take."""

from dataclasses import dataclass

from service.domain.clips import ClipStatus
from service.domain.requests import ImportSettings


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
