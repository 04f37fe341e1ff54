"""Plan a retry: its clips, looked at anew, as a manifest and batches of the run's own, in rounds.

Nothing but files is written until the run's plan is whole; then `reopen` makes the clips pending. The first manifest
stays as it is: pages of clips read it.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from service.domain.batching import PART_CLIPS, whole_sets
from service.domain.clips import ClipRow, ClipStatus
from service.domain.codes import CANCELLED, CANCELLED_MESSAGE, DESTINATION_TAKEN, MANIFEST_LOST, TAKEN_MESSAGE, Fate
from service.domain.errors import NotFound, ObjectError, SelectionIncomplete
from service.domain.jobs import Job, SourceKind
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.state_keys import batches_key
from service.domain.uris import parse_object, s3_at
from service.imports.access.reach import Reach, id_of
from service.imports.inputs.retry_selection import can_run_again, decode_ordinals
from service.imports.inputs.view_sets import parts_of_sets, requested_sets
from service.imports.manifest.store import read_part
from service.imports.planning.context import PlanCursor, Planned, PlanPorts, writer_at
from service.imports.planning.duplicates import Seen, occupies
from service.imports.planning.named import Planner, clip_planner, whole_sets_or_failed
from service.imports.planning.pin import (
    Target,
    destination_of,
    fate_by_existing,
    inspect,
    opened,
    other_than_pinned,
    pin,
)
from service.imports.planning.reopen import RunPlan, read_run_plan, reopen, write_run_plan
from service.ports.state import StateReader

INDEX_LAG_SECONDS = 5
"""How long the index of failures, which is eventually consistent, may take to show a job's last ones."""


def plan_again(job: Job, cursor: PlanCursor, *, out_of_time: Callable[[], bool], ports: PlanPorts) -> Planned:
    """One round. Raises `SelectionIncomplete` where another try, some seconds later, will find more clips."""
    plan = read_run_plan(job, ports.state)
    if plan is None:
        planned = _write_parts(job, cursor, out_of_time, ports)
        if isinstance(planned, PlanCursor):
            return Planned(cursor=planned)
        plan = planned
    if job.planned_run == job.run:
        ports.jobs.end_planning(job.id, run=job.run, total=job.counts.total, cut_short=job.cut_short, now=ports.clock())
    else:
        opened = reopen(job, plan, first_part=cursor.opened, out_of_time=out_of_time, ports=ports)
        if opened * PART_CLIPS < plan.clips:
            return Planned(cursor=replace(cursor, opened=opened))
    key, limit = batches_key(job.id, run=job.run), job.settings.max_concurrency
    extrapolate = job.settings.stationary_extrapolation
    return Planned(batches=plan.batches, batches_key=key, max_concurrency=limit, extrapolate=extrapolate)


def _write_parts(
    job: Job, cursor: PlanCursor, out_of_time: Callable[[], bool], ports: PlanPorts
) -> RunPlan | PlanCursor:
    """The manifest and the batches, or where to go on."""
    writer = writer_at(cursor, job, ports, manifest_run=job.run)
    replanner = _Replanner(job, ports)
    chosen = _chosen(job, ports)
    more = True
    while more:
        rows, more = _next_part(job, chosen, cursor, ports)
        if not rows:
            break
        writer.write_part(replanner.plan(rows))
        former = [row.status for row in rows]
        cursor = PlanCursor(
            ordinal=writer.ordinal,
            batches=writer.batches,
            next_clip=rows[-1].ordinal + 1,
            failed=cursor.failed + former.count(ClipStatus.FAILED),
            cancelled=cursor.cancelled + former.count(ClipStatus.CANCELLED),
        )
        if more and out_of_time():
            writer.end_round()
            return replace(cursor, round_number=writer.round_number)
    expected = len(chosen) if chosen is not None else job.counts.failed + job.counts.cancelled
    if writer.ordinal < expected and _index_may_lag(job, ports):
        raise SelectionIncomplete(f"found {writer.ordinal:,} of {expected:,} clips to retry so far")
    writer.end()
    plan = RunPlan(clips=writer.ordinal, batches=writer.batches, failed=cursor.failed, cancelled=cursor.cancelled)
    write_run_plan(job, plan, ports.state)
    return plan


def _index_may_lag(job: Job, ports: PlanPorts) -> bool:
    assert job.retry is not None
    age = datetime.fromisoformat(ports.clock()) - datetime.fromisoformat(job.retry.at)
    return age.total_seconds() < INDEX_LAG_SECONDS


def _chosen(job: Job, ports: PlanPorts) -> list[int] | None:
    """The ordinals that a caller named; None: all that failed or were cancelled."""
    assert job.retry is not None
    if job.retry.selection is None:
        return None
    chosen = decode_ordinals(ports.state.get(job.retry.selection))
    if job.source.kind is SourceKind.SETS:
        views = (view for part in parts_of_sets(requested_sets(job, ports.state)) for view in part)
        return sorted(whole_sets(views, set(chosen)))
    return chosen


