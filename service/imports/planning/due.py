"""Choose the batches that an execution copies: those that wait for restores are left to a later one (decision 117)."""

from dataclasses import replace
from datetime import datetime, timedelta

from service.domain.jobs import Job, Restores
from service.domain.requests import Archived
from service.domain.state_keys import batches_key, due_batches_key
from service.imports.manifest.format import encode_batch
from service.imports.manifest.store import read_batches
from service.imports.planning.context import Planned, PlanPorts
from service.support.clock import timestamp


def planned_batches(job: Job, batches: int, ports: PlanPorts) -> Planned:
    """Return the result of the job's planning, which cut this number of batches.

    The first execution copies the batches that wait for nothing, and stores that the others wait. Each later one copies
    every batch that is not counted yet.
    """
    planned = Planned(
        batches=batches,
        batches_key=batches_key(job.id, run=job.run),
        max_concurrency=job.settings.max_concurrency,
        extrapolate=job.settings.stationary_extrapolation,
    )
    if job.settings.archived is not Archived.RESTORE:
        return planned
    found = list(read_batches(ports.state, job.id, job.run))
    waiting = [batch for batch in found if batch.restore_hours]
    if not waiting:
        return planned
    if job.resumes:
        recorded = ports.jobs.recorded_batches(job.id, run=job.run)
        due = [batch for batch in found if batch.number not in recorded]
    else:
        clips, now = sum(batch.count for batch in waiting), ports.clock()
        until = timestamp(datetime.fromisoformat(now) + timedelta(hours=ports.restore_wait_hours))
        hours = max(batch.restore_hours for batch in waiting)
        ports.jobs.restoring(job, Restores(requested=clips, waiting=clips, hours=hours, until=until), now)
        due = [batch for batch in found if not batch.restore_hours]
    key = due_batches_key(job.id, job.run, job.resumes)
    ports.state.put(key, b"".join(map(encode_batch, due)))
    return replace(planned, batches=len(due), batches_key=key)
