"""Look after the watches whose time has come, once a minute: start due runs, check access, send notices.

Each watch that was looked at moves to the end of the queue, so that a tick that runs out of time leaves nobody out. The
watches of each project wait for each other, but not for those of another project: its stores and receivers may be slow.
"""

import logging
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from service.domain.ends import DeliveryStatus
from service.domain.errors import WatchesIncomplete
from service.domain.watches import (
    Notice,
    NoticeKind,
    NoticeWebhook,
    Watch,
    document_type,
    left_to_back_off,
    looked_at,
    notice_id,
    told,
    with_webhook,
)
from service.domain.webhooks import delay_seconds
from service.imports.completion.webhook import attempt, noted
from service.imports.watches.runs import RunPorts, check, serve, webhook_url
from service.ports.delivery import EventBus, WebhookSender
from service.projects.webhook_secrets import WebhookSecretPorts
from service.support.clock import timestamp
from service.support.parallel import each

PROJECTS_AT_ONCE = 16
"""Projects whose watches are looked after at the same time."""

log = logging.getLogger(__name__)

DETAIL_TYPES = {
    NoticeKind.FAILING: "Clipferry Watch Failing",
    NoticeKind.RECOVERED: "Clipferry Watch Recovered",
}
NO_URL = "the watch has no webhook any more"


@dataclass(frozen=True, kw_only=True)
class TickPorts(RunPorts):
    bus: EventBus
    sender: WebhookSender
    webhook_secrets: WebhookSecretPorts
    webhook_attempts: int
    webhook_retry_seconds: int
    jitter: Callable[[], float] = random.random


@dataclass
class Ticked:
    started: list[str] = field(default_factory=list)
    """Imports that were started."""
    failing: list[str] = field(default_factory=list)
    """Watches that cannot run."""
    failed: list[str] = field(default_factory=list)
    """Watches that could not be looked at."""
    notices: int = 0
    left: bool = False
    """Whether time ran out before all had their turn."""

    def add(self, other: "Ticked") -> None:
        self.started += other.started
        self.failing += other.failing
        self.failed += other.failed
        self.notices += other.notices
        self.left |= other.left


def tick(ports: TickPorts, *, seconds_left: Callable[[], float] = lambda: math.inf) -> Ticked:
    """Look after all watches that are due. Raises `WatchesIncomplete` at the end if that failed for some of them."""
    now, by_project = ports.submit.clock(), dict[str, list[Watch]]()
    for watch in ports.store.due(now):
        by_project.setdefault(watch.project, []).append(watch)

    def look_after(watches: Sequence[Watch]) -> Ticked:
        ticked = Ticked()
        for watch in watches:
            if seconds_left() < 0:
                ticked.left = True
                break
            try:
                _look_after(watch, now, ticked, ports)
            except Exception:
                log.exception("cannot look after watch %s", watch.id)
                ticked.failed.append(watch.id)
        return ticked

    total = Ticked()
    for ticked in each(look_after, list(by_project.values()), threads=PROJECTS_AT_ONCE):
        total.add(ticked)
    if total.failed:
        raise WatchesIncomplete(f"{len(total.failed)} watches could not be looked at, first: {total.failed[0]}")
    return total


def _look_after(watch: Watch, now: str, ticked: Ticked, ports: TickPorts) -> None:
    stored = _tell(watch, ticked, ports)
    if stored is None:
        return
    if stored.paused:
        ports.store.save(looked_at(stored, now))
        return
    if stored.failure and stored.failure.again_at > now:  # only a webhook was due
        ports.store.save(left_to_back_off(stored))
        return
    due = stored.next_run_at is not None and stored.next_run_at <= now
    found = serve(stored, ports) if due else check(stored, ports)
    if found is None:
        return
    if found.last_run and found.last_run != stored.last_run:
        ticked.started.append(found.last_run)
    if found.failure:
        ticked.failing.append(found.id)
    _tell(found, ticked, ports)


def _tell(watch: Watch, ticked: Ticked, ports: TickPorts) -> Watch | None:
    """Send the watch's notice, if there is one, and the first webhook that is due. Return the watch as stored.

    None: it was changed meanwhile. A notice that was sent but not removed is sent again, with the same id.
    """
    look_at, stored, notice = watch.look_at, watch, watch.notice
    if notice is not None:
        ports.bus.put(DETAIL_TYPES[notice.kind], _document(watch, notice), time=notice.at)
        ticked.notices += 1
        saved = ports.store.save(told(watch, ports.submit.clock(), webhook=webhook_url(watch, ports) is not None))
        if saved is None:
            return None
        stored = saved
    now = ports.submit.clock()
    due = [one for one in stored.webhooks if one.again_at and one.again_at <= now]
    return _send(stored, due[0], look_at, ports) if due else stored


def _send(watch: Watch, webhook: NoticeWebhook, look_at: str | None, ports: TickPorts) -> Watch | None:
    """Send a webhook once. Its next attempt is stored before it, so that only one of two ticks sends it."""
    now, tried = ports.submit.clock(), webhook.attempts + 1
    waits = replace(webhook, attempts=tried, again_at=_after_attempts(tried, None, now, ports))
    claimed = ports.store.save(with_webhook(watch, webhook, waits, look_at=look_at))
    if claimed is None:
        return None
    url, event_id = webhook_url(claimed, ports), notice_id(claimed, webhook.notice)
    if url is None:
        after = replace(webhook, status=DeliveryStatus.FAILED, again_at=None, last_error=NO_URL)
    else:
        document = _document(claimed, webhook.notice)
        sent = attempt(url, document, event_id=event_id, project=watch.project, now=now, ports=ports)
        after, again_at = noted(webhook, sent, now, limit=ports.webhook_attempts), None
        if after.status is DeliveryStatus.PENDING:
            asked = sent.answer.retry_after if sent.answer else None
            again_at = _after_attempts(tried, asked, now, ports)
        after = replace(after, again_at=again_at)
    if after.status is DeliveryStatus.FAILED:
        log.error("gave up webhook %s: %s", event_id, after.last_error)
    return ports.store.save(with_webhook(claimed, waits, after, look_at=look_at))


def _after_attempts(attempts: int, retry_after: str | None, now: str, ports: TickPorts) -> str:
    first = ports.webhook_retry_seconds
    wait = delay_seconds(attempts, first=first, retry_after=retry_after, now=now, jitter=ports.jitter())
    return timestamp(datetime.fromisoformat(now) + timedelta(seconds=wait))


def _document(watch: Watch, notice: Notice) -> dict[str, object]:
    """The event's detail (docs/events.md)."""
    return {
        "type": document_type(notice),
        "event_id": notice_id(watch, notice),
        "watch_id": watch.id,
        "project": watch.project,
        "name": watch.name,
        "root_path": watch.root_path,
        "code": notice.code,
        "message": notice.message,
        "since": notice.since,
        "at": notice.at,
    }
