"""The fate of a clip that is not copied."""

from dataclasses import dataclass
from enum import StrEnum

from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import ClipferryError


@dataclass(frozen=True)
class Fate:
    """Why a clip is skipped, failed or cancelled. `message` is one sentence for people."""

    status: ClipStatus
    code: StrEnum
    """A `ClipCode`, or why content validation failed the clip: a `service.formats.failures.Reason`."""
    message: str

    @classmethod
    def failed(cls, error: ClipferryError) -> "Fate":
        """The clip fails for `error`, whose code must be a `ClipCode`."""
        return cls(ClipStatus.FAILED, ClipCode(error.code), error.message)


CANCELLED = Fate(ClipStatus.CANCELLED, ClipCode.CANCELLED, "the import was cancelled before this clip was copied")

SUPERSEDED = Fate(ClipStatus.SKIPPED, ClipCode.SUPERSEDED, "a later upload to the same key took its place")

DESTINATION_TAKEN = Fate(
    ClipStatus.FAILED,
    ClipCode.DESTINATION_TAKEN,
    "an earlier clip of this import, from another source, has the same destination",
)
