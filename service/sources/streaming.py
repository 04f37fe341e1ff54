"""The storage port's half for clips of one source whose bytes pass through this process."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied, CopiedPart, Sent
from service.domain.requests import ImportSettings
from service.domain.uris import parse_object
from service.sources.objects import SourceObjects, pin_of
from service.sources.stream_copy import StreamCopy, Streamed


@dataclass(frozen=True, kw_only=True)
class StreamingStorage(SourceObjects):
    """What is done to the upload or the copy alone (list its parts, abort it, remove marked copies) is S3's half."""

    copier: StreamCopy

    def streams(self, entry: ManifestEntry) -> bool:  # noqa: ARG002  # every one
        return True

    def many(self, entry: ManifestEntry) -> None:
        pass

    def copy(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> Copied:
        return self.copier.whole(self._item(entry), settings, mark=mark)

    def begin_parts(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> str:
        return self.copier.begin(self._item(entry), settings, mark=mark)

    def copy_part(self, entry: ManifestEntry, upload_id: str, number: int, span: tuple[int, int]) -> CopiedPart:
        nothing: Callable[[], None] = lambda: None  # noqa: E731
        sent = self.send_parts(entry, upload_id, {number: span}, whole=False, check=nothing, advanced=nothing)
        return CopiedPart(etag=sent.etags[number], size=span[1] - span[0] + 1)

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
        self, entry: ManifestEntry, upload_id: str, etags: Sequence[str], *, digests: Mapping[str, str] | None = None
    ) -> Copied:
        return self.copier.complete(self._item(entry), upload_id, etags, digests)

    def landed(self, entry: ManifestEntry, etag: str, *, mark: str | None = None) -> Copied | None:
        """The source's own ETag says nothing about the copy's: then any will do."""
        return self.copier.landed(self._item(entry), None if etag == entry.etag else etag, mark)

    def _item(self, entry: ManifestEntry) -> Streamed:
        return Streamed(
            source=self.source,
            location=parse_object(entry.source_uri),
            pin=pin_of(entry),
            destination=entry.destination,
            checksum=entry.checksum,
        )
