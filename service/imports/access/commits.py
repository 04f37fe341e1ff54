"""Read each dataset and model of Hugging Face at one commit for the whole of a planning."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock

from service.domain.errors import LimitExceeded
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.uris import Location
from service.formats.reader import RangeReader
from service.ports.objects import SourceStorage

MAX_REVISIONS = 200
"""Revisions of datasets and models that one import may name. The state machine passes their commits from round to
round: at most 500 bytes each, of the 256 KiB that it can pass."""


@dataclass(frozen=True)
class CommittedStorage:
    """A `SourceStorage` that asks once which commit a revision names, and then keeps to it."""

    storage: SourceStorage
    commits: dict[str, str]
    """By `Location.bucket`, also those that earlier rounds of the planning saw."""
    _lock: Lock = field(default_factory=Lock, repr=False)

    def list_pages(
        self, at: Location, *, start_after: str = "", integration: str | None = None
    ) -> Iterator[Sequence[ListedObject]]:
        yield from self.storage.list_pages(
            self._committed(at, integration), start_after=start_after, integration=integration
        )

    def list_as_of(
        self,
        at: Location,
        as_of: str,
        *,
        start_after: str = "",
        only: bool = False,
        integration: str | None = None,
    ) -> Iterator[Sequence[ListedObject]]:
        return self.storage.list_as_of(at, as_of, start_after=start_after, only=only, integration=integration)

    def stat(self, at: Location, *, version: str | None = None, integration: str | None = None) -> ListedObject:
        named = at if version else self._committed(at, integration)
        return self.storage.stat(named, version=version, integration=integration)

    def commit_of(self, at: Location, *, integration: str | None = None) -> str | None:
        return self._committed(at, integration).revision

    def reader(self, entry: ManifestEntry) -> RangeReader:
        return self.storage.reader(entry)

    def _committed(self, at: Location, integration: str | None) -> Location:
        if not at.is_repository:
            return at
        with self._lock:
            if at.bucket not in self.commits:
                if len(self.commits) >= MAX_REVISIONS:
                    message = f"the source names more than {MAX_REVISIONS} revisions of datasets and models"
                    raise LimitExceeded(f"{message}, the limit of one import")
                self.commits[at.bucket] = self.storage.commit_of(at, integration=integration) or ""
            commit = self.commits[at.bucket]
        return at.at_commit(commit) if commit else at
