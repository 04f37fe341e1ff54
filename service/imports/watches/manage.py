"""Make, change, run and delete watches, for callers of the API."""

import hashlib
import re
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial

from service.domain.errors import (
    EventsUnavailable,
    IdempotencyConflict,
    InvalidRequest,
    NotFound,
    NoWebhook,
    WatchChanged,
)
from service.domain.ids import request_digest
from service.domain.jobs import WatchCause
from service.domain.limits import check_text
from service.domain.projects import Action, Actor
from service.domain.requests import Filters, ImportSettings
from service.domain.schedules import Schedule, check_schedule
from service.domain.uris import is_access_point
from service.domain.watches import Watch, due_now, looked_at, replayed, rescheduled, tried_at_once
from service.domain.webhooks import kept_url
from service.imports.watches.runs import RunPorts, check_request, check_source, is_running, serve, webhook_url
from service.ports.watches import BucketEvents
from service.projects.audit import entry_of
from service.projects.slow_requests import SlowRequests
from service.support.paging import Page, read_page

MAX_PER_PROJECT = 100
"""Maximum watches of a project. Each one that is due costs its tick a few requests."""
TRIES = 5
"""Tries of a change that meets others."""
_ID = re.compile(r"wa_[0-9a-f]{24}")


@dataclass(frozen=True, kw_only=True)
class WatchPorts(RunPorts):
    slow: SlowRequests
    events: BucketEvents
    event_buckets: Collection[str]
    """The deploy settings' source buckets: their events reach this deployment, if their owners switch them on."""


@dataclass(frozen=True, kw_only=True)
class WatchRequest:
    name: str
    root_path: str
    integration_id: str | None = None
    filters: Filters | None = None
    settings: ImportSettings = field(default_factory=ImportSettings)
    execution_settings_id: str | None = None
    folder: str | None = None
    labels: tuple[str, ...] = ()
    schedule: Schedule | None = None
    events: bool = False
    paused: bool = False


CHANGEABLE = frozenset(WatchRequest.__dataclass_fields__) - {"root_path"}
"""Fields that a change may have. Another source is another watch."""


def create(
    request: WatchRequest, *, project: str, by: Actor, ports: WatchPorts, idempotency_key: str | None = None
) -> Watch:
    """Make a watch and start its first run. With a known idempotency key, return the watch that was made with it.

    Raises one of `runs.REFUSED`, `TooManyWatches`, `TooManySlowRequests`, `IdempotencyConflict`.
    """
    digest = request_digest(asdict(request))
    now = ports.submit.clock()
    watch_id = _id_for(project, idempotency_key) if idempotency_key else f"wa_{secrets.token_hex(12)}"
    if idempotency_key and (known := ports.store.get(project, watch_id)):
        return _again(known, digest)
    watch = Watch(
        id=watch_id,
        project=project,
        **{name: getattr(request, name) for name in WatchRequest.__dataclass_fields__},
        created_at=now,
        updated_at=now,
        created_by=by.key_id,
        request_digest=digest,
    )
    with ports.slow.one(project):
        _check(watch, now, ports)
        check_source(watch, ports)
        watch = looked_at(watch, now) if watch.paused else due_now(watch, WatchCause.FIRST, now)
        entry = entry_of(Action.WATCH_CREATE, watch.id, project=project, by=by, now=now, days=ports.submit.audit_days)
        if not ports.store.create(watch, limit=MAX_PER_PROJECT, entry=entry):
            return _again(get(watch.id, project=project, ports=ports), digest)
        return watch if watch.paused else _served(watch, ports)


def get(watch_id: str, *, project: str, ports: RunPorts) -> Watch:
    """Return a watch. Raises `NotFound`, also for another project's."""
    watch = ports.store.get(project, watch_id) if _ID.fullmatch(watch_id) else None
    if watch is None:
        raise _gone(watch_id)
    return watch


def page(project: str, *, limit: int, cursor: str | None, ports: RunPorts) -> Page[Watch]:
    """Return a page of watches, oldest first. Raises `InvalidCursor`, `InvalidRequest`."""
    return read_page(partial(ports.store.page, project), scope=f"watches of {project}", limit=limit, cursor=cursor)


def change(watch_id: str, changes: Mapping[str, object], *, project: str, by: Actor, ports: WatchPorts) -> Watch:
    """Change the given fields, which are some of `CHANGEABLE`. A run that goes on keeps what it was started with.

    A webhook's URL without its query, as answers show it, keeps the stored query. Objects that the watch wants from now
    on are imported by a run at once. A watch that fails is tried again within a minute.

    Raises as `create`, `NotFound`, `WatchChanged`.
    """
    assert changes.keys() <= CHANGEABLE

    def changed(watch: Watch, now: str) -> Watch:
        after = replace(watch, **changes, updated_at=now)  # type: ignore[arg-type]
        check_text("name", after.name)
        notify = after.settings.notify
        url = kept_url(notify.webhook_url, watch.settings.notify.webhook_url)
        after = replace(after, settings=replace(after.settings, notify=replace(notify, webhook_url=url)))
        if changes.keys() - {"name", "paused"}:  # a watch whose preset is gone can be paused
            _check(after, now, ports)
        if after.paused:
            return looked_at(replace(after, next_run_at=None), now)
        wants_more = after.filters != watch.filters or (after.events and not watch.events)
        if watch.paused or wants_more:
            return due_now(after, WatchCause.CATCH_UP, now)
        after = rescheduled(after, now) if after.schedule != watch.schedule else after
        return tried_at_once(after, now) if changes.keys() - {"name"} else after

    if changes.keys() <= {"name", "paused"} and changes.get("paused") is not False:  # it looks at no store
        return _changed(watch_id, changed, Action.WATCH_CHANGE, project=project, by=by, ports=ports)[0]
    with ports.slow.one(project):
        watch, now = _changed(watch_id, changed, Action.WATCH_CHANGE, project=project, by=by, ports=ports)
        due = watch.next_run_at is not None and watch.next_run_at <= now
        return _served(watch, ports) if due else watch


