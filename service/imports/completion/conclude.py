"""Report completion: write the report, send the event, deliver the webhook. Each step is stored when it is done.

Before the report the function `delete_sources` has its turn, if the import asks for it (`delete_sources.py`). Some days
later, if the deployment wants that, remove the uploads that landed (`removal.py`).

A step that was done but not stored is repeated: the report is the same, event and webhook keep their id.
"""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from service.domain.ends import Delivery, DeliveryStatus, End
from service.domain.errors import TooManySlowRequests
from service.domain.ids import end_id
from service.domain.jobs import Job
from service.domain.webhooks import delay_seconds
from service.imports.completion.removal import due_at, remove_landed
from service.imports.completion.report import told, write_report
from service.imports.completion.webhook import attempt, noted
from service.ports.clips import ClipStore
from service.ports.delivery import EventBus, WebhookSender
from service.ports.jobs import EndStore, JobStore
from service.ports.objects import UploadRemover
from service.ports.state import Clock, ReportFiles, StateFiles
from service.projects.slow_requests import SlowRequests
from service.projects.webhook_secrets import WebhookSecretPorts

log = logging.getLogger(__name__)

DETAIL_TYPE = "Clipferry Import Ended"
WEBHOOKS_AT_ONCE = 10
"""Webhooks of one project that are sent at the same time. Each may hold a function for 10 s, and an import that ended
counts as active no more (decision 132)."""
TURN_SECONDS = 30
"""About how long a webhook waits while others of its project are sent, and the deletion of sources for other ones."""
REPORT_FAILURES = 3
"""After this many failed executions, event and webhook are sent without a report."""


@dataclass(frozen=True, kw_only=True)
class ConcludePorts:
    jobs: JobStore
    ends: EndStore
    clips: ClipStore
    state: StateFiles
    files: ReportFiles
    bus: EventBus
    sender: WebhookSender
    webhook_secrets: WebhookSecretPorts
    sending: SlowRequests
    """Limits how many webhooks of a project are sent at once."""
    deleting: SlowRequests
    """Limits how many calls delete sources of a project at once."""
    clock: Clock
    clips_bucket: str
    drop_bucket: str
    drop_imported_days: int
    """Days after which the uploads of a completed import are removed. 0: never."""
    uploads: UploadRemover
    webhook_attempts: int
    webhook_retry_seconds: int
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True, kw_only=True)
class Concluded:
    """Whether all is done; if not, call again after `wait_seconds`."""

    done: bool = True
    wait_seconds: int = 0
    delete_sources: bool = False
    """Whether the function `delete_sources` must be called before the next call."""
    webhook: DeliveryStatus | None = None
    """The webhook's final status, if this call decided it."""


def conclude(
    job_id: str,
    ended_at: str,
    *,
    out_of_time: Callable[[], bool],
    ports: ConcludePorts,
    can_delete: bool = False,
) -> Concluded:
    """Do the steps that one completion still needs, while there is time. Safe to repeat from any point.

    `can_delete`: whether the execution can call `delete_sources`; those of older definitions cannot.
    """
    end, job = ports.ends.get(job_id, ended_at), ports.jobs.get(job_id)
    if end is None or end.closed:
        return Concluded()
    if job is None:  # deleted: nobody is notified
        ports.ends.save(replace(end, closed=True), now=ports.clock())
        return Concluded()
    if can_delete and _sources_due(job, end):
        if ports.deleting.full(job.project):
            return Concluded(done=False, wait_seconds=_turn_seconds(ports))
        return Concluded(done=False, delete_sources=True)
    if end.report is None:
        report = _report(job, end, out_of_time, ports)
        if report is None:
            return Concluded(done=False)
        end = replace(end, report=report)
        if not ports.ends.save(end, now=ports.clock()):
            return Concluded()
    notify = job.settings.notify
    if notify.event and end.event_sent_at is None:
        ports.bus.put(DETAIL_TYPE, _document(end, ports), time=end.ended_at)
        now = ports.clock()
        end = replace(end, event_sent_at=now)
        if not ports.ends.save(end, now=now):
            return Concluded()
    settled, wait = None, None
    if notify.webhook_url and (end.webhook is None or end.webhook.status is DeliveryStatus.PENDING):
        delivery, wait = _deliver(end, notify.webhook_url, job.project, ports)
        end = replace(end, webhook=delivery)
        settled = delivery.status if wait is None else None
    if wait is None:
        end = replace(end, uploads_due=_uploads_due(job, end, ports))
        if end.uploads_due and end.uploads_due < ports.clock():
            if not remove_landed(job, out_of_time=out_of_time, ports=ports):
                ports.ends.save(end, now=ports.clock())
                return Concluded(done=False, webhook=settled)
            end = replace(end, uploads_due="")
    ports.ends.save(replace(end, closed=wait is None), now=ports.clock())
    return Concluded(done=wait is None, wait_seconds=wait or 0, webhook=settled)


def _sources_due(job: Job, end: End) -> bool:
    """A retry's own completion sees to the sources of all attempts. Functions that keep failing delay no report."""
    asked = job.settings.deletes_sources and job.counts.copied > 0 and job.completed_at == end.ended_at
    return asked and not end.sources_done and end.report is None and end.failures < REPORT_FAILURES


def _uploads_due(job: Job, end: End, ports: ConcludePorts) -> str:
    """Empty once a retry began: its own completion sees to the uploads of all attempts."""
    if job.completed_at != end.ended_at or not ports.drop_imported_days:
        return ""
    return due_at(job, ports) if end.uploads_due is None else end.uploads_due


def _turn_seconds(ports: ConcludePorts) -> int:
    return round(TURN_SECONDS * (0.5 + ports.jitter()))


def _report(job: Job, end: End, out_of_time: Callable[[], bool], ports: ConcludePorts) -> Mapping[str, int] | None:
    """Write the report. Empty if a retry began in between, as the clips changed; None if another round must follow."""
    if end.failures >= REPORT_FAILURES:
        log.error("writing the report failed, completion %s goes without it", end_id(end.job_id, end.ended_at))
        return {}
    if job.completed_at != end.ended_at:
        return {}
    report = write_report(job, end.document, out_of_time=out_of_time, ports=ports)
    now = ports.jobs.get(job.id)
    return report if now and now.completed_at == end.ended_at else {}


def _document(end: End, ports: ConcludePorts) -> dict[str, object]:
    return told(end.document, end.report or {}, job_id=end.job_id, ended_at=end.ended_at, bucket=ports.files.bucket)


def _deliver(end: End, url: str, project: str, ports: ConcludePorts) -> tuple[Delivery, int | None]:
    """Try once; return the delivery, and the seconds to wait if another attempt is due."""
    now, document, event_id = ports.clock(), _document(end, ports), end_id(end.job_id, end.ended_at)
    before = end.webhook or Delivery(ended_at=end.ended_at)
    try:
        with ports.sending.one(project):
            tried_now = attempt(url, document, event_id=event_id, project=project, now=now, ports=ports)
    except TooManySlowRequests:
        return before, _turn_seconds(ports)
    delivery = noted(before, tried_now, now, limit=ports.webhook_attempts)
    if delivery.status is not DeliveryStatus.PENDING:
        return delivery, None
    retry_after = tried_now.answer.retry_after if tried_now.answer else None
    first = ports.webhook_retry_seconds
    return delivery, delay_seconds(
        delivery.attempts, first=first, retry_after=retry_after, now=now, jitter=ports.jitter()
    )
