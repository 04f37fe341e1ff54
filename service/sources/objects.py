"""The view of a source that planning and content checks use, the same for every provider."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.requests import Restore
from service.domain.uris import Location
from service.sources.ordered import ordered_pages
from service.sources.port import ObjectSource, Pin, PinnedSource


def pin_of(entry: ManifestEntry) -> Pin:
    """Return the pin of the planned object."""
    assert entry.size is not None, "planning pins every clip that is to be copied"
    assert entry.etag is not None
    return Pin(size=entry.size, etag=entry.etag, version=entry.version)


@dataclass(frozen=True, kw_only=True)
class SourceObjects:
    """`Objects` and `Restorer` of one source."""

    source: ObjectSource

    def list_pages(self, at: Location, *, start_after: str = "") -> Iterator[Sequence[ListedObject]]:
        return ordered_pages(lambda after: self.source.list_pages(at, start_after=after), at, start_after=start_after)

    def list_as_of(
        self, at: Location, as_of: str, *, start_after: str = "", only: bool = False
    ) -> Iterator[Sequence[ListedObject]]:
        if only:
            return self.source.list_as_of(at, as_of, only=True)
        return ordered_pages(
            lambda after: self.source.list_as_of(at, as_of, start_after=after), at, start_after=start_after
        )

    def stat(self, at: Location, *, version: str | None = None) -> ListedObject:
        return self.source.stat(at, version=version)

    def restore(self, entry: ManifestEntry, how: Restore) -> None:
        assert entry.archive is not None
        self.source.restore(entry.location, entry.archive, how, version=entry.version)

    def commit_of(self, at: Location) -> str | None:
        return self.source.commit_of(at)

    def reader(self, entry: ManifestEntry) -> "SourceReader":
        return SourceReader(self.source, entry.location, pin_of(entry))


@dataclass(frozen=True)
class SourceReader:
    """Reads ranges of exactly the pinned object. The manifest has the size, so no read requests it."""

    source: PinnedSource
    at: Location
    pin: Pin

    @property
    def size(self) -> int:
        return self.pin.size

    def read(self, start: int, length: int) -> bytes:
        return self.source.read(self.at, start, length, self.pin) if start < self.size and length > 0 else b""
