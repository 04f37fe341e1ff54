"""Objects in a store, and the results of copying them. ETags are without quotes; sizes are bytes."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.clips import Verification


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
