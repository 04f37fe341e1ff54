"""One project's sources as one storage: each object goes by the access that planning found for it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from service.domain.errors import AccessDenied, IntegrationGone
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied, CopiedPart, ListedObject, Sent
from service.domain.projects import Integration, IntegrationState
from service.domain.requests import ImportSettings
from service.domain.uris import Location, parse_object
from service.formats.reader import RangeReader
from service.ports.objects import ManyCopier, Objects, Storage, Transfer
from service.ports.projects import IntegrationStore

Access = TypeVar("Access", bound=Objects)


@dataclass(frozen=True, kw_only=True)
class RoutedObjects(Generic[Access]):
    """A `SourceStorage`. An integration that is deleted opens nothing from the next round of work on."""

    project: str
    own: Access
    """The service's roles: source buckets of the deploy settings, clips bucket, drop bucket."""
    through: Callable[[Integration | None], Access]
    """By an integration; None: by nobody's credentials. Raises `CredentialsLost`."""
    saved: IntegrationStore
    _known: dict[str, Integration] = field(default_factory=dict, repr=False)

    def list_pages(
        self, at: Location, *, start_after: str = "", integration: str | None = None
    ) -> Iterator[Sequence[ListedObject]]:
        return self._access(at, integration).list_pages(at, start_after=start_after)

    def stat(self, at: Location, *, version: str | None = None, integration: str | None = None) -> ListedObject:
        return self._access(at, integration).stat(at, version=version)

    def reader(self, entry: ManifestEntry) -> RangeReader:
        return self._of(entry).reader(entry)

    def _of(self, entry: ManifestEntry) -> Access:
        return self._access(parse_object(entry.source_uri), entry.integration)

    def _access(self, at: Location, integration_id: str | None) -> Access:
        if integration_id is None:
            return self.own if at.scheme == "s3" else self.through(None)
        if integration_id not in self._known:
            found = self.saved.get(self.project, integration_id)
            if found is None or found.state is not IntegrationState.READY:
                raise IntegrationGone(f"integration {integration_id} is gone", operation="open", uri=str(at))
            self._known[integration_id] = found
        return self.through(self._known[integration_id])


@dataclass(frozen=True, kw_only=True)
class RoutedStorage(RoutedObjects[Transfer]):
    """A `Storage`. What concerns the clips bucket alone goes by the service's own access."""

    own: Storage

    # An entry whose integration is gone neither streams nor goes with others: its copy says what is wrong.

    def streams(self, entry: ManifestEntry) -> bool:
        try:
            return self._of(entry).streams(entry)
        except AccessDenied:
            return False

    def copy(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> Copied:
        return self._of(entry).copy(entry, settings, mark=mark)

    def many(self, entry: ManifestEntry) -> ManyCopier | None:
        try:
            return self._of(entry).many(entry)
        except AccessDenied:
            return None

    def begin_parts(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> str:
        return self._of(entry).begin_parts(entry, settings, mark=mark)

    def copied_parts(self, destination: str, upload_id: str) -> Mapping[int, CopiedPart]:
        return self.own.copied_parts(destination, upload_id)

    def copy_part(self, entry: ManifestEntry, upload_id: str, number: int, span: tuple[int, int]) -> CopiedPart:
        return self._of(entry).copy_part(entry, upload_id, number, span)

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
        return self._of(entry).send_parts(entry, upload_id, spans, whole=whole, check=check, advanced=advanced)

    def complete_parts(
        self, entry: ManifestEntry, upload_id: str, etags: Sequence[str], *, digests: Mapping[str, str] | None = None
    ) -> Copied:
        return self._of(entry).complete_parts(entry, upload_id, etags, digests=digests)

    def landed(self, entry: ManifestEntry, etag: str, *, mark: str | None = None) -> Copied | None:
        return self._of(entry).landed(entry, etag, mark=mark)

    def abort(self, destination: str, upload_id: str) -> None:
        self.own.abort(destination, upload_id)

    def abort_begun_since(self, destination: str, moment: str) -> None:
        self.own.abort_begun_since(destination, moment)

    def remove_marked(self, key: str, mark: str) -> None:
        self.own.remove_marked(key, mark)
