"""Account for batches that never reported, and recount an import's rows."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict

from service.domain.batching import PART_CLIPS, sets_of
from service.domain.clips import ClipRow, ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import FinishIncomplete, NotFound, SourceChanged
from service.domain.fates import CANCELLED, Fate
from service.domain.jobs import Counts, Job, SourceKind, Tally
from service.domain.manifest import Batch, ManifestEntry
from service.domain.state_keys import recount_key
from service.imports.completion.context import FinishPorts, findable_row
from service.imports.copying.set_rollback import take_back
from service.imports.manifest.store import read_batch, read_batches, read_part
from service.imports.results.clip_rows import row_for, settled_rows, tally_of, with_rows_of_plan
from service.imports.results.set_fates import failed_set, landed, to_copy
from service.ports.state import StateFiles


def check_time(job: Job, out_of_time: Callable[[], bool]) -> None:
    """Raises `FinishIncomplete`."""
    if out_of_time():
        raise FinishIncomplete(f"not all clips of import {job.id} are accounted for; the next call continues")


def account_for_lost_batches(
    job: Job, error: str | None, ports: FinishPorts, out_of_time: Callable[[], bool]
) -> str | None:
    """Record and count the clips of batches that never reported. Return the reason if part of the plan is lost.

    That part is left out. Raises `FinishIncomplete`; what was counted by then stays counted.
    """
    recorded = ports.jobs.recorded_batches(job.id, run=job.run)
    lost = None
    try:
        for batch in read_batches(ports.state, job.id, job.run):
            if batch.number not in recorded:
                lost = _account_for(batch, job, error, ports) or lost
                check_time(job, out_of_time)
    except NotFound as missing:
        return missing.message
    return lost


def _account_for(batch: Batch, job: Job, error: str | None, ports: FinishPorts) -> str | None:
    try:
        entries = read_batch(ports.state, batch)
    except (SourceChanged, NotFound) as missing:
        return missing.message
    rows = settled_rows(ports.clips, job.id, entries)
    for unit in sets_of(entries):
        if unit[0].group is not None:
            rows |= {row.ordinal: row for row in _end_set(unit, rows, job, error, ports)}
    lost = [entry for entry in entries if entry.ordinal not in rows]
    failed = _lost_fate(error)
    # A late worker may record some of them first; the stored rows are counted.
    settled = ports.clips.settle_each(job.id, [_lost_row(entry, job, failed) for entry in lost], run=job.run)
    rows |= {row.ordinal: row for row in settled}
    ports.jobs.record_batch(job.id, batch.number, tally_of(list(rows.values())), ports.clock(), run=job.run)
    return None


def _end_set(
    entries: list[ManifestEntry], known: Mapping[int, ClipRow], job: Job, error: str | None, ports: FinishPorts
) -> Sequence[ClipRow]:
    """Record the result of a lost batch's set and return its rows. An incomplete set loses its copies.

    A set that a later run has reopened is left to that run.
    """
    rows: Sequence[ClipRow] = [known[entry.ordinal] for entry in entries if entry.ordinal in known]
    if len(rows) < len(entries):
        lost = to_copy(entries)
        if lost and job.cancel_requested:
            fated = [(entry, CANCELLED) for entry in entries]
        elif lost:
            fated = failed_set(entries, {entry.ordinal: _lost_fate(error) for entry in lost})
        else:
            fated = [(entry, entry.fate) for entry in entries if entry.fate]
        settled = (row_for(entry, fate) for entry, fate in fated)
        rows = ports.clips.settle(job.id, [findable_row(row, job) for row in settled], run=job.run)
    if landed(rows) or any(row.status is ClipStatus.PENDING for row in rows):
        return rows
    kept = take_back(entries, job.id, ports.storage, ports.large)
    for row in rows:
        if row.ordinal in kept:
            message = f"{row.message}; its copy is still there: {kept[row.ordinal].message}"
            ports.clips.explained(job.id, row, message)
    return rows


def _lost_fate(error: str | None) -> Fate:
    message = "its batch did not complete within its retries"
    message += f": {error}" if error else "; see the copy function's log"
    return Fate(ClipStatus.FAILED, ClipCode.RETRIES_EXHAUSTED, message)


def _lost_row(entry: ManifestEntry, job: Job, otherwise: Fate) -> ClipRow:
    """Return the row of a clip without a result from a worker. The views of a set share one fate."""
    planned = entry.fate if entry.group is None else None
    fate = planned or (CANCELLED if job.cancel_requested else otherwise)
    return findable_row(row_for(entry, fate), job)


def recount(job: Job, lost: str, ports: FinishPorts, out_of_time: Callable[[], bool]) -> Counts:
    """Fail every clip without a result and count all results, for a job whose batches are lost.

    Reads every row of the job in slices, and the manifest for clips without a row. Raises `FinishIncomplete` after it
    stored its progress: rows with a result never change, so the next call continues there.
    """
    first, total = _counted_before(job, ports.state)
    for part in range(first, -(-job.counts.total // PART_CLIPS)):
        ordinals = range(part * PART_CLIPS, min((part + 1) * PART_CLIPS, job.counts.total))
        rows = dict(ports.clips.get(job.id, ordinals))
        if _unsettled(ordinals, rows):
            planned = _what_is_known(job, part, rows, ports.state)
            rows = with_rows_of_plan(job, planned.values(), rows)
            fate = Fate(ClipStatus.FAILED, ClipCode.MANIFEST_LOST, lost)
            settled = [_lost_row(planned.get(o) or _unknown(o), job, fate) for o in _unsettled(ordinals, rows)]
            rows |= {row.ordinal: row for row in ports.clips.settle_each(job.id, settled, run=job.run)}
        some = tally_of(list(rows.values()))
        total = Tally(**{name: number + getattr(some, name) for name, number in asdict(total).items()})
        if out_of_time():
            kept = json.dumps({"parts": part + 1, "tally": asdict(total)})
            ports.state.put(recount_key(job.id, job.run), kept.encode())
            check_time(job, lambda: True)
    return Counts(total=job.counts.total, **asdict(total))


def _unsettled(ordinals: Iterable[int], rows: Mapping[int, ClipRow]) -> list[int]:
    return [o for o in ordinals if o not in rows or rows[o].status is ClipStatus.PENDING]


def _counted_before(job: Job, state: StateFiles) -> tuple[int, Tally]:
    """Return how many parts an earlier call counted, and their counts."""
    try:
        kept = json.loads(state.get(recount_key(job.id, job.run)))
    except NotFound:
        return 0, Tally()
    return kept["parts"], Tally(**kept["tally"])


def _what_is_known(job: Job, part: int, rows: Mapping[int, ClipRow], state: StateFiles) -> dict[int, ManifestEntry]:
    """Return the part's clips from a retry's rows, else from what is left of the manifest."""
    again = {
        ordinal: ManifestEntry(
            ordinal=ordinal,
            source_uri=row.source_uri or "",
            destination=row.destination or "",
            size=row.size,
            etag=row.etag,
        )
        for ordinal, row in rows.items()
        if row.status is ClipStatus.PENDING
    }
    kept: dict[int, ManifestEntry] = {}
    # A set that exceeds the end of a part is stored in the next one.
    for number in (part, part + 1) if job.source.kind is SourceKind.SETS else (part,):
        with suppress(NotFound, ValueError):
            kept |= {entry.ordinal: entry for entry in read_part(state, job.id, number, job.plan_rounds)}
    return kept | again


def _unknown(ordinal: int) -> ManifestEntry:
    return ManifestEntry(ordinal=ordinal, source_uri="", destination="")
