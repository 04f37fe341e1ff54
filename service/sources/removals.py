"""Delete the sources of a project, each through the access that planning found for it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from service.domain.manifest import ManifestEntry
from service.domain.source_deletion import refusal
from service.domain.uris import Location
from service.sources.objects import pin_of
from service.sources.port import Pin
from service.sources.routed import Routes


class Removable(Protocol):
    """What `ObjectSource` and `Adapter` share: deleting."""

    def remove(self, location: Location, pin: Pin) -> None: ...


@dataclass(frozen=True, kw_only=True)
class RoutedRemovals(Routes[Removable]):
    """A `SourceRemovals`."""

    buckets: Collection[str]
    """Source buckets in which the deployment allows imports to delete."""

    def refusal(self, entry: ManifestEntry) -> str | None:
        return refusal(entry.location, self.opener(entry.location, entry.integration), self.buckets)

    def remove(self, entry: ManifestEntry) -> None:
        self.access_to(entry.location, entry.integration).remove(entry.location, pin_of(entry))
