"""What planning and copying need of a source, and what an adapter must offer.

Errors are `service.domain.errors.ObjectError`s; no message carries a credential or a signed URL.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from service.domain.objects import ListedObject
from service.domain.projects import Integration
from service.domain.uris import Location

if TYPE_CHECKING:
    from service.sources.patience import Patience

CHUNK_BYTES = 256 * 1024
HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType")


@dataclass(frozen=True, kw_only=True)
class Pin:
    """Identifies the object that was planned."""

    size: int
    etag: str
    """ETag without quotes; of Hugging Face the xet hash."""
    version: str | None = None
    """On Google Cloud Storage the generation; on S3 the version, if only that one is wanted."""

    def holds(self, found: ListedObject) -> bool:
        """A version decides alone: Google's ETags change with an object's metadata."""
        same = found.version == self.version if self.version else found.etag == self.etag
        return same and found.size == self.size


@dataclass(frozen=True, kw_only=True)
class SourceObject(ListedObject):
    """An object, with what its provider says of its content.

    `checksums` are of the whole object, base64 by kind: `CRC32C`, `CRC32`, `CRC64NVME`, `SHA256`, `MD5`. An S3 ETag
    is not among them: it need not be an MD5. What else is to be kept of it only `stat` tells.
    """

    checksums: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """By the names of S3's parameters (`HEADERS`)."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """User metadata."""

    @property
    def pin(self) -> Pin:
        return Pin(size=self.size, etag=self.etag, version=self.version)


class ObjectSource(Protocol):
    """Objects of one provider, opened by one set of credentials. Safe for threads; tries transient faults again."""

    def list_pages(self, location: Location, *, start_after: str = "") -> Iterator[Sequence[SourceObject]]:
        """Pages of objects whose keys begin with the location's, in UTF-8 binary order, those after `start_after`."""
        ...

    def stat(self, location: Location, pin: Pin | None = None, *, version: str | None = None) -> SourceObject:
        """The pinned object, or the latest one, or its named version. Raises `SourceChanged`."""
        ...

    def tags(self, location: Location, pin: Pin) -> Mapping[str, str]:
        """Empty where the provider or the store has no tags. Raises `AccessDenied` where they may not be read."""
        ...

    def read(self, location: Location, start: int, length: int, pin: Pin) -> bytes:
        """Bytes of exactly the pinned object; only its end cuts them short. Raises `SourceChanged`."""
        ...

    def chunks(
        self, location: Location, start: int, length: int, pin: Pin, chunk_bytes: int = CHUNK_BYTES
    ) -> Iterator[bytes]:
        """Like `read`, in pieces of at most `chunk_bytes`, one in memory at a time."""
        ...


class Body(Protocol):
    """An answer's bytes as they come."""

    def read(self, size: int) -> bytes:
        """At most `size` bytes, none only at the end. Raises `SourceUnavailable` where the connection breaks."""
        ...

    def close(self) -> None:
        """Give up the rest."""
        ...


class Adapter(Protocol):
    """One provider's protocol. Each method but the listing makes one try."""

    def list_pages(
        self, location: Location, *, start_after: str, patience: "Patience"
    ) -> Iterator[Sequence[SourceObject]]:
        """Each request for a page is tried as `patience` says."""
        ...

    def stat(self, location: Location, version: str | None) -> SourceObject:
        """The latest one, or where the provider keeps versions that one."""
        ...

    def tags(self, location: Location, version: str | None) -> Mapping[str, str]:
        """Empty where the provider or the store has no tags."""
        ...

    def open(self, location: Location, start: int, length: int, pin: Pin) -> Body:
        """At least one byte, all within the pinned object."""
        ...


class Sources(Protocol):
    def check(self, integration: Integration, credentials: str | None) -> None:
        """Whether a source can be made of these, connecting nowhere. Raises `InvalidRequest` where it cannot."""
        ...

    def source_for(self, integration: Integration) -> ObjectSource:
        """The source that the integration's credentials open. Raises `CredentialsLost`."""
        ...
