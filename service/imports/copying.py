"""Copy one batch of clips, write each clip's fate, count the batch once."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from threading import Lock

from service.errors import BatchIncomplete, ClipferryError, ObjectError, SourceUnavailable
from service.formats.check import Depth, check_clip
from service.formats.failures import ContentInvalid, UnknownFormat
from service.imports.large import LargeCopies, OutOfTime, Stopped
from service.imports.manifest import read_batch
from service.imports.sets import failed_set, landed, stopped_set, take_back, to_copy
from service.planning import (
    CANCELLED,
    CANCELLED_MESSAGE,
    TOO_MANY_FAILURES,
    findable,
    parse_object_uri,
    set_mark,
    sets_of,
    too_many_failures,
)
from service.ports import ClipStore, Clock, JobStore, LargeCopyStore, StateFiles, Storage
from service.schema import Batch, BatchState, ClipRow, ClipStatus, ContentValidation, Copied, ManifestEntry, Tally

Facts = Mapping[str, object] | None
"""Of a valid clip; None where the job does not look into clips."""

Failure = ContentInvalid | ObjectError | UnknownFormat

WATCH_SECONDS = 2.0
"""How soon a worker notices that its job was cancelled, or that its batch was counted without it."""


@dataclass(frozen=True, kw_only=True)
class CopyPorts:
    jobs: JobStore
    clips: ClipStore
    state: StateFiles
    storage: Storage
    large: LargeCopyStore
    clock: Clock
    concurrency: int
    """Whole copies in flight, and parts of large objects besides."""
    multipart_threshold: int
    """Objects above this many bytes are copied by parts; at most 5 GiB, the end of CopyObject."""
    part_bytes: int
    monotonic: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Unfinished:
    """The round's time was over before the batch was: the next round goes on."""

    left: int
    """Clips without a row."""


def copy_batch(
    batch: Batch,
    *,
    attempt: int,
    ports: CopyPorts,
    round_number: int = 0,
    out_of_time: Callable[[], bool] = lambda: False,
) -> Tally | Unfinished | None:
    """Settle every clip of the batch; None where an earlier delivery had done so.

    When `out_of_time()` says so no further copy begins, what is settled is written, and the answer is `Unfinished`.
    Each round settles a clip or a set, or copies a part, whatever its time: one that does none of it raises.

    A clip's own failure is a row. Raises `BatchIncomplete` after writing the settled rows where a passing fault kept
    some clips from being settled; `attempt` or `round_number` above 0 tells that earlier rows may exist.
    """
    watch = BatchWatch(ports, batch)
    if watch().recorded:
        return None
    entries = read_batch(ports.state, batch)
    in_sets = entries[0].group is not None
    earlier = bool(attempt or round_number)
    known = settled_rows(ports.clips, batch.job_id, entries) if earlier or in_sets else {}
    # Whoever waits for parts, or for views, must not fill their pool.
    with _pool(ports) as parts, _pool(ports) as views, _pool(ports) as units:
        work = BatchRound(batch, ports, watch, out_of_time, parts, known)
        settle = SetWorker(work, views, earlier=earlier).settle if in_sets else work.settle_alone
        fates = list(units.map(settle, sets_of(entries)))
    if watch().recorded:
        return None
    rows = [row for fate in fates if not isinstance(fate, (ObjectError, OutOfTime)) for row in fate]
    work.put(row for row in rows if row.ordinal not in work.written)
    passing = [fate for fate in fates if isinstance(fate, ObjectError)]
    late = any(isinstance(fate, OutOfTime) for fate in fates)
    if late and (work.advances or len(rows) > len(known)):
        return Unfinished(left=batch.count - len(rows))
    if passing:
        left = batch.count - len(rows)
        raise BatchIncomplete(f"{left} of {batch.count} clips met a passing fault, first: {passing[0].message}")
    if late:
        raise BatchIncomplete(f"no clip and no part of {batch.count} clips could be copied in a whole call")
    tally = tally_of(rows)
    counted = ports.jobs.record_batch(batch.job_id, batch.number, tally, ports.clock(), run=batch.run)
    return tally if counted else None


def settled_rows(clips: ClipStore, job_id: str, entries: Sequence[ManifestEntry]) -> dict[int, ClipRow]:
    """Rows of the entries that have their fate; one that a retry runs again has a row and no fate."""
    rows = clips.get(job_id, [entry.ordinal for entry in entries])
    return {ordinal: row for ordinal, row in rows.items() if row.status is not ClipStatus.PENDING}


