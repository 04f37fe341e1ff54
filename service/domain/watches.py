"""Standing imports (watches): they keep a prefix imported, by a schedule and by events of its bucket."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from service.domain.ends import WebhookDelivery
from service.domain.errors import NotFound, NoWebhook
from service.domain.filters import selection
from service.domain.jobs import WatchCause
from service.domain.limits import bounded
from service.domain.requests import Filters, ImportRequest, ImportSettings
from service.domain.schedules import Schedule, next_time
from service.domain.uris import Location, parse_prefix

CHECK_SECONDS = 3_600
"""How often the service lists the first page of a watched prefix between runs, to notice lost access."""
POSTPONED_SECONDS = 60
"""After this time it looks again at a watch whose run must wait: the last one still goes on, or the quota is used."""
FIRST_BACKOFF_SECONDS = 60
LONGEST_BACKOFF_SECONDS = 6 * 3_600
UNSURE_ATTEMPTS = 3
"""Failed attempts after which a store that answers nothing clear counts as lost."""
MAX_WEBHOOKS = 20
"""Webhooks of one watch that wait to be sent again. A source that comes and goes while the receiver is down leaves
more; the oldest are given up."""
KEPT_WEBHOOKS = 10
"""Webhooks of one watch that were delivered or given up, and that it shows and can send again."""
EVENT_GRACE_SECONDS = 300
"""A scheduled run leaves objects that are younger to their events, so that what it copies are those events missed."""


class WatchStatus(StrEnum):
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    FAILING = "FAILING"
    """Its last attempt to read the source failed. The service tries again with back-off."""


class NoticeKind(StrEnum):
    FAILING = "failing"
    RECOVERED = "recovered"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a watch cannot run, since when, and after how many attempts."""

    code: str
    message: str
    since: str
    attempts: int = 1
    told: bool = True
    """Whether it counts as lost access, and was reported: a store that is busy for a moment does not."""
    again_at: str = ""
    """When the service tries again."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """An event that is to be put on the bus. It is stored with the change that it reports, and removed once sent."""

    kind: NoticeKind
    at: str
    code: str
    message: str
    since: str


@dataclass(frozen=True, kw_only=True)
class NoticeWebhook(WebhookDelivery):
    """A notice that is to be sent to the watch's webhook, or was."""

    notice: Notice
    again_at: str | None
    """When it is sent next; None: it was delivered, or given up."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    id: str
    project: str
    name: str
    root_path: str
    integration_id: str | None = None
    filters: Filters | None = None
    settings: ImportSettings = field(default_factory=ImportSettings)
    execution_settings_id: str | None = None
    """A preset, which replaces `settings`; each run reads it again."""
    folder: str | None = None
    labels: tuple[str, ...] = ()
    schedule: Schedule | None = None
    events: bool = False
    """Whether "Object Created" events of the bucket import single objects."""
    paused: bool = False
    created_at: str
    updated_at: str
    created_by: str | None = None
    """Id of the API key that asked."""
    request_digest: str
    """SHA-256 of the request that made it."""
    revision: int = 0
    """Counts the changes of the row: a change holds only if nobody else made one since the row was read."""
    next_run_at: str | None = None
    """When the next run is due; in the past while the run waits. None: no run is planned."""
    next_cause: WatchCause = WatchCause.SCHEDULED
    look_at: str | None = None
    """When the service looks at the watch next. None while it is paused."""
    last_run: str | None = None
    """The last import that read the whole prefix."""
    failure: Failure | None = None
    notice: Notice | None = None
    webhooks: tuple[NoticeWebhook, ...] = ()
    """Oldest first: at most `MAX_WEBHOOKS` that wait, and the last `KEPT_WEBHOOKS` others."""

    @property
    def status(self) -> WatchStatus:
        if self.paused:
            return WatchStatus.PAUSED
        return WatchStatus.FAILING if self.failure and self.failure.told else WatchStatus.ACTIVE

    @property
    def location(self) -> Location:
        return parse_prefix(self.root_path)

    @property
    def takes_events(self) -> bool:
        return self.events and not self.paused


def run_key(watch: Watch) -> str:
    """Return the idempotency key of the run that is due, so that all who start it start the same import."""
    return f"watch {watch.id} {watch.next_run_at}"


def request_of(watch: Watch, *, at: str | None = None) -> ImportRequest:
    """Return the request of a run that is due at that time, or of an import of events (None).

    It needs no listing before it is accepted: the watch's source was listed a moment ago.
    """
    return ImportRequest(
        root_path=watch.root_path,
        filters=_filters_at(watch, at) if at else watch.filters,
        folder=watch.folder,
        labels=watch.labels,
        settings=watch.settings,
        execution_settings_id=watch.execution_settings_id,
        integration_id=watch.integration_id,
        validate=False,
        idempotency_key=run_key(watch) if at else None,
    )


def _filters_at(watch: Watch, at: str) -> Filters | None:
    """Leave out objects whose events may still be under way, unless the filters leave nothing older."""
    if not watch.events or watch.next_cause is not WatchCause.SCHEDULED:
        return watch.filters
    limit = datetime.fromisoformat(at) - timedelta(seconds=EVENT_GRACE_SECONDS)
    chosen = selection(watch.filters)
    if chosen.modified_before is not None and chosen.modified_before <= limit:
        return watch.filters
    if chosen.modified_after is not None and chosen.modified_after >= limit:
        return watch.filters
    return replace(watch.filters or Filters(), modified_before=_after(at, -EVENT_GRACE_SECONDS))


def due_now(watch: Watch, cause: WatchCause, now: str) -> Watch:
    """Ask for a run now. A scheduled one that waits becomes this one, because it would leave out young objects."""
    waits = watch.next_run_at is not None and watch.next_run_at <= now
    if not waits:
        watch = replace(watch, next_run_at=now, next_cause=cause)
    elif watch.next_cause is WatchCause.SCHEDULED:
        watch = replace(watch, next_cause=cause)
    return replace(watch, look_at=now)


def rescheduled(watch: Watch, now: str) -> Watch:
    """Plan the next run by the schedule. A run that waits stays planned."""
    if watch.next_run_at is not None and watch.next_run_at <= now:
        return watch
    planned = next_time(watch.schedule, after=now, since=watch.created_at) if watch.schedule else None
    return looked_at(replace(watch, next_run_at=planned, next_cause=WatchCause.SCHEDULED), now)


def started(watch: Watch, job_id: str, now: str) -> Watch:
    """Note the run that was due, and plan the next one: this run makes up for all that were missed."""
    return rescheduled(replace(watch, last_run=job_id, next_run_at=None), now)


def looked_at(watch: Watch, now: str, *, again_in: int = CHECK_SECONDS) -> Watch:
    """Plan the next look: at once to send a notice, else when the next run is due or after `again_in` seconds."""
    times = [now] if watch.notice else [one.again_at for one in watch.webhooks if one.again_at]
    if not watch.paused:
        times.append(_after(now, again_in))
        if watch.next_run_at and watch.next_run_at > now:
            times.append(watch.next_run_at)
    return replace(watch, look_at=min(times, default=None))


def failed(watch: Watch, code: str, message: str, now: str, *, sure: bool, asked_wait: int = 0) -> Watch:
    """Note a failed attempt. A loss leaves one notice, however many attempts follow.

    `sure`: the store refused, or something that the watch names is gone. Else a loss is one after some attempts only.
    `asked_wait`: seconds after which the store said to ask again.
    """
    before = watch.failure
    attempts = before.attempts + 1 if before else 1
    known = before is not None and before.told
    lost = known or sure or attempts >= UNSURE_ATTEMPTS
    since = before.since if before else now
    wait = max(asked_wait, min(FIRST_BACKOFF_SECONDS * 2 ** min(attempts - 1, 16), LONGEST_BACKOFF_SECONDS))
    failure = Failure(
        code=code, message=bounded(message), since=since, attempts=attempts, told=lost, again_at=_after(now, wait)
    )
    notice = watch.notice
    if lost and not known:
        notice = Notice(kind=NoticeKind.FAILING, at=now, code=code, message=failure.message, since=since)
    return left_to_back_off(replace(watch, failure=failure, notice=notice))


def told(watch: Watch, now: str, *, webhook: bool) -> Watch:
    """Note that the notice was sent as an event. With `webhook` it is to be sent as a webhook too, at once."""
    assert watch.notice is not None
    if not webhook:
        return replace(watch, notice=None)
    webhooks = (*watch.webhooks, NoticeWebhook(notice=watch.notice, again_at=now))
    return replace(watch, notice=None, webhooks=_kept(webhooks), look_at=now)


def with_webhook(watch: Watch, before: NoticeWebhook, after: NoticeWebhook, *, look_at: str | None) -> Watch:
    """Replace a webhook. `look_at`: the next look without webhooks."""
    changed = _kept([after if one == before else one for one in watch.webhooks])
    return replace(watch, webhooks=changed, look_at=_earliest(look_at, changed))


def replayed(watch: Watch, event_id: str | None, now: str) -> Watch:
    """Ask for a webhook to be sent again, by default the last one. One that waits to be sent stays as it is.

    Raises `NotFound`, or `NoWebhook` if there was none yet.
    """
    if not watch.webhooks:
        raise NoWebhook(f"watch {watch.id} has sent no webhook: it sends one when its source cannot be read")
    known = {notice_id(watch, one.notice): one for one in watch.webhooks}
    found = known.get(event_id) if event_id is not None else watch.webhooks[-1]
    if found is None:
        raise NotFound(f"watch {watch.id} has no webhook with this event_id; it keeps the last {KEPT_WEBHOOKS}")
    if found.again_at is not None:
        return watch
    return with_webhook(watch, found, NoticeWebhook(notice=found.notice, again_at=now), look_at=watch.look_at)


def notice_id(watch: Watch, notice: Notice) -> str:
    """Return the id of the notice's event and webhook."""
    return f"{watch.id}-{notice.at}-{notice.kind}"


