"""Start a job's execution."""

import logging

from service.domain.errors import WorkflowUnavailable
from service.domain.jobs import ActiveJob, Job
from service.ports.delivery import Workflow

log = logging.getLogger(__name__)


def start(job: Job | ActiveJob, workflow: Workflow, *, wait_seconds: int = 0) -> None:
    """Start the job's execution. If that fails now, the sweep does it."""
    try:
        workflow.start(job.id, run=job.run, resumes=job.resumes, wait_seconds=wait_seconds)
    except WorkflowUnavailable as error:
        log.warning("job %s waits for the sweep to start it: %s", job.id, error.message)
