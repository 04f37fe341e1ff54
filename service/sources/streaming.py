"""Copy clips of one source through this process."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied, ListedObject, Sent
from service.domain.requests import ImportSettings
from service.domain.uris import Location
from service.sources.objects import SourceReader, pin_of
from service.sources.port import PinnedSource
from service.sources.stream_copy import StreamCopy, Streamed


@dataclass(frozen=True, kw_only=True)
class StreamingStorage:
    """A `StreamCopier` of one source."""

    source: PinnedSource
    copier: StreamCopy

    @property
    def streams(self) -> Literal[True]:
        return True

    def stat(self, at: Location, *, version: str | None = None) -> ListedObject:
        return self.source.stat(at, version=version)

    def reader(self, entry: ManifestEntry) -> SourceReader:
        return SourceReader(self.source, entry.location, pin_of(entry))

    def copy(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> Copied:
        return self.copier.whole(self._item(entry), settings, mark=mark)

    def begin_parts(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> str:
        return self.copier.begin(self._item(entry), settings, mark=mark)

    def send_parts(
        self,
        entry: ManifestEntry,
        upload_id: str,
        spans: Mapping[int, tuple[int, int]],
        *,
        whole: bool,
        check: Callable[[], object],
        advanced: Callable[[], None],
    ) -> Sent:
        return self.copier.send(self._item(entry), upload_id, spans, whole=whole, check=check, advanced=advanced)

    def complete_parts(
        self,
        entry: ManifestEntry,
        upload_id: str,
        etags: Sequence[str],
        settings: ImportSettings,
        *,
        digests: Mapping[str, str] | None = None,
    ) -> Copied:
        return self.copier.complete(self._item(entry), upload_id, etags, settings, digests)

    def landed(self, entry: ManifestEntry, *, etag: str | None = None, mark: str | None = None) -> Copied | None:
        """Each copy names the source object that it is a copy of, so it needs no ETag to be recognized."""
        return self.copier.landed(self._item(entry), etag, mark)

    def _item(self, entry: ManifestEntry) -> Streamed:
        return Streamed(
            source=self.source,
            location=entry.location,
            pin=pin_of(entry),
            destination=entry.destination,
            checksum=entry.checksum,
            destination_etag=entry.destination_etag,
            in_set=entry.group is not None,
        )