def _next_part(
    job: Job, chosen: Sequence[int] | None, cursor: PlanCursor, ports: PlanPorts
) -> tuple[Sequence[ClipRow], bool]:
    """Rows of the next part's clips, in order, and whether there are more. Its sets are whole (`set_parts`)."""
    parts = -(-cursor.ordinal // PART_CLIPS)
    room = (parts + 1) * PART_CLIPS - cursor.ordinal
    rows = _next_rows(job, chosen, cursor.next_clip, room + 1, ports)
    if len(rows) <= room:
        return rows, False
    last = room
    while rows[last].group is not None and rows[last].group == rows[last - 1].group:
        last -= 1
    return rows[:last], True


def _next_rows(job: Job, chosen: Sequence[int] | None, first: int, limit: int, ports: PlanPorts) -> Sequence[ClipRow]:
    if chosen is None:
        return ports.clips.failures(job.id, first=first, limit=limit)
    left = [ordinal for ordinal in chosen if ordinal >= first]
    found: list[ClipRow] = []
    for start in range(0, len(left), PART_CLIPS):
        rows = ports.clips.get(job.id, left[start : start + PART_CLIPS])
        found += (row for _, row in sorted(rows.items()) if can_run_again(row))
        if len(found) >= limit:
            break
    return found[:limit]


@dataclass
class _Replanner:
    """Looks at clips again: what is at the source now, what lies at the destination now."""

    job: Job
    ports: PlanPorts
    _afresh: Planner | None = field(default=None, init=False)
    _reach: Reach = field(init=False)
    _others: set[int] | None = field(default=None, init=False)
    """Clips whose destination is another clip's."""

    def __post_init__(self) -> None:
        self._reach = self.ports.access.of(self.job)

    def plan(self, rows: Sequence[ClipRow]) -> list[ManifestEntry]:
        """Entries for these clips, in their order."""
        self.job = self.ports.jobs.get(self.job.id) or self.job  # it may have been cancelled
        if self.job.source.kind is SourceKind.SETS:
            planner = self._afresh = self._afresh or clip_planner(self.job, self.ports)
            with ThreadPoolExecutor(self.ports.stat_concurrency) as pool:
                return whole_sets_or_failed(pool.map(lambda row: planner(row.ordinal, self.job), rows))
        known = self._known(rows)
        if not self.job.source.kind.open_ended and any(not _placed(known.get(row.ordinal)) for row in rows):
            self._afresh = self._afresh or clip_planner(self.job, self.ports)
        if self._others is None:
            self._others = destinations_of_others(self.job, self.ports.state) if _named(self.job) else set()
        with ThreadPoolExecutor(self.ports.stat_concurrency) as pool:
            return list(pool.map(lambda row: self._again(row, known.get(row.ordinal)), rows))

    def _known(self, rows: Sequence[ClipRow]) -> dict[int, ManifestEntry]:
        """The clips as they were planned. Their rows tell enough of those that are looked at anew and mirror sources:
        a few failures among a million clips do not take reading all of the manifest.
        """
        told: dict[int, ManifestEntry] = {}
        if self.job.source.kind in (SourceKind.LIST, SourceKind.PREFIX) and not _named(self.job):
            told = {
                row.ordinal: ManifestEntry(ordinal=row.ordinal, source_uri=row.source_uri, destination=row.destination)
                for row in rows
                if row.source_uri and row.destination
            }
        return told | self._first_planned({row.ordinal for row in rows} - told.keys())

    def _first_planned(self, ordinals: Collection[int]) -> dict[int, ManifestEntry]:
        """The clips as the first manifest has them, without those that it has lost."""
        found: dict[int, ManifestEntry] = {}
        for part in sorted({ordinal // PART_CLIPS for ordinal in ordinals}):
            with suppress(NotFound):
                entries = read_part(self.ports.state, self.job.id, part)
                found |= {entry.ordinal: entry for entry in entries if entry.ordinal in ordinals}
        return found

    def _again(self, row: ClipRow, entry: ManifestEntry | None) -> ManifestEntry:
        if self._others and row.ordinal in self._others:
            return _taken(row, entry)
        if not _placed(entry) and self._afresh:
            return self._afresh(row.ordinal, self.job)
        if entry and not _placed(entry) and self.job.source.kind.open_ended:
            return entry  # what its line or its name lacks it lacks still
        known_by_row = row.destination if not _named(self.job) else ""  # else it might be another clip's
        entry = entry or ManifestEntry(
            ordinal=row.ordinal, source_uri=row.source_uri or "", destination=known_by_row or ""
        )
        if not _placed(entry):
            return replace(entry, status=ClipStatus.FAILED, code=MANIFEST_LOST, message="its plan is lost")
        if self.job.source.kind is SourceKind.UPLOAD:
            return self._upload_again(entry)
        if self.job.source.kind is SourceKind.MANIFEST:
            return self._line_again(entry)
        integration, refusal = opened(parse_object(entry.source_uri), self._reach)
        target = Target(entry.destination, None, id_of(integration), refusal)
        return inspect(entry.ordinal, entry.source_uri, target, job=self.job, reach=self._reach, ports=self.ports)

    def _upload_again(self, entry: ManifestEntry) -> ManifestEntry:
        """An upload stays the one that its event told of, by its version, even where the key was deleted since."""
        location = parse_object(entry.source_uri)
        assert entry.size is not None
        assert entry.etag is not None
        upload = ListedObject(key=location.key, size=entry.size, etag=entry.etag, version=entry.version)
        existing: ListedObject | None = None
        if self.job.cancel_requested:
            fate: Fate | None = (ClipStatus.CANCELLED, CANCELLED, CANCELLED_MESSAGE)
        elif self._superseded(location.bucket, upload):
            fate = (ClipStatus.SKIPPED, "SUPERSEDED", "a later upload to the same key took its place")
        else:
            fate, existing = fate_by_existing(upload, entry.destination, self.job, self.ports)
        return pin(entry.ordinal, entry.source_uri, entry.destination, upload, fate, existing=existing)

    def _line_again(self, entry: ManifestEntry) -> ManifestEntry:
        """A clip of a caller's manifest stays the object that its line, or the first look at it, pinned."""
        location = parse_object(entry.source_uri)
        found = ListedObject(key=location.key, size=entry.size or 0, etag=entry.etag or "", version=entry.version)
        fate: Fate | None = None
        opener, refusal = opened(location, self._reach)
        if self.job.cancel_requested:
            fate = (ClipStatus.CANCELLED, CANCELLED, CANCELLED_MESSAGE)
        elif refusal:
            fate = refusal
        elif entry.size is None or entry.etag is None:
            try:
                found = self._reach.storage.stat(location, version=entry.version, integration=id_of(opener))
            except ObjectError as error:
                fate = (ClipStatus.FAILED, error.code, error.message)
            else:
                fate = other_than_pinned(entry.size, entry.etag, found)
        if fate:
            return replace(entry, status=fate[0], code=fate[1], message=fate[2])
        fate, existing = fate_by_existing(found, entry.destination, self.job, self.ports)
        planned = pin(
            entry.ordinal,
            entry.source_uri,
            entry.destination,
            found,
            fate,
            integration=id_of(opener),
            existing=existing,
        )
        return replace(planned, version=entry.version or found.version, checksum=entry.checksum)

    def _superseded(self, bucket: str, upload: ListedObject) -> bool:
        """Whether the key holds a later upload: that one belongs to another job, and may have landed already."""
        try:
            found = self.ports.storage.stat(s3_at(bucket, upload.key))
        except ObjectError:
            return False
        return upload.version is not None and found.version != upload.version


def _named(job: Job) -> bool:
    """Whether its destinations are not its sources mirrored, so that two clips may ask for one."""
    return job.settings.destination is not None or job.source.kind is SourceKind.MANIFEST


def destinations_of_others(job: Job, state: StateReader) -> set[int]:
    """Ordinals of the clips whose destination is another's: the one that was to be copied there, else the first.

    By the first manifest alone, whatever became of the clips, so every run says the same. Reads it twice.
    """
    owned, others = Seen(), set()
    for owners in (True, False):
        for entry in _entries(job, state):
            if entry.status is ClipStatus.SKIPPED and not occupies(entry):
                continue
            destination = entry.destination
            if not destination and entry.source_uri and job.source.kind is not SourceKind.MANIFEST:
                destination, _ = destination_of(job, parse_object(entry.source_uri), entry.ordinal)
            if destination and occupies(entry) is owners and not owned.add(destination):
                others.add(entry.ordinal)
    return others


def _entries(job: Job, state: StateReader) -> Iterator[ManifestEntry]:
    for part in range(-(-job.counts.total // PART_CLIPS)):
        try:
            yield from read_part(state, job.id, part)
        except NotFound:
            continue


def _taken(row: ClipRow, entry: ManifestEntry | None) -> ManifestEntry:
    entry = entry or ManifestEntry(ordinal=row.ordinal, source_uri=row.source_uri or "", destination="")
    return replace(entry, status=ClipStatus.FAILED, code=DESTINATION_TAKEN, message=TAKEN_MESSAGE)


def _placed(entry: ManifestEntry | None) -> bool:
    """Whether planning got as far as giving the clip its destination."""
    return entry is not None and bool(entry.destination)
