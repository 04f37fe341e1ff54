"""Ports of watches."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from service.domain.projects import AuditEntry
from service.domain.watches import Watch


class WatchReader(Protocol):
    def of_bucket(self, bucket: str) -> Sequence[Watch]:
        """Return the watches of all projects that take the events of this S3 bucket."""
        ...


class WatchStore(WatchReader, Protocol):
    """Each change and its audit entry are one transaction."""

    def create(self, watch: Watch, *, limit: int, entry: AuditEntry) -> bool:
        """Write it and its audit entry. False, and nothing is written, if the id exists in the project.

        Raises `TooManyWatches` if the project has `limit` of them.
        """
        ...

    def get(self, project: str, watch_id: str) -> Watch | None: ...

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Watch], str | None]:
        """Return watches, oldest first. `after` and the second value are positions (None: the end)."""
        ...

    def save(self, watch: Watch, *, entry: AuditEntry | None = None) -> Watch | None:
        """Replace the row that has `watch.revision`; return the watch with its new revision.

        None, and nothing is written, if the row has another revision by now, or is gone.
        """
        ...

    def delete(self, project: str, watch_id: str, *, entry: AuditEntry) -> bool:
        """Return False if it is gone already."""
        ...

    def due(self, now: str) -> Iterator[Watch]:
        """Yield the watches whose `look_at` has come, the longest waiting first; reads them when they are needed."""
        ...


class BucketEvents(Protocol):
    """Whether a bucket sends its events to this account's EventBridge."""

    def problem(self, bucket: str) -> str | None:
        """Return what keeps the events of an S3 bucket away, as a sentence; None if they come."""
        ...
