"""Report completion: write the report, send the event, deliver the webhook. Each step is stored when it is done.

Some days later, if the deployment wants that, remove the uploads that landed (`removal.py`).

A step that was done but not stored is repeated: the report is the same, event and webhook keep their id.
"""

import json
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from service.domain.ends import Delivery, DeliveryStatus, End
from service.domain.errors import WebhookRefused, WebhookUnreachable
from service.domain.ids import end_id
from service.domain.jobs import Job
from service.domain.limits import bounded
from service.domain.webhooks import Verdict, delay_seconds, signed_headers, verdict
from service.imports.completion.removal import due_at, remove_landed
from service.imports.completion.report import told, write_report
from service.ports.clips import ClipStore
from service.ports.delivery import EventBus, WebhookAnswer, WebhookSender
from service.ports.jobs import EndStore, JobStore
from service.ports.objects import UploadRemover
from service.ports.state import Clock, ReportFiles, StateFiles
from service.projects.webhook_secrets import WebhookSecretPorts, signing_secrets

log = logging.getLogger(__name__)

DETAIL_TYPE = "Clipferry Import Ended"
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
    webhook: DeliveryStatus | None = None
    """The webhook's final status, if this call decided it."""


def conclude(job_id: str, ended_at: str, *, out_of_time: Callable[[], bool], ports: ConcludePorts) -> Concluded:
    """Do the steps that one completion still needs, while there is time. Safe to repeat from any point."""
    end, job = ports.ends.get(job_id, ended_at), ports.jobs.get(job_id)
    if end is None or end.closed:
        return Concluded()
    if job is None:  # deleted: nobody is notified
        ports.ends.save(replace(end, closed=True), now=ports.clock())
        return Concluded()
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


def _uploads_due(job: Job, end: End, ports: ConcludePorts) -> str:
    """Empty once a retry began: its own completion sees to the uploads of all attempts."""
    if job.completed_at != end.ended_at or not ports.drop_imported_days:
        return ""
    return due_at(job, ports) if end.uploads_due is None else end.uploads_due


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
    body = json.dumps(_document(end, ports), separators=(",", ":")).encode()
    signing = signing_secrets(project, ports.webhook_secrets)
    now = ports.clock()
    seconds = int(datetime.fromisoformat(now).timestamp())
    headers = signed_headers(
        body,
        event_id=end_id(end.job_id, end.ended_at),
        timestamp=seconds,
        secret=signing.current,
        older=signing.older,
    )
    answer: WebhookAnswer | None = None
    try:
        answer = ports.sender.post(url, headers, body)
        outcome, error = verdict(answer.status), f"the receiver answered {answer.status}"
    except WebhookUnreachable as unreachable:
        outcome, error = Verdict.AGAIN, unreachable.message
    except WebhookRefused as refused:
        outcome, error = Verdict.STOP, refused.message
    before = end.webhook or Delivery(ended_at=end.ended_at, status=DeliveryStatus.PENDING)
    tried = replace(
        before,
        attempts=before.attempts + 1,
        last_attempt_at=now,
        last_status_code=answer.status if answer else None,
        last_error=None if outcome is Verdict.DELIVERED else bounded(error),
    )
    if outcome is Verdict.DELIVERED:
        return replace(tried, status=DeliveryStatus.DELIVERED, delivered_at=now), None
    if outcome is Verdict.STOP or tried.attempts >= ports.webhook_attempts:
        return replace(tried, status=DeliveryStatus.FAILED), None
    retry_after = answer.retry_after if answer else None
    first = ports.webhook_retry_seconds
    wait = delay_seconds(tried.attempts, first=first, retry_after=retry_after, now=now, jitter=ports.jitter())
    return tried, wait
