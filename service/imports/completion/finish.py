"""End a job: account for every clip, then set the terminal status once."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from service.domain.errors import NotFound, SourceChanged
from service.domain.uris import s3_at
from service.imports.copying.multipart import remove_upload
from service.imports.inputs.uri_list import requested_uris
from service.imports.intake.drop_bucket import claimed_uploads
from service.imports.lifecycle.end import end_job
from service.imports.manifest.store import ManifestWriter, read_batch, read_batches, read_part
from service.imports.planning.existing import Fate
from service.imports.planning.reopen import read_run_plan, reopen
from service.imports.results.clip_rows import row_for, settled_rows, tally_of
from service.imports.sets import failed_set, landed, parts_of_sets, requested_sets, stopped_set, take_back, to_copy
from service.planning import (
    CANCELLED,
    CANCELLED_MESSAGE,
    MANIFEST_LOST,
    PART_CLIPS,
    TOO_MANY_FAILURES,
    final_status,
    findable,
    run_ended_at,
    sets_of,
    too_many_failures,
)
from service.ports import ClipStore, Clock, JobStore, LargeCopyStore, StateFiles, Storage, UploadStore
from service.schema import Batch, ClipRow, ClipStatus, Counts, Job, JobStatus, ManifestEntry, SourceKind, Tally

NO_CLIPS = "NO_CLIPS"
PLANNING_FAILED = "PLANNING_FAILED"
RETRIES_EXHAUSTED = "RETRIES_EXHAUSTED"
CUT_SHORT = "CUT_SHORT"
CUT_SHORT_MESSAGE = "it was cancelled before its source was read to the end; what is left of that is not part of it"


@dataclass(frozen=True, kw_only=True)
class FinishPorts:
    jobs: JobStore
    clips: ClipStore
    state: StateFiles
    storage: Storage
    uploads: UploadStore
    large: LargeCopyStore
    clock: Clock


@dataclass(frozen=True)
class Ended:
    """A job's status after `finish`: None where there is no such job."""

    status: JobStatus | None
    at: str | None = None
    """When the run ended; None where that is not known any more."""
    now: bool = False
    """Whether this call set it."""


def finish(job_id: str, *, run: int = 0, error: str | None, ports: FinishPorts) -> Ended:
    """Bring the job's run to its terminal status. Safe to repeat, from any point; does nothing to a later run.

    `error` is what the state machine caught, if anything; a batch that never reported becomes failed rows.
    """
    job = ports.jobs.get(job_id)
    if job is None or job.run != run or job.status.terminal:
        return _ended(job, run)
    if job.planned_run != run:
        reason = f"planning did not end: {error or 'no reason was given'}"
        if job.planned:
            plan = read_run_plan(job, ports.state)
            if plan is None:
                status = final_status(job.counts, cancel_requested=job.cancel_requested)
                return _end(job, status, PLANNING_FAILED, f"{reason}; the clips to retry are as they were", ports)
            reopen(job, plan, first_part=0, out_of_time=lambda: False, ports=ports)
        elif job.source.kind.open_ended:
            if job.cancel_requested:
                return _end(job, JobStatus.CANCELLED, CUT_SHORT, CUT_SHORT_MESSAGE, ports)
            return _end(job, JobStatus.FAILED, PLANNING_FAILED, reason, ports)
        else:
            _plan_as_failed(job, reason, ports)
    lost = _account_for_lost_batches(job, error, ports)
    for upload in ports.large.unfinished(job.id):
        remove_upload(upload, ports.storage, ports.large)
    job = ports.jobs.get(job_id)
    assert job is not None
    counts = _recount(job, lost, ports) if lost else None
    if counts:
        job = replace(job, counts=counts)
    assert job.counts.pending == 0, "every batch is recorded"
    if job.cut_short:
        status = JobStatus.CANCELLED if job.cancel_requested else final_status(job.counts, cancel_requested=False)
        return _end(job, status, CUT_SHORT, CUT_SHORT_MESSAGE, ports, counts)
    if job.counts.total == 0:
        return _end(job, JobStatus.COMPLETED, NO_CLIPS, f"there is nothing to import in {job.source.uri}", ports)
    failed, total = job.counts.failed, job.counts.total
    excess = too_many_failures(job.settings.tolerated_failures, failed=failed, total=total)
    if excess and not (job.cancel_requested and job.counts.cancelled):
        return _end(job, JobStatus.FAILED, TOO_MANY_FAILURES, excess, ports, counts)
    status = final_status(job.counts, cancel_requested=job.cancel_requested)
    message = f"{failed:,} of {total:,} clips failed" if failed else None
    return _end(job, status, "CLIPS_FAILED" if message else None, message, ports, counts)


