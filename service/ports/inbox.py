"""Port of uploads to the drop bucket that callers make by presigned links."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from service.domain.inbox import UploadedPart


@dataclass(frozen=True, kw_only=True)
class UploadLink:
    """A request that anyone can send until the link expires: PUT `url` with these headers and as many bytes as named.

    The URL is a credential: it goes to the caller who asked for it, and into no log.
    """

    url: str
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class UploadedObject:
    """An object of the drop bucket. `checksum` is its SHA-256, composite where it has parts; None if S3 has none."""

    size: int
    etag: str
    checksum: str | None


class InboxUploads(Protocol):
    """The drop bucket. All calls raise `SourceUnavailable` if S3 does not answer."""

    @property
    def bucket(self) -> str: ...

    def put_link(self, key: str, *, size: int, sha256: str, seconds: int) -> UploadLink:
        """Return a link that writes the whole object."""
        ...

    def begin(self, key: str) -> str:
        """Begin a multipart upload whose parts have SHA-256 checksums; return its id."""
        ...

    def part_link(self, key: str, upload_id: str, *, number: int, size: int, sha256: str, seconds: int) -> UploadLink:
        """Return a link that writes one part."""
        ...

    def parts(self, key: str, upload_id: str, *, first: int, last: int) -> Sequence[UploadedPart]:
        """Return the parts that are there, of those with these numbers. Raises `UploadGone`."""
        ...

    def complete(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> str:
        """Make the object of its parts; return its ETag without quotes. Raises `UploadGone`."""
        ...

    def abort(self, key: str, upload_id: str) -> None:
        """Remove the upload and its parts. Nothing happens if it is gone."""
        ...

    def find(self, key: str) -> UploadedObject | None:
        """Return the object at the key."""
        ...
