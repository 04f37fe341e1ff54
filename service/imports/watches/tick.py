"""Look after the watches whose time has come, once a minute: start due runs, check access, send notices.

Each watch that was looked at moves to the end of the queue, so that a tick that runs out of time leaves nobody out.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from service.domain.errors import WatchesIncomplete
from service.domain.watches import Notice, NoticeKind, Watch, looked_at
from service.imports.watches.runs import RunPorts, check, serve
from service.ports.delivery import EventBus

log = logging.getLogger(__name__)

DETAIL_TYPES = {
    NoticeKind.FAILING: "Clipferry Watch Failing",
    NoticeKind.RECOVERED: "Clipferry Watch Recovered",
}


@dataclass(frozen=True, kw_only=True)
class TickPorts(RunPorts):
    bus: EventBus


@dataclass
class Ticked:
    started: list[str] = field(default_factory=list)
    """Imports that were started."""
    failing: list[str] = field(default_factory=list)
    """Watches that cannot run."""
    notices: int = 0
    left: bool = False
    """Whether time ran out before all had their turn."""


def tick(ports: TickPorts, *, seconds_left: Callable[[], float] = lambda: math.inf) -> Ticked:
    """Look after all watches that are due. Raises `WatchesIncomplete` at the end if that failed for some of them."""
    now, ticked, failed = ports.submit.clock(), Ticked(), list[str]()
    for watch in ports.store.due(now):
        if seconds_left() < 0:
            ticked.left = True
            break
        try:
            _look_after(watch, now, ticked, ports)
        except Exception:
            log.exception("cannot look after watch %s", watch.id)
            failed.append(watch.id)
    if failed:
        raise WatchesIncomplete(f"{len(failed)} watches could not be looked at, first: {failed[0]}")
    return ticked


def _look_after(watch: Watch, now: str, ticked: Ticked, ports: TickPorts) -> None:
    told = _tell(watch, ticked, ports)
    if told is None:
        return
    if told.paused:
        ports.store.save(looked_at(told, now))
        return
    due = told.next_run_at is not None and told.next_run_at <= now
    found = serve(told, ports) if due else check(told, ports)
    if found is None:
        return
    if found.last_run and found.last_run != told.last_run:
        ticked.started.append(found.last_run)
    if found.failure:
        ticked.failing.append(found.id)
    _tell(found, ticked, ports)


def _tell(watch: Watch, ticked: Ticked, ports: TickPorts) -> Watch | None:
    """Send the watch's notice, if there is one, and return the watch as stored. None: it was changed meanwhile.

    A notice that was sent but not removed is sent again, with the same id.
    """
    notice = watch.notice
    if notice is None:
        return watch
    ports.bus.put(DETAIL_TYPES[notice.kind], _document(watch, notice), time=notice.at)
    ticked.notices += 1
    return ports.store.save(replace(watch, notice=None))


def _document(watch: Watch, notice: Notice) -> dict[str, object]:
    """The event's detail (docs/events.md)."""
    return {
        "type": f"clipferry.watch.{notice.kind}",
        "event_id": f"{watch.id}-{notice.at}-{notice.kind}",
        "watch_id": watch.id,
        "project": watch.project,
        "name": watch.name,
        "root_path": watch.root_path,
        "code": notice.code,
        "message": notice.message,
        "since": notice.since,
        "at": notice.at,
    }
