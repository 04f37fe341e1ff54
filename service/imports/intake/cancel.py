"""Cancel an import by a flag on its job. Planning, workers and completion see it and start nothing more."""

from service.domain.errors import AlreadyEnded
from service.domain.jobs import Job
from service.imports.lifecycle.start import start
from service.imports.queries.status import get_job
from service.ports.delivery import Workflow
from service.ports.jobs import JobStore
from service.ports.state import Clock


def cancel(job_id: str, *, project: str, jobs: JobStore, workflow: Workflow, clock: Clock) -> Job:
    """Request the cancellation and return the job. Repeating the request changes nothing.

    A job that waits for restores has no execution, so the next one is started at once.

    Raises `NotFound`, `AlreadyEnded`.
    """
    job = get_job(job_id, project=project, jobs=jobs)
    if job.cancel_requested and not job.status.terminal:
        return job
    if not jobs.request_cancel(job_id, clock()):
        raise AlreadyEnded(f"import {job_id} has ended as {get_job(job_id, project=project, jobs=jobs).status}")
    job = get_job(job_id, project=project, jobs=jobs)
    if job.resume_at:
        start(job, workflow)
    return job
