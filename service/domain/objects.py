"""Objects in a store, and the results of copying them. ETags are without quotes; sizes are bytes."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.clips import Verification


@dataclass(frozen=True, kw_only=True)
class ListedObject:
    """An object, from a listing or a HEAD."""

    key: str
    size: int
    etag: str
    version: str | None = None
    modified: str | None = None
    archive: str | None = None
    """Archive class or tier that it must be restored from before it can be read; None if it can be read."""
    restoring: bool = False
    """Whether its restore is under way; only a HEAD tells."""
    archive_hidden: bool = False
    """Whether only a HEAD tells its archive, because a listing or an event does not."""
    copied_from: str | None = None
    """`source_mark` of the object that it is a copy of; only a HEAD tells."""
    mark: str | None = None
    """`copy_mark` of the clip that it is a copy of; only a HEAD tells."""


@dataclass(frozen=True, kw_only=True)
class Copied:
    """The object at a clip's destination after its copy."""

    size: int
    etag: str
    verified: Verification
    note: str | None = None
    """A sentence that names what the copy could not keep of its source."""


@dataclass(frozen=True, kw_only=True)
class CopiedPart:
    """A part of a multipart upload in progress, as the store lists it."""

    etag: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Parts that were read from the source and uploaded."""

    etags: Mapping[int, str]
    digests: Mapping[str, str] | None = None
    """`{"CRC32C": base64, …}` of the whole object, if one call read all of it."""


@dataclass(frozen=True, kw_only=True)
class LargeCopy:
    """The multipart upload of a large clip. It is stored before the upload begins, and until the clip is settled."""

    job_id: str
    ordinal: int
    token: str
    """Random, so that it identifies the call that began the upload."""
    destination: str
    etag: str
    """ETag of the source of its parts."""
    part_bytes: int
    begun_at: str
    upload_id: str | None = None
    """None while a call begins the upload, or if that call was killed."""
    completes_as: str | None = None
    """ETag that the object will get from its parts; set before the upload is completed."""