def _end(
    job: Job,
    status: JobStatus,
    code: str | None,
    message: str | None,
    ports: FinishPorts,
    counts: Counts | None = None,
) -> Ended:
    now = ports.clock()
    if end_job(job, status, code, message, counts=counts, jobs=ports.jobs, now=now):
        return Ended(status, at=now, now=True)
    return _ended(ports.jobs.get(job.id), job.run)


def _ended(job: Job | None, run: int) -> Ended:
    return Ended(job.status, at=run_ended_at(job, run)) if job else Ended(None)


def _plan_as_failed(job: Job, reason: str, ports: FinishPorts) -> None:
    """Clips that were named one by one are known, so each of them gets its row even where planning broke down."""
    fate = (ClipStatus.FAILED, PLANNING_FAILED, reason)
    if job.cancel_requested:
        fate = (ClipStatus.CANCELLED, CANCELLED, CANCELLED_MESSAGE)
    writer = ManifestWriter(ports.state, job.id, job.run, batch_clips=PART_CLIPS, batch_bytes=1)
    for part in _named_clips(job, ports):
        writer.write_part([replace(entry, status=fate[0], code=fate[1], message=fate[2]) for entry in part])
    writer.end()
    ports.jobs.end_planning(job.id, run=job.run, total=writer.ordinal, now=ports.clock())


def _named_clips(job: Job, ports: FinishPorts) -> Iterator[list[ManifestEntry]]:
    """The clips of each manifest part, as they were named."""
    if job.source.kind is SourceKind.SETS:
        yield from parts_of_sets(requested_sets(job, ports.state))
        return
    if job.source.kind is SourceKind.LIST:
        uris = requested_uris(job, ports.state)
    else:
        ports.jobs.begin_planning(job.id, ports.clock(), run=job.run)
        uploads = claimed_uploads(job.id, ports.uploads, ports.state)
        uris = [str(s3_at(upload.bucket, upload.key)) for upload in uploads]
    for first in range(0, len(uris), PART_CLIPS):
        part = enumerate(uris[first : first + PART_CLIPS], first)
        yield [ManifestEntry(ordinal=ordinal, source_uri=uri, destination="") for ordinal, uri in part]


def _account_for_lost_batches(job: Job, error: str | None, ports: FinishPorts) -> str | None:
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
    failed = (ClipStatus.FAILED, RETRIES_EXHAUSTED, _lost_message(error))
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
            fated = stopped_set(entries, CANCELLED, CANCELLED_MESSAGE)
        elif lost:
            why = (RETRIES_EXHAUSTED, _lost_message(error))
            fated = failed_set(entries, {entry.ordinal: why for entry in lost})
        settled = (row_for(entry, entry.status, entry.code, entry.message) for entry in fated)
        rows = ports.clips.settle(job.id, [_findable(row, job) for row in settled], run=job.run)
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
    if entry.status is not ClipStatus.PENDING:
        row = row_for(entry, entry.status, entry.code, entry.message)
    elif job.cancel_requested:
        row = row_for(entry, ClipStatus.CANCELLED, CANCELLED, CANCELLED_MESSAGE)
    else:
        row = row_for(entry, *otherwise)
    return _findable(row, job)


def _findable(row: ClipRow, job: Job) -> ClipRow:
    return findable(row, job_id=job.id, project=job.project, created_at=job.created_at)


def _recount(job: Job, lost: str, ports: FinishPorts) -> Counts:
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
            fate = (ClipStatus.FAILED, MANIFEST_LOST, lost)
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


def _lost_message(error: str | None) -> str:
    return "its batch did not end within its retries" + (
        f": {error}" if error else "; the copy function's log says why"
    )
