"""The planned manifest: one entry a clip, and the batches that copy functions take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from service.domain.clips import ClipStatus, Overruled
from service.domain.codes import ClipCode
from service.domain.fates import Fate
from service.domain.members import Packed
from service.domain.requests import ImportSettings
from service.domain.uris import Location, parse_object


@dataclass(frozen=True, kw_only=True)
class ManifestEntry:
    """One line of the manifest: a clip as planned. With a `code`, planning already decided its fate."""

    ordinal: int
    source_uri: str
    """As the caller gave it, or `s3://bucket/key` for listed objects."""
    destination: str
    """Key in the clips bucket; empty if the clip failed before it got one."""
    clip_id: str | None = None
    """The wanted clip id that the source belongs to, in an import by clip ids."""
    size: int | None = None
    etag: str | None = None
    version: str | None = None
    checksum: str | None = None
    """`CRC64NVME:base64` from the caller's manifest; the object must have this checksum."""
    status: ClipStatus = ClipStatus.PENDING
    code: str | None = None
    message: str | None = None
    group: int | None = None
    """Ordinal of the first view of the set that this clip belongs to."""
    view: str | None = None
    """Its role in that set."""
    set_name: str | None = None
    integration: str | None = None
    """Id of the integration that opens the source; None: the service's own access, or none on Hugging Face."""
    destination_etag: str | None = None
    """ETag of the object that planning found at the destination; None where it found none, or did not look."""
    same_as: int | None = None
    """Ordinal of the clip, or of the front view, that this one repeats."""
    upload: bool | None = None
    """True for an upload to the drop bucket, which never replaces a later upload to its key."""
    archive: str | None = None
    """Archive class or tier of the source, as planning found it."""
    restore_hours: int | None = None
    """Set if planning requested the restore of the source: how long it takes at most, as a rule."""
    packed: Packed | None = None
    """Set if the source is in a zip; `size` and `etag` are then the clip's own, `version` is the zip's."""
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

    def is_settled(self, settings: ImportSettings) -> bool:
        """Whether the plan alone is the clip's result, so that the clip gets no row (decision 91).

        That is so where the first planning skipped it. Views of sets have rows, since the rows of a set decide
        together; so have all clips of imports with stationary extrapolation, which stores its results on rows.
        """
        return self.status is ClipStatus.SKIPPED and self.group is None and not settings.stationary_extrapolation

    def with_fate(self, fate: Fate | None) -> "ManifestEntry":
        """The clip with a fate that planning decided; with None as it is."""
        return self._changed(status=fate.status, code=fate.code, message=fate.message) if fate else self

    def of_clip(self, clip_id: str) -> "ManifestEntry":
        return self._changed(clip_id=clip_id)

    def with_destination_etag(self, etag: str) -> "ManifestEntry":
        return self._changed(destination_etag=etag)

    @property
    def zip_key(self) -> tuple[str, str, str]:
        """URI, version and ETag of the zip that the source is in. They identify it."""
        assert self.packed is not None
        return str(self.location.zip), self.version or "", self.packed.zip_etag

    def zip_entry(self) -> "ManifestEntry":
        """Return the zip that the source is in like a clip, to read ranges of it."""
        assert self.packed is not None
        return ManifestEntry(
            ordinal=self.ordinal,
            source_uri=str(self.location.zip),
            destination=self.destination,
            size=self.packed.zip_size,
            etag=self.packed.zip_etag,
            version=self.version,
            integration=self.integration,
        )

    def _changed(self, **fields: str | None) -> "ManifestEntry":
        """Return a copy: like `dataclasses.replace`, in a sixth of the time, since every unchanged clip needs two."""
        entry = object.__new__(ManifestEntry)
        vars(entry).update(vars(self), **fields)
        return entry


Rounds = tuple[tuple[str, int], ...]
"""The calls that planned an attempt, in order: a random token of each, and the first manifest part that it may write.

The files of a call carry its token, so a late call never writes over those of another one (decision 87).
"""


def as_rounds(stored: Iterable[Sequence[Any]]) -> Rounds:
    """Read rounds from JSON, whose lists stand for tuples."""
    return tuple((str(token), int(first)) for token, first in stored)


def token_of(rounds: Rounds, part: int) -> str:
    """Return the token of the call that planned the part; empty for plans from before there were tokens."""
    return tokens_of(rounds, part, part)[0]


def tokens_of(rounds: Rounds, first: int, last: int) -> list[str]:
    """Return the tokens of the calls that may have planned a part from `first` to `last`, the latest call first.

    The empty token ends the list: files of older plans have none.
    """
    tokens = []
    for token, begun in reversed(rounds):
        if begun <= last:
            tokens.append(token)
            if begun <= first:
                break
    return [*tokens, ""]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A worker's share of an attempt: a byte range of one manifest part with `count` clips, sets kept whole.

    `first` is the ordinal of the first clip. The next ones follow in order, without those that a retry leaves out or
    whose result is the plan (`ManifestEntry.is_settled`); members of one zip follow each other.
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
    restore_hours: int = 0
    """How long the restores of its sources take at most, as a rule. 0: none is archived."""


@dataclass(frozen=True, kw_only=True)
class BatchState:
    """What a worker must know about its job, besides the batch."""

    recorded: bool
    """Whether its clips are counted: by an earlier delivery, or as lost when the attempt completed."""
    cancel_requested: bool
    settings: ImportSettings
    project: str = ""
    created_at: str = ""
    """When the job was created; empty if the job is gone."""
    failed: int = 0
    """Failed clips of the job so far."""
    total: int = 0
    restores_until: str = ""
    """Until when the import waits for restores; empty if it requested none."""
    mirrored: bool = False
    """`SourceKind.mirrored` of its source."""
