"""Cancel an import by a flag on its job. Planning, workers and completion see it and start nothing more."""

from service.domain.errors import AlreadyEnded
from service.domain.jobs import Job
from service.imports.queries.status import get_job
from service.ports.jobs import JobStore
from service.ports.state import Clock


def cancel(job_id: str, *, project: str, jobs: JobStore, clock: Clock) -> Job:
    """Request the cancellation and return the job. Repeating the request changes nothing.

    Raises `NotFound`, `AlreadyEnded`.
    """
    job = get_job(job_id, project=project, jobs=jobs)
    if job.cancel_requested and not job.status.terminal:
        return job
    if not jobs.request_cancel(job_id, clock()):
        raise AlreadyEnded(f"import {job_id} has ended as {get_job(job_id, project=project, jobs=jobs).status}")
    return get_job(job_id, project=project, jobs=jobs)