def _pool(ports: CopyPorts) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(ports.concurrency)


class BatchRound:
    """One call's work on a batch: what it may still begin, and what it has done."""

    def __init__(
        self,
        batch: Batch,
        ports: CopyPorts,
        watch: "BatchWatch",
        out_of_time: Callable[[], bool],
        parts: ThreadPoolExecutor,
        known: Mapping[int, ClipRow],
    ) -> None:
        self.written = set(known)
        """Ordinals of the clips whose rows are in the table."""
        self.advances = 0
        """Parts copied and uploads completed."""
        self.known, self.watch, self.ports = known, watch, ports
        self.job_id, self.run = batch.job_id, batch.run
        self.settings, self.storage = watch().settings, ports.storage
        self._out_of_time, self._begun, self._lock = out_of_time, False, Lock()
        self._failed = sum(row.status is ClipStatus.FAILED for row in known.values())
        self._large = LargeCopies(
            job_id=batch.job_id,
            storage=ports.storage,
            uploads=ports.large,
            clock=ports.clock,
            part_bytes=ports.part_bytes,
            pool=parts,
            check=self.begin,
            advanced=self._count_advance,
        )

    def settle_alone(self, unit: Sequence[ManifestEntry]) -> Sequence[ClipRow] | SourceUnavailable | OutOfTime:
        """Of a clip that belongs to no set."""
        fate = self.settle(unit[0])
        return [fate] if isinstance(fate, ClipRow) else fate

    def settle(self, entry: ManifestEntry) -> ClipRow | SourceUnavailable | OutOfTime:
        """The clip's row, or what kept it from having one now. A large clip's row is in the table by then."""
        row = self.known.get(entry.ordinal)
        large = row is None and self.is_large(entry)
        if large:
            # A round may have ended between a long copy's row and the count, an earlier delivery anywhere.
            row = settled_rows(self.ports.clips, self.job_id, [entry]).get(entry.ordinal)
            if row:
                self.written.add(entry.ordinal)
        if row:
            return row
        fate = settle_clip(entry, work=self)
        if not isinstance(fate, ClipRow):
            return fate
        self.count_failures([fate])
        if large and not self.watch().recorded:
            self.put([fate])
            self.written.add(entry.ordinal)
            self.forget_upload(entry.ordinal)
        return fate

    def count_failures(self, rows: Iterable[ClipRow]) -> None:
        """For `settings.tolerated_failures`, until the batch is counted."""
        failed = sum(row.status is ClipStatus.FAILED for row in rows)
        with self._lock:
            self._failed += failed

    def forget_upload(self, ordinal: int) -> None:
        """Of a large clip that has its row."""
        self._large.settled(ordinal)

    def put(self, rows: Iterable[ClipRow]) -> None:
        self.ports.clips.put(self.job_id, self.findable(rows))

    def findable(self, rows: Iterable[ClipRow]) -> list[ClipRow]:
        state = self.watch()
        return [findable(row, job_id=self.job_id, project=state.project, created_at=state.created_at) for row in rows]

    def is_large(self, entry: ManifestEntry) -> bool:
        return entry.status is ClipStatus.PENDING and (entry.size or 0) > self.ports.multipart_threshold

    def copy(self, entry: ManifestEntry, *, mark: str | None = None) -> Copied:
        """Raises as `LargeCopies.copy` does."""
        return (self._large if self.is_large(entry) else self.storage).copy(entry, self.settings, mark=mark)

    def check_stop(self) -> None:
        """Raises `Stopped` where the import is to copy nothing more."""
        state = self.watch()
        if state.cancel_requested or state.recorded:
            raise Stopped(CANCELLED, CANCELLED_MESSAGE)
        failed = state.failed + self._failed
        reason = too_many_failures(self.settings.tolerated_failures, failed=failed, total=state.total)
        if reason:
            raise Stopped(TOO_MANY_FAILURES, f"the import stopped before this clip was copied: {reason}")

    def check(self) -> None:
        """Raises `Stopped` where nothing may begin any more, `OutOfTime` where nothing may in this round."""
        self.check_stop()
        if self._begun and self._out_of_time():
            raise OutOfTime

    def begin(self) -> bool:
        """Like `check`, and the round has begun: its first copy is let through whatever the time; True for that one."""
        with self._lock:
            self.check()
            first, self._begun = not self._begun, True
            return first

    def _count_advance(self) -> None:
        with self._lock:
            self.advances += 1


