"""Copy one batch of clips, write a row for each, count the batch once."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from service.domain.batching import sets_of
from service.domain.clips import ClipRow, ClipStatus
from service.domain.errors import BatchIncomplete, ObjectError
from service.domain.jobs import Tally
from service.domain.manifest import Batch, BatchState, ManifestEntry
from service.domain.member_reads import joined_reads
from service.domain.rate_windows import window_seconds
from service.imports.copying.context import BatchWork, CopyPorts, write_rows
from service.imports.copying.gate import Gate
from service.imports.copying.multipart import LargeCopies
from service.imports.copying.restored import Waiting
from service.imports.copying.rows import RowWriter
from service.imports.copying.set_worker import SetWorker
from service.imports.copying.watch import Watch
from service.imports.copying.worker import copy_clips
from service.imports.lifecycle.turns import BatchTurn, NoTurn, Wait
from service.imports.manifest.store import read_batch
from service.imports.results.clip_rows import settled_rows, tally_of
from service.support.parallel import each
from service.support.stops import OutOfTime

NO_TURN = NoTurn()

Outcome = ClipRow | ObjectError | OutOfTime
"""A clip's row, or why it has none yet."""


@dataclass(frozen=True)
class Unfinished:
    """The call's time, or its turn, was over first: the next round continues the batch."""

    left: int
    """Clips without a row."""
    wait: Wait | None = None
    """How long the next round waits, for another turn or for a source. None: it may begin at once."""


@dataclass(frozen=True)
class Restoring:
    """Clips wait for the restore of their source; the others have rows. A later execution copies the batch again."""

    left: int
    """Clips without a row."""


def copy_batch(
    batch: Batch,
    *,
    attempt: int,
    ports: CopyPorts,
    round_number: int = 0,
    out_of_time: Callable[[], bool] = lambda: False,
    turn: BatchTurn | NoTurn = NO_TURN,
) -> Tally | Unfinished | Restoring | Wait | None:
    """Copy the batch's clips and record each result; None where the batch was counted already.

    `Wait` means that nothing was done, since it is not this batch's turn. A cancelled batch needs none: it copies
    nothing. Once `out_of_time()` is true, or the turn is lost, no further copy begins, and the answer is `Unfinished`.
    Each round settles a clip or a set, or copies a part, whatever its time: one that does none of it raises, unless it
    lost its turn.

    A clip's own failure is a row. Raises `BatchIncomplete` where transient faults left some clips without a row; the
    rows of the others are written. Earlier rows may exist where `attempt` or `round_number` is above 0.
    """

    def read() -> BatchState:
        turn.look()
        return ports.jobs.batch_state(batch.job_id, batch.number, run=batch.run)

    with ports.watch(read) as watch:
        state = watch.state
        wait = None if state.recorded or state.cancel_requested else turn.take(state.project)
        if wait:
            return wait
        try:
            if state.recorded:
                return None
            earlier = bool(attempt or round_number or batch.run)  # some of the clips may be copied
            gate, known, results = _copied(batch, watch, ports, lambda: turn.lost or out_of_time(), earlier=earlier)
            last = watch.state
        finally:
            turn.end()
    if last.recorded:
        return None
    return _counted(batch, results, progress=gate.advances > 0, known=len(known), ports=ports, turn=turn)


def _copied(
    batch: Batch, watch: Watch, ports: CopyPorts, out_of_time: Callable[[], bool], *, earlier: bool
) -> tuple[Gate, Mapping[int, ClipRow], Sequence[Outcome]]:
    """Copy what has no row yet. Return the gate, the rows of earlier calls, and the outcomes.

    Each clip has one, apart from those that wait for restores.
    """
    entries = joined_reads(read_batch(ports.state, batch))
    in_sets = entries[0].group is not None
    earlier = earlier or batch.restore_hours > 0  # an earlier execution may have copied some
    known = settled_rows(ports.clips, batch.job_id, entries) if earlier or in_sets else {}
    gate = _gate(watch, out_of_time, entries, known)
    copiers = ports.copiers(watch.state.project)
    if batch.restore_hours and not gate.stopped:
        overdue = ports.clock() >= watch.state.restores_until
        sources = Waiting(copiers, ports.restorer(watch.state.project), watch.state.settings.restore, ports.threads)
        entries = sources.without_archived(entries, known, overdue=overdue)
        gate.count_failed(entry.ordinal for entry in entries if entry.status is ClipStatus.FAILED)
    # Threads that wait for parts, or for views, must not fill the pools that copy them.
    with (
        ThreadPoolExecutor(ports.threads) as parts,
        ThreadPoolExecutor(ports.threads) as views,
        RowWriter(lambda rows: write_rows(rows, batch, ports, watch)) as rows,
    ):
        work = BatchWork(
            batch=batch,
            ports=ports,
            watch=watch,
            settings=watch.state.settings,
            copiers=copiers,
            gate=gate,
            rows=rows,
            large=_large_copies(batch, ports, gate, parts),
            earlier=earlier,
            known=known,
        )
        if in_sets:
            settle = SetWorker(work, views).settle
            sets = each(settle, list(sets_of(entries)), threads=ports.threads)
            results: list[Outcome] = [one for some in sets for one in some]
        else:
            results = [*copy_clips(work, entries)]
    return gate, known, [rows.held.get(one.ordinal, one) if isinstance(one, ClipRow) else one for one in results]


def _gate(
    watch: Watch, out_of_time: Callable[[], bool], entries: Sequence[ManifestEntry], known: Mapping[int, ClipRow]
) -> Gate:
    """Clips that failed before this call count before its first copy begins."""
    gate = Gate(watch, out_of_time)
    gate.count_failed(entry.ordinal for entry in entries if entry.status is ClipStatus.FAILED)
    gate.count_failures(known.values())
    return gate


def _large_copies(batch: Batch, ports: CopyPorts, gate: Gate, parts: ThreadPoolExecutor) -> LargeCopies:
    return LargeCopies(
        job_id=batch.job_id,
        bucket=ports.bucket,
        uploads=ports.large,
        clock=ports.clock,
        part_bytes=ports.part_bytes,
        stream_part_bytes=ports.stream_part_bytes,
        pool=parts,
        check=gate.begin,
        advanced=gate.count_advance,
    )


def _counted(
    batch: Batch,
    results: Sequence[Outcome],
    *,
    progress: bool,
    known: int,
    ports: CopyPorts,
    turn: BatchTurn | NoTurn,
) -> Tally | Unfinished | Restoring | None:
    """Count the batch if each clip has its row. `progress`: parts were copied; `known`: rows of earlier calls."""
    rows = [one for one in results if isinstance(one, ClipRow)]
    faults = [one for one in results if isinstance(one, ObjectError)]
    late = any(isinstance(one, OutOfTime) for one in results)
    left, waiting = batch.count - len(rows), batch.count - len(results)
    if late and (progress or len(rows) > known or (turn.lost and not faults)):
        return Unfinished(left, turn.wait_again())
    window = window_seconds(faults)
    if window and (wait := turn.wait_for(window)):
        return Unfinished(left, wait)
    if faults:
        raise BatchIncomplete(f"{left} of {batch.count} clips failed with transient errors, first: {faults[0].message}")
    if late:
        raise BatchIncomplete(f"no clip and no part of {batch.count} clips could be copied in a whole call")
    if waiting:
        return Restoring(waiting)
    tally = tally_of(rows)
    counted = ports.jobs.record_batch(batch.job_id, batch.number, tally, ports.clock(), run=batch.run)
    return tally if counted else None
