"""Account for batches that never reported, and count an import's rows again."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace

from service.domain.batching import PART_CLIPS, sets_of
from service.domain.clips import ClipRow, ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import NotFound, SourceChanged
from service.domain.fates import CANCELLED, Fate
from service.domain.jobs import Counts, Job, SourceKind, Tally
from service.domain.manifest import Batch, ManifestEntry
from service.imports.completion.context import FinishPorts, findable_row
from service.imports.copying.set_rollback import take_back
from service.imports.manifest.store import read_batch, read_batches, read_part
from service.imports.results.clip_rows import row_for, settled_rows, tally_of
from service.imports.results.set_fates import failed_set, landed, stopped_set, to_copy
from service.ports.state import StateFiles


def account_for_lost_batches(job: Job, error: str | None, ports: FinishPorts) -> str | None:
    """Settle and count the batches that never reported. Where a plan is lost this tells which, and it is left out."""
    recorded = ports.jobs.recorded_batches(job.id, run=job.run)
    lost = None
    try:
        for batch in read_batches(ports.state, job.id, job.run):
            if batch.number not in recorded:
                lost = _account_for(batch, job, error, ports) or lost
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
    failed = Fate(ClipStatus.FAILED, ClipCode.RETRIES_EXHAUSTED, lost_message(error))
    rows |= {entry.ordinal: _lost_row(entry, job, failed) for entry in lost}
    ports.clips.put(job.id, (rows[entry.ordinal] for entry in lost))
    ports.jobs.record_batch(job.id, batch.number, tally_of(list(rows.values())), ports.clock(), run=job.run)
    return None


def _end_set(
    entries: list[ManifestEntry], known: Mapping[int, ClipRow], job: Job, error: str | None, ports: FinishPorts
) -> Sequence[ClipRow]:
    """The rows of a lost batch's set. Unless it had landed, nothing that the job copied for it is left in its place."""
    rows: Sequence[ClipRow] = [known[entry.ordinal] for entry in entries if entry.ordinal in known]
    if len(rows) < len(entries):
        lost, fated = to_copy(entries), entries
        if lost and job.cancel_requested:
            fated = stopped_set(entries, CANCELLED.code, CANCELLED.message)
        elif lost:
            why = (ClipCode.RETRIES_EXHAUSTED, lost_message(error))
            fated = failed_set(entries, {entry.ordinal: why for entry in lost})
        settled = (row_for(entry, entry.status, entry.code, entry.message) for entry in fated)
        rows = ports.clips.settle(job.id, [findable_row(row, job) for row in settled], run=job.run)
    if landed(rows):
        return rows
    kept = take_back(entries, job.id, ports.storage, ports.large)
    telling = {
        row.ordinal: replace(row, message=f"{row.message}; its copy is still there: {kept[row.ordinal].message}")
        for row in rows
        if row.ordinal in kept
    }
    ports.clips.put(job.id, telling.values())
    return [telling.get(row.ordinal, row) for row in rows]


def _lost_row(entry: ManifestEntry, job: Job, otherwise: Fate) -> ClipRow:
    """The row of a clip that no worker settled."""
    fate = entry.fate or (CANCELLED if job.cancel_requested else otherwise)
    return findable_row(row_for(entry, fate.status, fate.code, fate.message), job)


def recount(job: Job, lost: str, ports: FinishPorts) -> Counts:
    """Where the batches cannot be told any more: a row for every clip without a fate, and the counts of all rows.

    Reads every row of the job, in slices.
    """
    total = Tally()
    for part in range(-(-job.counts.total // PART_CLIPS)):
        ordinals = range(part * PART_CLIPS, min((part + 1) * PART_CLIPS, job.counts.total))
        rows = dict(ports.clips.get(job.id, ordinals))
        unsettled = [o for o in ordinals if o not in rows or rows[o].status is ClipStatus.PENDING]
        if unsettled:
            planned = _what_is_known(job, part, rows, ports.state)
            fate = Fate(ClipStatus.FAILED, ClipCode.MANIFEST_LOST, lost)
            settled = {o: _lost_row(planned.get(o) or _unknown(o), job, fate) for o in unsettled}
            ports.clips.put(job.id, settled.values())
            rows |= settled
        some = tally_of(list(rows.values()))
        total = Tally(**{name: number + getattr(some, name) for name, number in asdict(total).items()})
    return Counts(total=job.counts.total, **asdict(total))


def _what_is_known(job: Job, part: int, rows: Mapping[int, ClipRow], state: StateFiles) -> dict[int, ManifestEntry]:
    """What a retry's rows say of its clips, else what is left of the manifest."""
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
    # A set that runs over the end of a part lies in the next one.
    for number in (part, part + 1) if job.source.kind is SourceKind.SETS else (part,):
        with suppress(NotFound, ValueError):
            kept |= {entry.ordinal: entry for entry in read_part(state, job.id, number)}
    return kept | again


def _unknown(ordinal: int) -> ManifestEntry:
    return ManifestEntry(ordinal=ordinal, source_uri="", destination="")


def lost_message(error: str | None) -> str:
    return "its batch did not end within its retries" + (
        f": {error}" if error else "; the copy function's log says why"
    )