def run_now(watch_id: str, *, project: str, by: Actor, ports: WatchPorts) -> Watch:
    """Start a run; if one goes on, leave it at that. `last_run` of the answer is the run.

    Raises `NotFound`, `InvalidRequest` for a paused watch, `TooManySlowRequests`, or what else keeps it from running.
    """
    watch = get(watch_id, project=project, ports=ports)
    if watch.paused:
        raise InvalidRequest(f"watch {watch_id} is paused: resume it")
    if is_running(watch, ports):
        return watch

    def changed(watch: Watch, now: str) -> Watch:
        return due_now(watch, WatchCause.MANUAL, now)

    with ports.slow.one(project):
        check_source(watch, ports)
        return _served(_changed(watch_id, changed, Action.WATCH_RUN, project=project, by=by, ports=ports)[0], ports)


def replay_webhook(watch_id: str, event_id: str | None, *, project: str, by: Actor, ports: WatchPorts) -> Watch:
    """Send a webhook again, with the same id, within a minute. Without `event_id` it is the last one.

    Does nothing while its delivery is in progress. Raises `NotFound`, `NoWebhook`, `WatchChanged`.
    """

    def changed(watch: Watch, now: str) -> Watch:
        if webhook_url(watch, ports) is None:
            raise NoWebhook(f"watch {watch_id} has no webhook: set settings.notify.webhook_url")
        return replayed(watch, event_id, now)

    return _changed(watch_id, changed, Action.WEBHOOK_REPLAY, project=project, by=by, ports=ports)[0]


def delete(watch_id: str, *, project: str, by: Actor, ports: RunPorts) -> None:
    """Delete a watch. Its imports stay, and one that goes on continues. Raises `NotFound`."""
    get(watch_id, project=project, ports=ports)
    now, days = ports.submit.clock(), ports.submit.audit_days
    entry = entry_of(Action.WATCH_DELETE, watch_id, project=project, by=by, now=now, days=days)
    if not ports.store.delete(project, watch_id, entry=entry):
        raise _gone(watch_id)


def _changed(
    watch_id: str,
    changed: Callable[[Watch, str], Watch],
    action: Action,
    *,
    project: str,
    by: Actor,
    ports: WatchPorts,
) -> tuple[Watch, str]:
    """Apply a change to the watch as it is stored, again where others change it meanwhile; return it with the time."""
    for _ in range(TRIES):
        watch, now = get(watch_id, project=project, ports=ports), ports.submit.clock()
        entry = entry_of(action, watch_id, project=project, by=by, now=now, days=ports.submit.audit_days)
        if saved := ports.store.save(changed(watch, now), entry=entry):
            return saved, now
    raise WatchChanged(f"watch {watch_id} is being changed by other requests: try again")


def _served(watch: Watch, ports: WatchPorts) -> Watch:
    """Start the run that is due. Where another caller was faster, return what it stored."""
    return serve(watch, ports) or get(watch.id, project=watch.project, ports=ports)


def _check(watch: Watch, now: str, ports: WatchPorts) -> None:
    """Raises one of `runs.REFUSED`."""
    check_text("name", watch.name)
    if watch.schedule is None and not watch.events:
        raise InvalidRequest("a watch needs a schedule, events, or both")
    if watch.schedule is not None:
        check_schedule(watch.schedule, now)
    location, access = watch.location, ports.submit.access
    if location.scheme == "s3" and access.service.has(location.bucket):
        raise InvalidRequest(
            f"root_path: {location.bucket} is one of this service's own buckets, which cannot be watched "
            "(uploads to the drop bucket are imported without a watch)"
        )
    if watch.events:
        if location.scheme != "s3" or location.bucket not in ports.event_buckets:
            raise EventsUnavailable(
                f"events: {location.bucket} is not among the deploy settings' source buckets, and events of other "
                "buckets do not reach this deployment; use a schedule"
            )
        if location.zip is not None or is_access_point(location.bucket):
            raise EventsUnavailable(
                "events: they name whole objects by their bucket, not by an access point or a zip; use a schedule"
            )
        if access.reach(watch.project, watch.integration_id).prefix_opener(location) is not None:
            raise EventsUnavailable(
                f"events: an integration opens {location.bucket}, and objects of events are read by the service's own "
                "role; use a schedule"
            )
    check_request(watch, ports)


def _again(known: Watch, digest: str) -> Watch:
    if known.request_digest != digest:
        raise IdempotencyConflict("this idempotency key was used with another request before")
    return known


def _gone(watch_id: str) -> NotFound:
    return NotFound(f"there is no watch {watch_id!r} in this project")


def _id_for(project: str, idempotency_key: str) -> str:
    digest = hashlib.sha256(f"watch\0{project}\0{idempotency_key}".encode()).hexdigest()
    return f"wa_{digest[:24]}"
