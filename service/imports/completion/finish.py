"""End a job: account for every clip, then set the terminal status once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from service.domain.batching import PART_CLIPS
from service.domain.clips import ClipStatus
from service.domain.codes import (
    CANCELLED,
    CANCELLED_MESSAGE,
    CUT_SHORT,
    CUT_SHORT_MESSAGE,
    NO_CLIPS,
    PLANNING_FAILED,
    TOO_MANY_FAILURES,
)
from service.domain.jobs import Counts, Job, JobStatus, SourceKind
from service.domain.manifest import ManifestEntry
from service.domain.progress import final_status, run_ended_at, too_many_failures
from service.domain.uris import s3_at
from service.imports.completion.context import FinishPorts
from service.imports.completion.lost_batches import account_for_lost_batches, recount
from service.imports.copying.abort import remove_upload
from service.imports.inputs.upload_lists import claimed_uploads
from service.imports.inputs.uri_list import requested_uris
from service.imports.inputs.view_sets import parts_of_sets, requested_sets
from service.imports.lifecycle.end import end_job
from service.imports.manifest.store import ManifestWriter
from service.imports.planning.reopen import read_run_plan, reopen


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
    lost = account_for_lost_batches(job, error, ports)
    for upload in ports.large.unfinished(job.id):
        remove_upload(upload, ports.storage, ports.large)
    job = ports.jobs.get(job_id)
    assert job is not None
    counts = recount(job, lost, ports) if lost else None
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