def settle_clip(entry: ManifestEntry, *, work: BatchRound) -> ClipRow | SourceUnavailable | OutOfTime:
    """The clip's row, or what kept it from having one: a passing fault, or the end of the round."""
    if entry.status is not ClipStatus.PENDING:
        return row_for(entry, entry.status, entry.code, entry.message)
    try:
        if work.is_large(entry):
            work.check()  # its parts begin one by one
        else:
            work.begin()
        facts = validate_content(entry, work.settings.content_validation, work.storage)
        return copied_row(entry, facts, work.copy(entry))
    except (SourceUnavailable, OutOfTime) as reason:
        return reason
    except Stopped as stop:
        return row_for(entry, ClipStatus.CANCELLED, stop.code, stop.message)
    except (ContentInvalid, ObjectError, UnknownFormat) as error:
        return row_for(entry, ClipStatus.FAILED, code_of(error), error.message)


def code_of(error: Failure) -> str:
    return error.reason if isinstance(error, ContentInvalid) else error.code


def validate_content(entry: ManifestEntry, depth: ContentValidation, storage: Storage) -> Facts:
    """Raises `ContentInvalid`, `UnknownFormat` or an `ObjectError`."""
    if depth is ContentValidation.NONE:
        return None
    facts = check_clip(parse_object_uri(entry.source_uri).key, storage.reader(entry), depth=Depth(depth))
    return {name: value for name, value in asdict(facts).items() if value is not None}


# --- sets ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SetWorker:
    """Settles sets of a batch: a set has rows, all of them, from the moment that its fate is known.

    `views` is where copies run, so no more of them are in flight than it has threads.
    """

    work: BatchRound
    views: ThreadPoolExecutor
    earlier: bool = False
    """Whether copies of an earlier round or attempt may be there."""

    def settle(self, entries: list[ManifestEntry]) -> Sequence[ClipRow] | ObjectError | OutOfTime:
        """The set's rows, or why it goes on in another round, or the fault for which it is to be tried again.

        The first delivery of the batch to write the rows decides. After a set has failed its copies are removed, by
        every delivery that comes upon it: one that still copied may have come after the first removal.
        """
        work = self.work
        try:
            rows: Sequence[ClipRow] = _held(entries, work.known)
            if len(rows) < len(entries):
                rows = self._settled(entries)
            if any(row.status is ClipStatus.PENDING for row in rows):
                return OutOfTime()  # a later run has begun: its workers settle the set
            kept = {} if landed(rows) else take_back(entries, work.job_id, work.storage, work.ports.large)
        except (SourceUnavailable, OutOfTime) as reason:
            return reason
        return next(iter(kept.values()), None) or rows

    def _settled(self, entries: list[ManifestEntry]) -> Sequence[ClipRow]:
        """The rows that decide: ours, unless another delivery was faster. None of a deleted import."""
        work, fates = self.work, self._land(entries)
        if work.watch().recorded:
            return _held(entries, work.ports.clips.get(work.job_id, [entry.ordinal for entry in entries]))
        rows = work.ports.clips.settle(work.job_id, work.findable(fates), run=work.run)
        work.written.update(row.ordinal for row in rows)
        work.count_failures(rows)
        if landed(rows):
            for entry in filter(work.is_large, entries):
                work.forget_upload(entry.ordinal)
        return rows

    def _land(self, entries: list[ManifestEntry]) -> list[ClipRow]:
        """Look into every view before any is copied. Raises `SourceUnavailable` or `OutOfTime` where nothing final is
        in the way; what was copied is found again by the next round.
        """
        wanted = to_copy(entries)
        if not wanted:
            return _rows_of(entries)
        try:
            self.work.check()
            views = self._copied(wanted)
            final = {n: (code_of(e), e.message) for n, e in views.failures.items() if not isinstance(e, _Passing)}
            if final:
                return _rows_of(failed_set(entries, final))
            if views.failures:
                self.work.check_stop()
            for kind in (Stopped, OutOfTime, SourceUnavailable):
                for reason in views.failures.values():
                    if isinstance(reason, kind):
                        raise reason
        except Stopped as stop:
            return _rows_of(stopped_set(entries, stop.code, stop.message))
        rows = {
            entry.ordinal: copied_row(entry, views.facts[entry.ordinal], views.copies[entry.ordinal])
            for entry in wanted
        }
        return [rows.get(row.ordinal, row) for row in _rows_of(entries)]

    def _copied(self, wanted: Sequence[ManifestEntry]) -> "_Views":
        views, work = _Views(), self.work
        for entry, found in zip(wanted, self.views.map(self._look_into, wanted), strict=True):
            if isinstance(found, ClipferryError):
                views.failures[entry.ordinal] = found
            else:
                views.facts[entry.ordinal] = found
        # Large views go on where they were; those of one request are copied when nothing else is left to do.
        list(self.views.map(lambda entry: self._copy(entry, views, work.check), filter(work.is_large, wanted)))
        whole = [entry for entry in wanted if not work.is_large(entry)]
        if whole and not views.failures:
            # A set that comes first in its round is let through as a clip would be.
            check = work.check_stop if work.begin() else work.check
            list(self.views.map(lambda entry: self._copy(entry, views, check), whole))
        return views

    def _look_into(self, entry: ManifestEntry) -> Facts | Failure:
        try:
            return validate_content(entry, self.work.settings.content_validation, self.work.storage)
        except (ContentInvalid, ObjectError, UnknownFormat) as error:
            return error

    def _copy(self, entry: ManifestEntry, views: "_Views", check: Callable[[], None]) -> None:
        """Not after a failure of another view."""
        assert entry.group is not None
        if views.failures:
            return
        mark = set_mark(self.work.job_id, entry.group)
        try:
            check()
            there = self._of_earlier_round(entry, mark)
            views.copies[entry.ordinal] = there or self.work.copy(entry, mark=mark)
        except (ObjectError, OutOfTime, Stopped) as reason:
            views.failures[entry.ordinal] = reason

    def _of_earlier_round(self, entry: ManifestEntry, mark: str) -> Copied | None:
        """This set's copy of one request, where its ETag tells; a copy by parts is found by its upload."""
        if not self.earlier or self.work.is_large(entry):
            return None
        assert entry.etag is not None
        return self.work.storage.landed(entry, entry.etag, mark=mark)