def document_type(notice: Notice) -> str:
    """Return the `type` of its event and webhook."""
    return f"clipferry.watch.{notice.kind}"


def _kept(webhooks: Sequence[NoticeWebhook]) -> tuple[NoticeWebhook, ...]:
    waiting = [one for one in webhooks if one.again_at][-MAX_WEBHOOKS:]
    others = [one for one in webhooks if not one.again_at][-KEPT_WEBHOOKS:]
    return tuple(one for one in webhooks if one in waiting or one in others)


def left_to_back_off(watch: Watch) -> Watch:
    """Plan the next look at a watch that fails for the time of its next attempt, or of a webhook."""
    assert watch.failure is not None
    return replace(watch, look_at=_earliest(watch.failure.again_at, watch.webhooks))


def tried_at_once(watch: Watch, now: str) -> Watch:
    """End the back-off of a watch that fails."""
    if watch.failure is None:
        return watch
    return replace(watch, failure=replace(watch.failure, again_at=now), look_at=now)


def _earliest(look_at: str | None, webhooks: Sequence[NoticeWebhook]) -> str | None:
    return min((time for time in (look_at, *(one.again_at for one in webhooks)) if time), default=None)


def readable(watch: Watch, now: str) -> Watch:
    """Note that the source can be read. After a loss this leaves a notice, and asks for a run to make up for it."""
    before = watch.failure
    if before is None or not before.told:
        return replace(watch, failure=None)
    notice = Notice(kind=NoticeKind.RECOVERED, at=now, code=before.code, message=before.message, since=before.since)
    return due_now(replace(watch, failure=None, notice=notice), WatchCause.CATCH_UP, now)


def _after(time: str, seconds: float) -> str:
    later = datetime.fromisoformat(time) + timedelta(seconds=seconds)
    return later.isoformat(timespec="milliseconds").replace("+00:00", "Z")
