"""Watches, and the events of buckets, in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from service.domain.errors import TooManyWatches
from service.domain.projects import AuditEntry
from service.domain.watches import Watch
from tests.fakes.faults import Faults, port_call


@dataclass
class FakeWatches:
    entries: list[AuditEntry]
    faults: Faults = field(default_factory=Faults)
    rows: dict[tuple[str, str], Watch] = field(default_factory=dict)
    port = "watches"

    @port_call
    def create(self, watch: Watch, *, limit: int, entry: AuditEntry) -> bool:
        if (watch.project, watch.id) in self.rows:
            return False
        if sum(project == watch.project for project, _ in self.rows) >= limit:
            raise TooManyWatches(f"this project has {limit:,} watches, which is the limit")
        self._put(watch, entry)
        return True

    @port_call
    def get(self, project: str, watch_id: str) -> Watch | None:
        return self.rows.get((project, watch_id))

    @port_call
    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Watch], str | None]:
        found = {f"{one.created_at}#{one.id}": one for one in self.rows.values() if one.project == project}
        rest = [position for position in sorted(found) if after is None or position > after]
        shown = rest[:limit]
        return [found[position] for position in shown], shown[-1] if len(rest) > limit else None

    @port_call
    def save(self, watch: Watch, *, entry: AuditEntry | None = None) -> Watch | None:
        known = self.rows.get((watch.project, watch.id))
        if known is None or known.revision != watch.revision:
            return None
        return self._put(replace(watch, revision=watch.revision + 1), entry)

    @port_call
    def delete(self, project: str, watch_id: str, *, entry: AuditEntry) -> bool:
        if self.rows.pop((project, watch_id), None) is None:
            return False
        self.entries.append(entry)
        return True

    def due(self, now: str) -> Iterator[Watch]:
        with self.faults.lock:
            self.faults.enter("watches.due")
            found = [(one.look_at, one.project, one.id) for one in self.rows.values() if one.look_at]
        for _, project, watch_id in sorted(found):
            watch = self.rows.get((project, watch_id))
            if watch and watch.look_at is not None and watch.look_at <= now:
                yield watch

    @port_call
    def of_bucket(self, bucket: str) -> Sequence[Watch]:
        return [one for one in self.rows.values() if one.takes_events and one.location.bucket == bucket]

    def _put(self, watch: Watch, entry: AuditEntry | None) -> Watch:
        self.rows[watch.project, watch.id] = watch
        self.entries += [entry] if entry else []
        return watch


@dataclass
class FakeBucketEvents:
    """Buckets whose events come; another one's problem is its name's."""

    on: set[str] = field(default_factory=set)

    def problem(self, bucket: str) -> str | None:
        return None if bucket in self.on else f"{bucket} sends no events"
