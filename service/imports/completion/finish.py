"""Complete an import: account for every clip, decide the final status, write it once."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from service.domain.batching import PART_CLIPS
from service.domain.codes import ImportCode
from service.domain.errors import FinishIncomplete, NotFound
from service.domain.jobs import Counts, Job, JobStatus
from service.domain.progress import final_status, run_ended_at, too_many_failures
from service.domain.state_keys import reopened_key
from service.imports.completion.context import FinishPorts
from service.imports.completion.lost_batches import account_for_lost_batches, check_time, recount
from service.imports.completion.restores import wait_for_restores
from service.imports.completion.unplanned import plan_as_failed
from service.imports.copying.abort import remove_upload
from service.imports.lifecycle.end import end_job
from service.imports.manifest.store import Plan, stored_plan
from service.imports.planning.reopen import reopen


@dataclass(frozen=True)
class Ended:
    """A job's status after `finish`; None if there is no such job."""

    status: JobStatus | None
    at: str | None = None
    """When the attempt completed; None if that is no longer known."""
    now: bool = False
    """Whether this call set the status."""


@dataclass(frozen=True)
class Outcome:
    """How an attempt completes."""

    status: JobStatus
    code: ImportCode | None = None
    message: str | None = None


def finish(
    job_id: str,
    *,
    run: int = 0,
    error: str | None,
    ports: FinishPorts,
    out_of_time: Callable[[], bool] = lambda: False,
) -> Ended:
    """Give the attempt `run` its final status. Safe to repeat from any point; does nothing if a later attempt runs.

    `error` is the name of the error that the state machine caught, or the sweep's sentence; None without an error.
    Batches that never reported become failed rows. An attempt that has to wait for restores gets no status yet. Raises
    `FinishIncomplete` once `out_of_time()` is true; the next call continues.
    """
    job = ports.jobs.get(job_id)
    if job is None or job.run != run or job.status.terminal:
        return _ended(job, run)
    if error is None and job.planned_run == run and wait_for_restores(job, ports):
        return _ended(job, run)
    counts, unplanned = None, None
    if job.planned_run != run:
        reason = f"planning did not complete: {error or 'no reason was given'}"
        unplanned = None if _plan_what_is_known(job, reason, ports, out_of_time) else reason
    if unplanned is None:
        job, counts = _settle(job, error, ports, out_of_time)
    outcome = decide_outcome(job, unplanned=unplanned)
    now = ports.clock()
    if end_job(job, outcome.status, outcome.code, outcome.message, counts=counts, jobs=ports.jobs, now=now):
        return Ended(outcome.status, at=now, now=True)
    now_is = ports.jobs.get(job.id)
    if now_is and now_is.run == run and not now_is.status.terminal:
        raise FinishIncomplete(f"the planning of import {job.id} completed only now; the next call accounts for it")
    return _ended(now_is, run)


def decide_outcome(job: Job, *, unplanned: str | None) -> Outcome:
    """Decide the outcome of an attempt: all its clips have results, or it could not be planned.

    `unplanned` is the reason why this attempt could not be planned. `job.planned` may be true even then: an earlier
    attempt was planned, and this one is a retry.
    """
    counts = job.counts
    by_counts = final_status(counts, cancel_requested=job.cancel_requested)
    cut_short = "the import was cancelled before its source was listed completely; the other objects are not part of it"
    if unplanned and job.planned:
        message = f"{unplanned}; the clips to retry did not change"
        return Outcome(by_counts, ImportCode.PLANNING_FAILED, message)
    if unplanned and not job.cancel_requested:
        return Outcome(JobStatus.FAILED, ImportCode.PLANNING_FAILED, unplanned)
    if unplanned or (job.cut_short and job.cancel_requested):
        return Outcome(JobStatus.CANCELLED, ImportCode.CUT_SHORT, cut_short)
    if job.cut_short:
        return Outcome(by_counts, ImportCode.CUT_SHORT, cut_short)
    if counts.total == 0:
        return Outcome(JobStatus.COMPLETED, ImportCode.NO_CLIPS, f"there is nothing to import in {job.source.uri}")
    excess = too_many_failures(job.settings.tolerated_failures, failed=counts.failed, total=counts.total)
    if excess and not (job.cancel_requested and counts.cancelled):
        return Outcome(JobStatus.FAILED, ImportCode.TOO_MANY_FAILURES, excess)
    if counts.failed:
        return Outcome(by_counts, ImportCode.CLIPS_FAILED, f"{counts.failed:,} of {counts.total:,} clips failed")
    return Outcome(by_counts)


def _plan_what_is_known(job: Job, reason: str, ports: FinishPorts, out_of_time: Callable[[], bool]) -> bool:
    """Complete a planning that failed, from its files or from the request; return whether that was possible.

    A retry needs its plan. A list, sets or uploads name their clips themselves; a prefix or a manifest does not.
    Raises `FinishIncomplete`.
    """
    if job.planned:
        plan = stored_plan(ports.state, job.id, job.run)
        if plan:
            _reopen(job, plan, ports, out_of_time)
        return plan is not None
    if job.source.kind.open_ended:
        return False
    plan_as_failed(job, reason, ports)
    return True


def _reopen(job: Job, plan: Plan, ports: FinishPorts, out_of_time: Callable[[], bool]) -> None:
    """Make the clips of a retry pending. Raises `FinishIncomplete` after it stored how far it came."""
    key = reopened_key(job.id, job.run)
    try:
        first = int(ports.state.get(key))
    except NotFound:
        first = 0
    done = reopen(job, plan, first_part=first, out_of_time=out_of_time, ports=ports)
    if done * PART_CLIPS < plan.total:
        ports.state.put(key, str(done).encode())
        check_time(job, lambda: True)


def _settle(
    job: Job, error: str | None, ports: FinishPorts, out_of_time: Callable[[], bool]
) -> tuple[Job, Counts | None]:
    """Account for lost batches and remove unfinished uploads, so that no clip is pending.

    Return the job after that, and its counts if they were recounted.
    """
    lost = account_for_lost_batches(job, error, ports, out_of_time)
    for upload in ports.large.unfinished(job.id):
        remove_upload(upload, ports.storage, ports.large)
        check_time(job, out_of_time)
    now = ports.jobs.get(job.id)
    if now is None or now.run != job.run:
        raise FinishIncomplete(f"import {job.id} was deleted or retried meanwhile; the next call does nothing")
    counts = recount(now, lost, ports, out_of_time) if lost else None
    settled = replace(now, counts=counts) if counts else now
    assert settled.counts.pending == 0, "every batch is recorded"
    return settled, counts


def _ended(job: Job | None, run: int) -> Ended:
    return Ended(job.status, at=run_ended_at(job, run)) if job else Ended(None)
