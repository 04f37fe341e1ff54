"""Clip rows in memory."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from service.domain.clips import ClipRow, ClipStatus, Extrapolation, SourceFate
from service.ports.clips import ClipIndex
from tests.fakes.faults import Faults, port_call
from tests.fakes.jobs import FakeJobs


@dataclass
class FakeClips:
    """Shares the jobs with `FakeJobs`, since both are in one table."""

    faults: Faults = field(default_factory=Faults)
    jobs: FakeJobs | None = None
    rows: dict[str, dict[int, ClipRow]] = field(default_factory=lambda: defaultdict(dict))
    writes: Counter[tuple[str, int]] = field(default_factory=Counter)
    port = "clips"

    def put(self, job_id: str, rows: Iterable[ClipRow]) -> None:
        """Write rows one by one: a crash keeps those before it."""
        for row in rows:
            self._put(job_id, row)

    @port_call
    def settle(self, job_id: str, rows: Sequence[ClipRow], *, run: int = 0) -> Sequence[ClipRow]:
        held = self.rows[job_id]
        there = [held.get(row.ordinal) for row in rows]
        if all(row is None or (run and row.status is ClipStatus.PENDING and row.run == run) for row in there):
            held.update({row.ordinal: row for row in rows})
            self.writes.update((job_id, row.ordinal) for row in rows)
        return [held[row.ordinal] for row in rows]

    def settle_each(self, job_id: str, rows: Sequence[ClipRow], *, run: int = 0) -> Sequence[ClipRow]:
        """Write one by one: a crash keeps those before it."""
        return [self._settle_one(job_id, row, run) for row in rows]

    def reopen(self, job_id: str, rows: Sequence[ClipRow], *, run: int) -> bool:
        """Write one by one: a crash keeps those before it."""
        return all(self._reopen_one(job_id, row, run) for row in rows)

    @port_call
    def _reopen_one(self, job_id: str, row: ClipRow, run: int) -> bool:
        assert self.jobs is not None
        job = self.jobs.rows.get(job_id)
        if job is None or job.status.terminal or job.run != run or job.planned_run is None or job.planned_run >= run:
            return False
        self.rows[job_id][row.ordinal] = row
        self.writes[job_id, row.ordinal] += 1
        return True

    @port_call
    def _settle_one(self, job_id: str, row: ClipRow, run: int) -> ClipRow:
        there = self.rows[job_id].get(row.ordinal)
        if there is None or (run and there.status is ClipStatus.PENDING and there.run == run):
            self.rows[job_id][row.ordinal] = row
            self.writes[job_id, row.ordinal] += 1
        return self.rows[job_id][row.ordinal]

    @port_call
    def _put(self, job_id: str, row: ClipRow) -> None:
        self.rows[job_id][row.ordinal] = row
        self.writes[job_id, row.ordinal] += 1

    @port_call
    def get(self, job_id: str, ordinals: Sequence[int]) -> Mapping[int, ClipRow]:
        rows = self.rows[job_id]
        return {ordinal: rows[ordinal] for ordinal in ordinals if ordinal in rows}

    def in_order(self, job_id: str, *, first: int) -> Iterator[ClipRow]:
        with self.faults.lock:
            self.faults.enter("clips.in_order")
        yield from (row for ordinal, row in sorted(self.rows[job_id].items()) if ordinal >= first)

    @port_call
    def failures(self, job_id: str, *, first: int, limit: int) -> Sequence[ClipRow]:
        rows = sorted(self.rows[job_id].items())
        unsuccessful = (ClipStatus.FAILED, ClipStatus.CANCELLED)
        kept = [row for ordinal, row in rows if ordinal >= first and row.deleted_at is None]
        return [row for row in kept if row.status in unsuccessful][:limit]

    @port_call
    def find(
        self, index: ClipIndex, key: str, *, limit: int, after: str | None
    ) -> tuple[Sequence[tuple[str, ClipRow]], str | None]:
        found = {
            row.keys.position: (job_id, row)
            for job_id, rows in self.rows.items()
            for row in rows.values()
            if row.keys and key == (row.keys.clip if index == "clip" else row.keys.url)
        }
        rest = [position for position in sorted(found, reverse=True) if after is None or position < after]
        shown = rest[:limit]
        return [found[position] for position in shown], shown[-1] if len(rest) > limit else None

    @port_call
    def remove(self, job_id: str, ordinals: Sequence[int], *, landed: int, now: str, run: int | None = None) -> bool:
        assert self.jobs is not None
        rows, job = self.rows[job_id], self.jobs.rows.get(job_id)
        found = [rows[ordinal] for ordinal in ordinals if ordinal in rows]
        open_ = [row for row in found if row.status is ClipStatus.PENDING or row.deleted_at]
        if job is None or open_ or len(found) < len(ordinals):
            return False
        if run is not None and (job.run != run or (run and not job.status.terminal)):
            return False
        rows.update({row.ordinal: replace(row, deleted_at=now, keys=None) for row in found})
        self.jobs.rows[job_id] = replace(job, removed=job.removed + 1, removed_landed=job.removed_landed + landed)
        return True

    @port_call
    def explained(self, job_id: str, row: ClipRow, message: str) -> bool:
        there = self.rows[job_id].get(row.ordinal)
        if there is None or (there.status, there.message, there.deleted_at) != (row.status, row.message, None):
            return False
        self.rows[job_id][row.ordinal] = replace(there, message=message)
        return True

    @port_call
    def extrapolated(self, job_id: str, ordinal: int, extrapolation: Extrapolation) -> bool:
        row = self.rows[job_id].get(ordinal)
        if row is None or row.status not in (ClipStatus.COPIED, ClipStatus.SKIPPED):
            return False
        self.rows[job_id][ordinal] = replace(row, extrapolation=extrapolation)
        return True

    @port_call
    def source_settled(self, job_id: str, ordinal: int, fate: SourceFate) -> bool:
        row = self.rows[job_id].get(ordinal)
        if row is None or row.status is not ClipStatus.COPIED or (row.source and not fate.deleted):
            return False
        self.rows[job_id][ordinal] = replace(row, source=fate)
        return True

    @port_call
    def delete_some(self, job_id: str) -> bool:
        rows = self.rows.get(job_id, {})
        some = list(rows)[:2]
        for ordinal in some:
            del rows[ordinal]
        return bool(some)
