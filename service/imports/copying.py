"""Copy one batch of clips, write each clip's fate, count the batch once."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from threading import Lock

from service.errors import BatchIncomplete, ObjectError, SourceUnavailable
from service.formats.check import Depth, check_clip
from service.formats.failures import ContentInvalid, UnknownFormat
from service.imports.large import LargeCopies, OutOfTime, Stopped
from service.imports.manifest import read_batch
from service.planning import (
    CANCELLED,
    CANCELLED_MESSAGE,
    TOO_MANY_FAILURES,
    findable,
    parse_object_uri,
    too_many_failures,
)
from service.ports import ClipStore, Clock, JobStore, LargeCopyStore, StateFiles, Storage
from service.schema import Batch, BatchState, ClipRow, ClipStatus, ContentValidation, Copied, ManifestEntry, Tally

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
    Each round settles a clip or copies a part, whatever its time: one that does neither raises.

    A clip's own failure is a row. Raises `BatchIncomplete` after writing the settled rows where a passing fault kept
    some clips from being settled; `attempt` or `round_number` above 0 tells that earlier rows may exist.
    """
    watch = BatchWatch(ports, batch)
    if watch().recorded:
        return None
    entries = read_batch(ports.state, batch)
    earlier = attempt or round_number
    known = ports.clips.get(batch.job_id, [entry.ordinal for entry in entries]) if earlier else {}
    with ThreadPoolExecutor(ports.concurrency) as parts, ThreadPoolExecutor(ports.concurrency) as pool:
        work = BatchRound(batch, ports, watch, out_of_time, parts, known)
        fates = list(pool.map(work.settle, entries))
    if watch().recorded:
        return None
    rows = [fate for fate in fates if isinstance(fate, ClipRow)]
    work.put(row for row in rows if row.ordinal not in work.written)
    passing = [fate for fate in fates if isinstance(fate, SourceUnavailable)]
    late = any(isinstance(fate, OutOfTime) for fate in fates)
    if late and (work.parts_copied or len(rows) > len(known)):
        return Unfinished(left=batch.count - len(rows))
    if passing:
        raise BatchIncomplete(f"{len(passing)} of {batch.count} clips met a passing fault, first: {passing[0].message}")
    if late:
        raise BatchIncomplete(f"no clip and no part of {batch.count} clips could be copied in a whole call")
    tally = tally_of(rows)
    return tally if ports.jobs.record_batch(batch.job_id, batch.number, tally, ports.clock()) else None


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
        self.parts_copied = 0
        self.settings, self.storage = watch().settings, ports.storage
        self._known, self._watch, self._ports, self._job_id = known, watch, ports, batch.job_id
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
            part_copied=self._count_part,
        )

    def settle(self, entry: ManifestEntry) -> ClipRow | SourceUnavailable | OutOfTime:
        """The clip's row, or what kept it from having one now. A large clip's row is in the table by then."""
        row = self._known.get(entry.ordinal)
        large = row is None and self.is_large(entry)
        if large:
            # A round may have ended between a long copy's row and the count, an earlier delivery anywhere.
            row = self._ports.clips.get(self._job_id, [entry.ordinal]).get(entry.ordinal)
            if row:
                self.written.add(entry.ordinal)
        if row:
            return row
        fate = settle_clip(entry, work=self)
        if not isinstance(fate, ClipRow):
            return fate
        with self._lock:
            self._failed += fate.status is ClipStatus.FAILED
        if large and not self._watch().recorded:
            self.put([fate])
            self.written.add(entry.ordinal)
            self._large.settled(entry.ordinal)
        return fate

    def put(self, rows: Iterable[ClipRow]) -> None:
        self._ports.clips.put(self._job_id, (self.findable(row) for row in rows))

    def findable(self, row: ClipRow) -> ClipRow:
        state = self._watch()
        return findable(row, job_id=self._job_id, project=state.project, created_at=state.created_at)

    def is_large(self, entry: ManifestEntry) -> bool:
        return entry.status is ClipStatus.PENDING and (entry.size or 0) > self._ports.multipart_threshold

    def copy(self, entry: ManifestEntry) -> Copied:
        """Raises as `LargeCopies.copy` does."""
        return (self._large if self.is_large(entry) else self.storage).copy(entry, self.settings)

    def check(self) -> None:
        """Raises `Stopped` where nothing may begin any more, `OutOfTime` where nothing may in this round."""
        state = self._watch()
        if state.cancel_requested or state.recorded:
            raise Stopped(CANCELLED, CANCELLED_MESSAGE)
        failed = state.failed + self._failed
        reason = too_many_failures(self.settings.tolerated_failures, failed=failed, total=state.total)
        if reason:
            raise Stopped(TOO_MANY_FAILURES, f"the import stopped before this clip was copied: {reason}")
        if self._begun and self._out_of_time():
            raise OutOfTime

    def begin(self) -> None:
        """Like `check`, and the round has begun: its first copy is let through whatever the time."""
        with self._lock:
            self.check()
            self._begun = True

    def _count_part(self) -> None:
        with self._lock:
            self.parts_copied += 1


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
        copied = work.copy(entry)
    except (SourceUnavailable, OutOfTime) as reason:
        return reason
    except Stopped as stop:
        return row_for(entry, ClipStatus.CANCELLED, stop.code, stop.message)
    except ContentInvalid as error:
        return row_for(entry, ClipStatus.FAILED, error.reason, error.message)
    except (ObjectError, UnknownFormat) as error:
        return row_for(entry, ClipStatus.FAILED, error.code, error.message)
    return ClipRow(
        ordinal=entry.ordinal,
        status=ClipStatus.COPIED,
        size=copied.size,
        etag=copied.etag,
        verified=copied.verified,
        facts=facts,
        source_uri=entry.source_uri,
        destination=entry.destination,
    )


def validate_content(entry: ManifestEntry, depth: ContentValidation, storage: Storage) -> dict[str, object] | None:
    """Facts about a valid clip; None where the job does not ask. Raises `ContentInvalid` or `UnknownFormat`."""
    if depth is ContentValidation.NONE:
        return None
    facts = check_clip(parse_object_uri(entry.source_uri).key, storage.reader(entry), depth=Depth(depth))
    return {name: value for name, value in asdict(facts).items() if value is not None}


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
                self._state = self.ports.jobs.batch_state(self.batch.job_id, self.batch.number)
                self._read_at = now
            return self._state
