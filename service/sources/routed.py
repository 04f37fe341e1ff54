"""Route each object of a project to the access that planning found for it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from service.domain.errors import IntegrationGone
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.projects import Integration, IntegrationState
from service.domain.requests import Restore
from service.domain.uris import Location
from service.formats.reader import RangeReader
from service.ports.objects import Copier, Objects, Restorer
from service.ports.projects import IntegrationStore

Access = TypeVar("Access")


@dataclass(frozen=True, kw_only=True)
class Routes(Generic[Access]):
    """A deleted integration opens nothing from the next round of work on."""

    project: str
    own: Access
    """The service's roles: source buckets of the deploy settings, clips bucket, drop bucket."""
    through: Callable[[Integration | None], Access]
    """By an integration; None: without credentials. Raises `CredentialsLost`."""
    saved: IntegrationStore
    _known: dict[str, Integration] = field(default_factory=dict, repr=False)

    def access_to(self, at: Location, integration_id: str | None) -> Access:
        """Raises `IntegrationGone`, `CredentialsLost`."""
        if integration_id is None and at.scheme == "s3":
            return self.own
        return self.through(self.opener(at, integration_id))

    def opener(self, at: Location, integration_id: str | None) -> Integration | None:
        """Return the integration. Raises `IntegrationGone`."""
        if integration_id is None:
            return None
        if integration_id not in self._known:
            found = self.saved.get(self.project, integration_id)
            if found is None or found.state is not IntegrationState.READY:
                raise IntegrationGone(f"integration {integration_id} is gone", operation="open", uri=str(at))
            self._known[integration_id] = found
        return self._known[integration_id]


class RoutedObjects(Routes[Objects]):
    """A `SourceStorage`."""

    def list_pages(
        self, at: Location, *, start_after: str = "", integration: str | None = None
    ) -> Iterator[Sequence[ListedObject]]:
        return self.access_to(at, integration).list_pages(at, start_after=start_after)

    def list_as_of(
        self,
        at: Location,
        as_of: str,
        *,
        start_after: str = "",
        only: bool = False,
        integration: str | None = None,
    ) -> Iterator[Sequence[ListedObject]]:
        return self.access_to(at, integration).list_as_of(at, as_of, start_after=start_after, only=only)

    def stat(self, at: Location, *, version: str | None = None, integration: str | None = None) -> ListedObject:
        return self.access_to(at, integration).stat(at, version=version)

    def commit_of(self, at: Location, *, integration: str | None = None) -> str | None:
        return self.access_to(at, integration).commit_of(at)

    def reader(self, entry: ManifestEntry) -> RangeReader:
        return self.access_to(entry.location, entry.integration).reader(entry)


class RoutedRestorer(Routes[Restorer]):
    """A `Restorer`."""

    def restore(self, entry: ManifestEntry, how: Restore) -> None:
        self.access_to(entry.location, entry.integration).restore(entry, how)


@dataclass(frozen=True, kw_only=True)
class RoutedCopiers(Routes[Copier]):
    """A `Copiers`."""

    of_member: Callable[[ManifestEntry, Copier], Copier]
    """Return what copies a member of a zip. The copier opens the zip."""

    def copier_of(self, entry: ManifestEntry) -> Copier:
        copier = self.access_to(entry.location, entry.integration)
        return self.of_member(entry, copier) if entry.packed else copier
