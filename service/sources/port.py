"""The ports of sources: `ObjectSource` for planning and copying, `Adapter` for each provider.

Errors are `service.domain.errors.ObjectError`s. No message contains a credential or a signed URL.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from service.domain.objects import ListedObject
from service.domain.projects import Integration
from service.domain.requests import Restore
from service.domain.uris import Location

if TYPE_CHECKING:
    from service.sources.patience import Patience

CHUNK_BYTES = 256 * 1024
HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Expires")


@dataclass(frozen=True, kw_only=True)
class Pin:
    """Identifies the object that was planned."""

    size: int
    etag: str
    """ETag without quotes; for Hugging Face the xet hash."""
    version: str | None = None
    """Google Cloud Storage: the generation. S3: the version, if the import asks for a particular one."""

    @classmethod
    def of(cls, found: ListedObject) -> Self:
        return cls(size=found.size, etag=found.etag, version=found.version)

    def holds(self, found: ListedObject) -> bool:
        """Return whether `found` is the pinned object. A version decides alone: Google's ETags change with metadata."""
        same = found.version == self.version if self.version else found.etag == self.etag
        return same and found.size == self.size


@dataclass(frozen=True, kw_only=True)
class SourceObject(ListedObject):
    """An object, with the checksums and headers that its provider reports.

    `checksums` are of the whole object, base64 by kind: `CRC32C`, `CRC32`, `CRC64NVME`, `SHA256`, `MD5`. An S3 ETag is
    not among them, since it may not be an MD5. Only `stat` sets all of `headers` and `metadata`.
    """

    checksums: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """By the names of S3's parameters (`HEADERS`)."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """User metadata."""


class PinnedSource(Protocol):
    """Objects that are read as they were planned. Thread-safe; retries transient errors."""

    def stat(self, location: Location, pin: Pin | None = None, *, version: str | None = None) -> SourceObject:
        """Return the pinned object, the named version, or the latest one. Raises `SourceChanged`."""
        ...

    def tags(self, location: Location, pin: Pin) -> Mapping[str, str]:
        """Return the tags; empty if there are none. Raises `AccessDenied` if reading them is forbidden."""
        ...

    def read(self, location: Location, start: int, length: int, pin: Pin) -> bytes:
        """Return bytes of exactly the pinned object; fewer only at its end. Raises `SourceChanged`."""
        ...

    def chunks(
        self, location: Location, start: int, length: int, pin: Pin, chunk_bytes: int = CHUNK_BYTES
    ) -> Iterator[bytes]:
        """Like `read`, in pieces of at most `chunk_bytes`, with one piece in memory at a time."""
        ...


class ObjectSource(PinnedSource, Protocol):
    """Objects of one provider, read with one set of credentials."""

    def list_pages(self, location: Location, *, start_after: str = "") -> Iterator[Sequence[ListedObject]]:
        """Yield pages of objects whose key begins with the location's, in UTF-8 binary order, after `start_after`."""
        ...

    def restore(self, location: Location, archive: str, how: Restore, *, version: str | None = None) -> None:
        """Request the restore of the object from this archive class or tier. Do nothing if it is under way or done."""
        ...

    def remove(self, location: Location, pin: Pin) -> None:
        """Delete exactly the pinned object. Raises `SourceChanged`; `ObjectMissing` if it is gone already."""
        ...

    def list_as_of(
        self, location: Location, as_of: str, *, start_after: str = "", only: bool = False
    ) -> Iterator[Sequence[ListedObject]]:
        """Yield pages of the objects as they stood at a time, as `service.ports.objects.Objects` explains it."""
        ...

    def commit_of(self, location: Location) -> str | None:
        """Return the commit that the location's revision names now; None for stores without commits."""
        ...


class Body(Protocol):
    """The bytes of an answer, as they arrive."""

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; none only at the end. Raises `SourceUnavailable` if the connection breaks."""
        ...

    def close(self) -> None:
        """Close the connection without reading the rest."""
        ...


class Adapter(Protocol):
    """One provider's protocol. Each method except `list_pages` tries once."""

    def list_pages(
        self, location: Location, *, start_after: str, patience: "Patience"
    ) -> Iterator[Sequence[ListedObject]]:
        """Yield pages; `patience` retries the request for each page."""
        ...

    def list_as_of(
        self, location: Location, as_of: str, *, start_after: str, only: bool, patience: "Patience"
    ) -> Iterator[Sequence[ListedObject]]:
        """Yield pages as they stood at a time; `patience` retries the request for each page."""
        ...

    def stat(self, location: Location, version: str | None) -> SourceObject:
        """Return the latest object, or this version if the provider keeps versions."""
        ...

    def restore(self, location: Location, archive: str, how: Restore, version: str | None) -> None:
        """Request the restore of an object that this adapter said to be archived."""
        ...

    def commit_of(self, location: Location) -> str | None:
        """Return the commit that the location's revision names now; None if the provider has no commits."""
        ...

    def tags(self, location: Location, version: str | None) -> Mapping[str, str]:
        """Return the tags; empty if the provider or store has none."""
        ...

    def open(self, location: Location, start: int, length: int, pin: Pin) -> Body:
        """Open a range of at least one byte, all of it within the pinned object."""
        ...

    def remove(self, location: Location, pin: Pin) -> None:
        """Delete exactly the pinned object. Raises `SourceChanged`; `ObjectMissing` if it is gone already."""
        ...


class Sources(Protocol):
    def check(self, integration: Integration, credentials: str | None) -> None:
        """Check the fields and the credentials without connecting to the source. Raises `InvalidRequest`."""
        ...

    def source_for(self, integration: Integration) -> ObjectSource:
        """Return the source that the integration's credentials open. Raises `CredentialsLost`."""
        ...
