"""Expand a job's source into its manifest, in rounds that each fit into one invocation."""

from collections.abc import Callable
from dataclasses import replace

from service.domain.errors import ClipferryError, LimitExceeded, RateLimited, SourceUnavailable, TableBusy
from service.domain.jobs import JobStatus, SourceKind
from service.domain.rate_windows import window_seconds
from service.imports.lifecycle.end import end_job
from service.imports.manifest.store import ManifestWriter, read_batches
from service.imports.planning.archived import request_restores
from service.imports.planning.context import Part, PlanCursor, Planned, PlanPorts, writer_at
from service.imports.planning.due import planned_batches
from service.imports.planning.retry import plan_again
from service.imports.planning.sources import parts_of


def plan(
    job_id: str,
    cursor: PlanCursor,
    *,
    run: int = 0,
    out_of_time: Callable[[], bool],
    ports: PlanPorts,
    can_wait: bool = False,
) -> Planned:
    """Plan one round: write whole manifest parts until the source is exhausted or `out_of_time()` is true.

    Clips that do not fill a part are carried over to the next round. If a store says when it may be asked again, and
    the execution `can_wait`, the next round waits until then.

    If the source can never be listed, the job completes as FAILED; transient faults are raised, so that the state
    machine tries again. What is wrong with one URI of a list becomes that clip's fate.
    """
    commits = dict(cursor.commits)
    at_commits = replace(ports, access=replace(ports.access, commits=commits))
    planned = _round(job_id, cursor, run=run, out_of_time=out_of_time, ports=at_commits, can_wait=can_wait)
    return replace(planned, cursor=replace(planned.cursor, commits=commits)) if planned.cursor else planned


def _round(
    job_id: str, cursor: PlanCursor, *, run: int, out_of_time: Callable[[], bool], ports: PlanPorts, can_wait: bool
) -> Planned:
    job = ports.jobs.begin_planning(job_id, ports.clock(), run=run)
    if job is None:
        return Planned()
    if job.runs and job.runs[-1].counts.total:  # else it is the first planning, or has to make up for it
        try:
            return plan_again(job, cursor, out_of_time=out_of_time, ports=ports)
        except RateLimited as error:
            return Planned(cursor=cursor, wait_seconds=_window(error, can_wait=can_wait))
    if job.planned_run == run:  # it waited for restores, or the answer of the call that ended this planning was lost
        ports.jobs.end_planning(job.id, run=run, total=job.counts.total, now=ports.clock())
        return planned_batches(job, sum(1 for _ in read_batches(ports.state, job.id, run)), ports)
    writer = writer_at(cursor, job, ports)
    cut_short, used, part = False, set[str](), None
    try:
        for part in parts_of(job, cursor, ports, read_again=lambda job: ports.jobs.get(job.id) or job):
            if part is None:
                cut_short = True
                break
            used.update(entry.integration for entry in part.entries if entry.integration)
            if part.entries:
                writer.write_part(request_restores(part.entries, job, ports))
            if writer.ordinal > ports.max_clips and job.source.kind is not SourceKind.UPLOAD:
                raise LimitExceeded(f"the source holds more than {ports.max_clips:,} clips, the limit of one import")
            if part.may_end_a_round and out_of_time():
                ports.access.used(job.project, used, ports.clock())
                return Planned(cursor=_end_round(writer, part))
    except RateLimited as error:
        seconds = _window(error, can_wait=can_wait)
        ports.access.used(job.project, used, ports.clock())
        reached = part is not None and part.may_end_a_round
        return Planned(cursor=_end_round(writer, part) if part and reached else cursor, wait_seconds=seconds)
    except (SourceUnavailable, TableBusy):
        raise  # another try of this round may succeed
    except ClipferryError as error:
        ended = end_job(job, JobStatus.FAILED, error.code, error.message, jobs=ports.jobs, now=ports.clock())
        return Planned(failed=ended)
    ports.access.used(job.project, used, ports.clock())
    stored = writer.end(cut_short=cut_short)
    ports.jobs.end_planning(
        job.id,
        run=run,
        total=stored.total,
        skipped=stored.skipped,
        failed_before=stored.failed_before,
        cut_short=stored.cut_short,
        rounds=stored.rounds,
        now=ports.clock(),
    )
    return planned_batches(job, stored.batches, ports)


def _end_round(writer: ManifestWriter, part: Part) -> PlanCursor:
    """Store what the round planned, up to and with this part; return where the next one continues."""
    carried = writer.carry(part.rest)
    writer.end_round()
    return PlanCursor(
        round_number=writer.round_number,
        ordinal=writer.ordinal,
        failed_before=writer.failed_before,
        batches=writer.batches,
        rounds=writer.rounds,
        start_after=part.start_after,
        read_to=part.read_to,
        found=part.found,
        carried=carried,
    )


def _window(error: RateLimited, *, can_wait: bool) -> int:
    """Return how long to wait. Raises the error if the store did not say it, or the execution cannot wait."""
    seconds = window_seconds([error]) if can_wait else None
    if seconds is None:
        raise error
    return seconds
