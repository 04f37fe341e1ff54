"""End a job: account for every clip, then set the terminal status once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from service.errors import NotFound, SourceChanged
from service.imports.copying import row_for, tally_of
from service.imports.ending import end_job
from service.imports.large import remove_upload
from service.imports.manifest import ManifestWriter, read_batch, read_batches
from service.imports.sets import (
    failed_set,
    landed,
    parts_of_sets,
    requested_sets,
    stopped_set,
    take_back,
    to_copy,
)
from service.imports.submit import requested_uris
from service.imports.uploads import claimed_uploads
from service.planning import (
    CANCELLED,
    CANCELLED_MESSAGE,
    PART_CLIPS,
    TOO_MANY_FAILURES,
    S3Uri,
    final_status,
    findable,
    sets_of,
    too_many_failures,
)
from service.ports import ClipStore, Clock, JobStore, LargeCopyStore, StateFiles, Storage, UploadStore
from service.schema import Batch, ClipRow, ClipStatus, Job, JobStatus, ManifestEntry, SourceKind

NO_CLIPS = "NO_CLIPS"
PLANNING_FAILED = "PLANNING_FAILED"
RETRIES_EXHAUSTED = "RETRIES_EXHAUSTED"
MANIFEST_LOST = "MANIFEST_LOST"
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


def finish(job_id: str, *, error: str | None, ports: FinishPorts) -> JobStatus | None:
    """Bring the job to its terminal status and return it (None: no such job). Safe to repeat, from any point.

    `error` is what the state machine caught, if anything; a batch that never reported becomes failed rows.
    """
    job = ports.jobs.get(job_id)
    if job is None or job.status.terminal:
        return job.status if job else None
    if not job.planned:
        reason = f"planning did not end: {error or 'no reason was given'}"
        if job.source.kind.open_ended:
            if job.cancel_requested:
                return _end(job, JobStatus.CANCELLED, CUT_SHORT, CUT_SHORT_MESSAGE, ports)
            return _end(job, JobStatus.FAILED, PLANNING_FAILED, reason, ports)
        _plan_as_failed(job, reason, ports)
    _account_for_lost_batches(job, error, ports)
    for upload in ports.large.unfinished(job.id):
        remove_upload(upload, ports.storage, ports.large)
    job = ports.jobs.get(job_id)
    assert job is not None
    assert job.counts.pending == 0, "every batch is recorded"
    if job.cut_short:
        return _end(job, JobStatus.CANCELLED, CUT_SHORT, CUT_SHORT_MESSAGE, ports)
    if job.counts.total == 0:
        return _end(job, JobStatus.COMPLETED, NO_CLIPS, f"there is nothing to import in {job.source.uri}", ports)
    counts = job.counts
    excess = too_many_failures(job.settings.tolerated_failures, failed=counts.failed, total=counts.total)
    if excess and not (job.cancel_requested and counts.cancelled):
        return _end(job, JobStatus.FAILED, TOO_MANY_FAILURES, excess, ports)
    status = final_status(job.counts, cancel_requested=job.cancel_requested)
    message = f"{job.counts.failed:,} of {job.counts.total:,} clips failed" if job.counts.failed else None
    return _end(job, status, "CLIPS_FAILED" if message else None, message, ports)


def _end(job: Job, status: JobStatus, code: str | None, message: str | None, ports: FinishPorts) -> JobStatus:
    end_job(job, status, code, message, jobs=ports.jobs, now=ports.clock())
    return status


def _plan_as_failed(job: Job, reason: str, ports: FinishPorts) -> None:
    """Clips that were named one by one are known, so each of them gets its row even where planning broke down."""
    fate = (ClipStatus.FAILED, PLANNING_FAILED, reason)
    if job.cancel_requested:
        fate = (ClipStatus.CANCELLED, CANCELLED, CANCELLED_MESSAGE)
    writer = ManifestWriter(ports.state, job.id, batch_clips=PART_CLIPS, batch_bytes=1)
    for part in _named_clips(job, ports):
        writer.write_part([replace(entry, status=fate[0], code=fate[1], message=fate[2]) for entry in part])
    writer.end()
    ports.jobs.end_planning(job.id, total=writer.ordinal, now=ports.clock())


def _named_clips(job: Job, ports: FinishPorts) -> Iterator[list[ManifestEntry]]:
    """The clips of each manifest part, as they were named."""
    if job.source.kind is SourceKind.SETS:
        yield from parts_of_sets(requested_sets(job, ports.state))
        return
    if job.source.kind is SourceKind.LIST:
        uris = requested_uris(job, ports.state)
    else:
        ports.jobs.begin_planning(job.id, ports.clock())
        uploads = claimed_uploads(job.id, ports.uploads, ports.state)
        uris = [str(S3Uri(upload.bucket, upload.key)) for upload in uploads]
    for first in range(0, len(uris), PART_CLIPS):
        part = enumerate(uris[first : first + PART_CLIPS], first)
        yield [ManifestEntry(ordinal=ordinal, source_uri=uri, destination="") for ordinal, uri in part]


def _account_for_lost_batches(job: Job, error: str | None, ports: FinishPorts) -> None:
    recorded = ports.jobs.recorded_batches(job.id)
    for batch in read_batches(ports.state, job.id):
        if batch.number not in recorded:
            _account_for(batch, job, error, ports)


def _account_for(batch: Batch, job: Job, error: str | None, ports: FinishPorts) -> None:
    entries = _entries(batch, ports.state)
    rows = dict(ports.clips.get(job.id, [entry.ordinal for entry in entries]))
    for unit in sets_of(entries):
        if unit[0].group is not None:
            rows |= {row.ordinal: row for row in _end_set(unit, rows, job, error, ports)}
    lost = [entry for entry in entries if entry.ordinal not in rows]
    for entry in lost:
        if entry.status is not ClipStatus.PENDING:
            row = row_for(entry, entry.status, entry.code, entry.message)
        elif job.cancel_requested:
            row = row_for(entry, ClipStatus.CANCELLED, CANCELLED, CANCELLED_MESSAGE)
        else:
            row = row_for(entry, ClipStatus.FAILED, RETRIES_EXHAUSTED, _lost_message(error))
        rows[entry.ordinal] = _findable(row, job)
    ports.clips.put(job.id, (rows[entry.ordinal] for entry in lost))
    ports.jobs.record_batch(job.id, batch.number, tally_of(list(rows.values())), ports.clock())


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
        rows = ports.clips.settle(job.id, [_findable(row, job) for row in settled])
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


def _findable(row: ClipRow, job: Job) -> ClipRow:
    return findable(row, job_id=job.id, project=job.project, created_at=job.created_at)


def _entries(batch: Batch, state: StateFiles) -> list[ManifestEntry]:
    """The batch's clips. Where the manifest is not the one that was planned any more, that is each clip's fate."""
    try:
        return read_batch(state, batch)
    except (SourceChanged, NotFound) as error:
        return [
            ManifestEntry(
                ordinal=ordinal,
                source_uri="",
                destination="",
                status=ClipStatus.FAILED,
                code=MANIFEST_LOST,
                message=error.message,
            )
            for ordinal in range(batch.first, batch.first + batch.count)
        ]


def _lost_message(error: str | None) -> str:
    return "its batch did not end within its retries" + (
        f": {error}" if error else "; the copy function's log says why"
    )
