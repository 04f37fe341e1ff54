"""Copy one batch of clips, write each clip's fate, count the batch once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from service.domain.batching import sets_of
from service.domain.clips import ClipRow
from service.domain.errors import BatchIncomplete, ObjectError
from service.domain.jobs import Tally
from service.domain.manifest import Batch
from service.imports.copying.set_worker import SetWorker
from service.imports.copying.worker import BatchRound, BatchWatch, CopyPorts
from service.imports.manifest.store import read_batch
from service.imports.results.clip_rows import settled_rows, tally_of
from service.imports.results.stops import OutOfTime
from service.support.parallel import each


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
    with _pool(ports) as parts, _pool(ports) as views:
        work = BatchRound(batch, entries, ports, watch, out_of_time, parts, known)
        if in_sets:
            fates = each(SetWorker(work, views, earlier=earlier).settle, list(sets_of(entries)), threads=ports.threads)
        else:
            fates = each(lambda settle: settle(), work.units(entries), threads=ports.threads)
    if watch().recorded:
        return None
    settled = [one for fate in fates for one in fate]
    rows = [one for one in settled if isinstance(one, ClipRow)]
    held = {row.ordinal: row for row in work.put(row for row in rows if row.ordinal not in work.written)}
    rows = [held.get(row.ordinal, row) for row in rows]
    passing = [one for one in settled if isinstance(one, ObjectError)]
    late = any(isinstance(one, OutOfTime) for one in settled)
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


def _pool(ports: CopyPorts) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(ports.threads)
