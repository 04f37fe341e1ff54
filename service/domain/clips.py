"""A clip: its status, its row in the table and the view that callers get."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from service.domain.codes import ClipCode


class ClipStatus(StrEnum):
    PENDING = "PENDING"
    COPIED = "COPIED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Verification(StrEnum):
    """How a copy was compared with its source."""

    CHECKSUM = "checksum"
    ETAG = "etag"
    UNVERIFIABLE = "unverifiable"


class Content(StrEnum):
    """Verdict of content validation. An invalid clip fails; the others are copied."""

    VALID = "valid"
    INVALID = "invalid"
    UNCHECKED = "unchecked"
    """Deciding takes more than a check may read (`service.formats.limits`)."""


@dataclass(frozen=True, kw_only=True)
class Overruled:
    """Why a clip failed its check, before a retry with another `content_validation` took it all the same."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class SourceFate:
    """Whether an import with `delete_source` deleted a clip's source, else why it kept it."""

    deleted: bool
    code: str | None = None
    message: str | None = None


class ExtrapolationStatus(StrEnum):
    """Status of a clip's stationary extrapolation."""

    PENDING = "PENDING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, kw_only=True)
class Extrapolation:
    """Result of a clip's stationary extrapolation. Without a result, `code` and `message` say why."""

    status: ExtrapolationStatus
    key: str | None = None
    """Key of the result in the clips bucket."""
    tracks: int | None = None
    """Number of obstacle tracks in the clip."""
    stationary: int | None = None
    """Number of tracks that stand still."""
    rows: int | None = None
    """Number of rows in the result."""
    added: int | None = None
    """Number of rows that were added."""
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClipKeys:
    """Index keys by which a clip is found across all imports of its project."""

    clip: str
    """Hash of its clip id (`service.domain.search_keys.search_key`)."""
    url: str
    """Hash of its source URI."""
    position: str
    """`{job's created_at}#{job's id}#{ordinal}`, so that descending order gives the newest imports first."""


@dataclass(frozen=True, kw_only=True)
class ClipRow:
    """A clip's result. A clip without a row is pending; a clip that a retry runs again has a row with status PENDING.

    A row holds everything that a list shows, so that lists need no manifest.
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
    clip_id: str | None = None
    """The wanted clip id that the source belongs to, in an import by clip ids."""
    keys: ClipKeys | None = None
    """None: only its job finds the row."""
    group: int | None = None
    view: str | None = None
    set_name: str | None = None
    run: int | None = None
    """The retry that a pending row waits for."""
    deleted_at: str | None = None
    """When the clip was deleted. The row stays, so that pages and counts still show what the import did."""
    extrapolation: Extrapolation | None = None
    """Written later, by the function `extrapolate`."""
    content: Content | None = None
    """The last verdict of content validation; None where nothing looked into the clip."""
    content_code: str | None = None
    """Why an unchecked clip is unchecked. Of an invalid one, `code` says why it failed."""
    content_message: str | None = None
    overruled: Overruled | None = None
    source: SourceFate | None = None
    """Written later, by the function `delete_sources`."""

    @property
    def failed_check(self) -> bool:
        """Whether content validation keeps the clip from landing."""
        return self.content is Content.INVALID and self.status is not ClipStatus.COPIED

    @property
    def landed(self) -> bool:
        """Whether the clip is at its destination. A superseded upload is not: the later one to its key decides."""
        return self.status is ClipStatus.COPIED or self.code == ClipCode.UNCHANGED

    def with_keys(self, keys: ClipKeys) -> "ClipRow":
        """Return a copy with keys: like `dataclasses.replace`, in a sixth of the time, since every clip needs it."""
        row = object.__new__(ClipRow)
        vars(row).update(vars(self), keys=keys)
        return row


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A clip as callers see it: its manifest line, updated by its row."""

    id: str
    status: ClipStatus
    source_uri: str
    destination: str
    run_name: str
    clip_id: str
    """The ClipGT clip id, the id that the import wanted, or the object's name without its extension."""
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
    """When the clip was deleted; its object is gone by then."""
    extrapolation: Extrapolation | None = None
    """None where the import does not ask for it, and for clips without one (`imports/extrapolation/status.py`)."""
    content: Content | None = None
    content_code: str | None = None
    content_message: str | None = None
    overruled: Overruled | None = None
    source_deleted: bool | None = None
    """None where the import does not ask for it, or has not decided it yet (`imports/results/source_fates.py`)."""
    source_kept_code: str | None = None
    source_kept_message: str | None = None

    @property
    def original_clipgt_url(self) -> str:
        """`source_uri` by the name that Foretify scripts use."""
        return self.source_uri
