"""Links to the report of a completed import, and a replay of its webhook."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.ends import Delivery, End
from service.domain.errors import NoReport, NotEnded, NoWebhook, ReportPending, WorkflowUnavailable
from service.domain.jobs import Job
from service.domain.state_keys import REPORT_FILES, report_key
from service.imports.queries.status import get_job
from service.ports.delivery import Workflow
from service.ports.jobs import EndStore, JobStore
from service.ports.state import Clock, ReportFiles
from service.support.clock import timestamp

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class EndedPorts:
    jobs: JobStore
    ends: EndStore
    files: ReportFiles
    workflow: Workflow
    clock: Clock
    url_seconds: int


@dataclass(frozen=True, kw_only=True)
class ReportLink:
    url: str
    uri: str
    expires_at: str
    bytes: int


def report_link(job_id: str, form: str, *, project: str, ports: EndedPorts) -> ReportLink:
    """Return a link to a file of the last attempt's report. `form` is one of `REPORT_FILES`.

    Raises `NotFound`, `NotEnded`, `ReportPending`, `NoReport`.
    """
    job, end = _ended(job_id, project, ports)
    if end and end.report is None and not end.closed:
        raise ReportPending(f"the report of import {job_id} is being written: try again in a few seconds")
    if end is None or not end.report:
        raise NoReport(f"import {job_id} has no report, as writing it failed; list its clips instead")
    key = report_key(job.id, end.ended_at, form)
    expires = datetime.fromisoformat(ports.clock()) + timedelta(seconds=ports.url_seconds)
    return ReportLink(
        url=ports.files.url(key, seconds=ports.url_seconds, name=f"{job.id}-{REPORT_FILES[form]}"),
        uri=f"s3://{ports.files.bucket}/{key}",
        expires_at=timestamp(expires),
        bytes=end.report[form],
    )


def replay_webhook(job_id: str, *, project: str, ports: EndedPorts) -> Job:
    """Send the webhook of the last completion again, with the same id. Does nothing while a delivery is in progress.

    Raises `NotFound`, `NotEnded`, `NoWebhook`.
    """
    job, end = _ended(job_id, project, ports)
    if job.settings.notify.webhook_url is None or end is None:
        raise NoWebhook(f"import {job_id} has no webhook: set settings.notify.webhook_url when you start an import")
    if not end.closed:
        return job
    again = Delivery(ended_at=end.ended_at)
    restarted = ports.ends.restart(end, failures=0, webhook=again, now=ports.clock())
    if restarted:
        try:
            ports.workflow.conclude(restarted)
        except WorkflowUnavailable as error:
            log.warning("the webhook of job %s waits for the sweep to send it: %s", job_id, error.message)
    return get_job(job_id, project=project, jobs=ports.jobs)


def _ended(job_id: str, project: str, ports: EndedPorts) -> tuple[Job, End | None]:
    job = get_job(job_id, project=project, jobs=ports.jobs)
    if job.completed_at is None:
        raise NotEnded(f"import {job_id} is {job.status}: wait until it completes")
    return job, ports.ends.get(job.id, job.completed_at)