@dataclass(frozen=True)
class _Views:
    """What became of a set's views, by ordinal."""

    facts: dict[int, Facts] = field(default_factory=dict)
    copies: dict[int, Copied] = field(default_factory=dict)
    failures: dict[int, Failure | OutOfTime | Stopped] = field(default_factory=dict)


_Passing = (SourceUnavailable, OutOfTime, Stopped)


def _held(entries: Sequence[ManifestEntry], rows: Mapping[int, ClipRow]) -> list[ClipRow]:
    return [rows[entry.ordinal] for entry in entries if entry.ordinal in rows]


def _rows_of(entries: Sequence[ManifestEntry]) -> list[ClipRow]:
    return [row_for(entry, entry.status, entry.code, entry.message) for entry in entries]


# --- rows ------------------------------------------------------------------------------------------------------------


def copied_row(entry: ManifestEntry, facts: Facts, copied: Copied) -> ClipRow:
    row = row_for(entry, ClipStatus.COPIED, None, None)
    return replace(row, size=copied.size, etag=copied.etag, verified=copied.verified, facts=facts)


def row_for(entry: ManifestEntry, status: ClipStatus, code: str | None, message: str | None) -> ClipRow:
    """A row that says why a clip did not land."""
    return ClipRow(
        ordinal=entry.ordinal,
        status=status,
        size=entry.size,
        etag=entry.etag,
        code=code,
        message=message,
        source_uri=entry.source_uri,
        destination=entry.destination,
        group=entry.group,
        view=entry.view,
        set_name=entry.set_name,
    )


def tally_of(rows: list[ClipRow]) -> Tally:
    fates = [row.status for row in rows]
    return Tally(
        copied=fates.count(ClipStatus.COPIED),
        skipped=fates.count(ClipStatus.SKIPPED),
        failed=fates.count(ClipStatus.FAILED),
        cancelled=fates.count(ClipStatus.CANCELLED),
        bytes=sum(row.size or 0 for row in rows if row.status is ClipStatus.COPIED),
    )


@dataclass
class BatchWatch:
    """The batch's state, read again when it is older than `WATCH_SECONDS`."""

    ports: CopyPorts
    batch: Batch
    _state: BatchState | None = None
    _read_at: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def __call__(self) -> BatchState:
        with self._lock:
            now = self.ports.monotonic()
            if self._state is None or now - self._read_at >= WATCH_SECONDS:
                self._state = self.ports.jobs.batch_state(self.batch.job_id, self.batch.number, run=self.batch.run)
                self._read_at = now
            return self._state
