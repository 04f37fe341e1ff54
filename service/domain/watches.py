"""Standing imports (watches): they keep a prefix imported, by a schedule and by events of its bucket."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

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


@dataclass(frozen=True, kw_only=True)
class Notice:
    """An event that is to be put on the bus. It is stored with the change that it reports, and removed once sent."""

    kind: NoticeKind
    at: str
    code: str
    message: str
    since: str


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
    """Ask for a run now, unless one waits already."""
    if watch.next_run_at is None or watch.next_run_at > now:
        watch = replace(watch, next_run_at=now, next_cause=cause)
    return replace(watch, look_at=now)


def rescheduled(watch: Watch, now: str) -> Watch:
    """Plan the next run by the schedule. A run that waits stays planned."""
    if watch.next_run_at is not None and watch.next_run_at <= now:
        return watch
    planned = next_time(watch.schedule, after=now, since=watch.created_at) if watch.schedule else None
    return looked_at(replace(watch, next_run_at=planned, next_cause=WatchCause.SCHEDULED), now)


def started(watch: Watch, job_id: str, now: str) -> Watch:
    """Note the run that was due, and plan the next one: this run makes up for all that were missed."""
    return rescheduled(replace(readable(watch, now), last_run=job_id, next_run_at=None), now)


def looked_at(watch: Watch, now: str, *, again_in: int = CHECK_SECONDS) -> Watch:
    """Plan the next look: at once to send a notice, else when the next run is due or after `again_in` seconds."""
    if watch.paused or watch.notice:
        return replace(watch, look_at=now if watch.notice else None)
    times = [_after(now, again_in), *([watch.next_run_at] if watch.next_run_at and watch.next_run_at > now else [])]
    return replace(watch, look_at=min(times))


def failed(watch: Watch, code: str, message: str, now: str, *, sure: bool) -> Watch:
    """Note a failed attempt. A loss leaves one notice, however many attempts follow.

    `sure`: the store refused, or something that the watch names is gone. Else a loss is one after some attempts only.
    """
    before = watch.failure
    attempts = before.attempts + 1 if before else 1
    known = before is not None and before.told
    lost = known or sure or attempts >= UNSURE_ATTEMPTS
    since = before.since if before else now
    failure = Failure(code=code, message=bounded(message), since=since, attempts=attempts, told=lost)
    notice = watch.notice
    if lost and not known:
        notice = Notice(kind=NoticeKind.FAILING, at=now, code=code, message=failure.message, since=since)
    wait = min(FIRST_BACKOFF_SECONDS * 2 ** min(attempts - 1, 16), LONGEST_BACKOFF_SECONDS)
    return replace(watch, failure=failure, notice=notice, look_at=_after(now, wait))


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
