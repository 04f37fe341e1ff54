"""One call of a function. Its requests may be throttled, lost, repeated or late, and it may be killed at any of them.

A process sees the world through ports of its own. Before each request any other process may run.
"""

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Self

from service.domain.errors import (
    ClipferryError,
    DestinationChanged,
    EventRefused,
    SourceUnavailable,
    TableBusy,
    WebhookUnreachable,
    WorkflowUnavailable,
)
from service.domain.manifest import BatchState
from service.imports.access.reach import SourceAccess
from service.imports.completion.delete_sources import DeletePorts
from service.imports.copying.context import CopyPorts
from service.imports.copying.watch import STALE_SECONDS
from service.sources.removals import RoutedRemovals
from tests.builders import DROP_BUCKET, SERVICE_BUCKETS, SOURCE_BUCKET, World
from tests.fakes.clips import FakeClips
from tests.fakes.objects import FakeRemovals, FakeServerSideCopier, FakeStorage, FakeStreamCopier
from tests.model.ledger import Ledger
from tests.model.scheduler import Actor, Killed, Scheduler

CALL_SECONDS = 900
"""The longest call of a function (Lambda's limit)."""
STALLS = (1, 30, 300, 800)
"""Seconds for which a process may hang before a request."""


class Busy(Exception):
    """An error as the AWS SDK raises it. `service.aws.faults` gives it the name `ServiceBusy`."""


@dataclass
class Chaos:
    """How likely each trouble is, at every request. `end` stops it all."""

    refused: float = 0.0
    """The request has no effect."""
    lost: float = 0.0
    """The request has its effect, and its answer is lost."""
    repeated: float = 0.0
    """The client sent the request twice, and returns the second answer."""
    killed: float = 0.0
    """The process ends, before the request or after its effect."""
    stalled: float = 0.0
    """The process hangs for a while before the request."""

    @classmethod
    def drawn(cls, rng: random.Random) -> "Chaos":
        return cls(
            refused=rng.choice((0, 0.01, 0.05, 0.1)),
            lost=rng.choice((0, 0.01, 0.05, 0.1)),
            repeated=rng.choice((0, 0.05, 0.2)),
            killed=rng.choice((0, 0.005, 0.02, 0.05)),
            stalled=rng.choice((0, 0.005, 0.02)),
        )

    def end(self) -> None:
        self.refused = self.lost = self.repeated = self.killed = self.stalled = 0.0


_CALLS = {
    "jobs": "create get get_some find page begin_planning end_planning retry reopen end request_cancel record_batch "
    "batch_state recorded_batches delete delete_some bury restoring",
    "clips": "settle get failures find remove explained source_settled delete_some _put _settle_one _reopen_one",
    "state": "put put_new get get_range delete_some",
    "storage": "stat copy begin_parts copied_parts copy_part send_part complete_parts landed abort abort_begun_since "
    "remove_marked remove_up_to restore",
    "removals": "remove",
    "large": "claim update remove of unfinished",
    "uploads": "gathering_job claim open lists",
    "workflow": "start state conclude",
    "ends": "get save restart",
    "files": "put begin put_part complete",
    "bus": "put",
    "sender": "post",
    "integrations": "page get",
}
"""Requests by port."""
_PAGES = {"jobs": "active deleted", "clips": "in_order", "storage": "list_pages", "ends": "open"}
"""Requests that return an iterator: each item, or page, is a request."""
_SENT_TWICE = {
    "jobs": "begin_planning end_planning reopen delete request_cancel",
    "large": "claim update remove",
    "state": "put put_new",
    "storage": "copy complete_parts abort remove_marked remove_up_to",
    "ends": "save restart",
    "workflow": "start conclude",
}
"""Requests that a client may send twice without knowing. DynamoDB tells repeated transactions by their token."""


def _named(methods: Mapping[str, str]) -> dict[str, frozenset[str]]:
    return {port: frozenset(names.split()) for port, names in methods.items()}


CALLS, PAGES, SENT_TWICE = _named(_CALLS), _named(_PAGES), _named(_SENT_TWICE)


def _fault(port: str, method: str, rng: random.Random) -> Exception:
    """Return an error that the port's adapter raises for a throttled or failed request."""
    if port in ("storage", "removals"):
        return SourceUnavailable("slow down", operation=method, uri="a store")
    if port == "workflow" and method != "state":
        return WorkflowUnavailable("slow down")
    if port == "bus":
        return rng.choice((Busy("bus"), EventRefused("slow down")))
    if port == "sender":
        return WebhookUnreachable("no answer")
    if port in ("jobs", "uploads", "clips") and rng.random() < 0.5:
        return TableBusy("conflicts did not end")
    return Busy(f"{port}.{method}")


@dataclass(eq=False)
class Process:
    """A running call. `job_id` and `project` are those it works for; None: any."""

    name: str
    actor: Actor
    scheduler: Scheduler
    chaos: Chaos
    ledger: Ledger
    job_id: str | None = None
    run: int = 0
    batch: int | None = None
    project: str | None = None
    pace: float = 0.0
    """Seconds that a request takes at most."""
    dead: bool = False

    def __post_init__(self) -> None:
        self.ends_at = self.scheduler.clock.now + timedelta(seconds=CALL_SECONDS)

    def request(self, port: str, method: str, send: Callable[[], Any]) -> Any:
        """Send a request. Raises what its adapter may raise, or `Killed`."""
        self._before()
        rng, chaos = self.scheduler.random, self.chaos
        fate = rng.random()
        for name in ("refused", "lost", "repeated", "killed"):
            likely = getattr(chaos, name)
            if fate < likely:
                return getattr(self, f"_{name}")(port, method, send)
            fate -= likely
        return send()

    def _before(self) -> None:
        if self.dead:
            raise Killed
        rng = self.scheduler.random
        self.scheduler.pause(self.actor)
        if rng.random() < self.chaos.stalled:
            self.scheduler.sleep(self.actor, rng.choice(STALLS))
        elif self.pace:
            self.scheduler.sleep(self.actor, self.pace * rng.random())
        if self.scheduler.clock.now >= self.ends_at:
            self.kill("timeout")

    def kill(self, why: str) -> None:
        self.dead = True
        self.scheduler.note(f"{self.name}: killed ({why})")
        raise Killed

    def _refused(self, port: str, method: str, _send: Callable[[], Any]) -> Any:
        self.scheduler.note(f"{self.name}: {port}.{method} refused")
        raise _fault(port, method, self.scheduler.random)

    def _lost(self, port: str, method: str, send: Callable[[], Any]) -> Any:
        send()
        self.scheduler.note(f"{self.name}: {port}.{method} took effect, answer lost")
        raise _fault(port, method, self.scheduler.random)

    def _repeated(self, port: str, method: str, send: Callable[[], Any]) -> Any:
        first = send()
        if method not in SENT_TWICE.get(port, ()):
            return first
        self.scheduler.note(f"{self.name}: {port}.{method} sent twice")
        self._before()
        try:
            return send()
        except DestinationChanged as found:
            found.repeated = True
            raise

    def _killed(self, port: str, method: str, send: Callable[[], Any]) -> Any:
        if self.scheduler.random.random() < 0.5:
            send()
        self.kill(f"at {port}.{method}")


@dataclass(eq=False)
class Port:
    """A fake whose requests go through a process. Everything else is the fake's own."""

    fake: Any
    process: Process
    name: str

    def __getattr__(self, method: str) -> Any:
        found = getattr(self.fake, method)
        if method in CALLS[self.name]:
            return self._request(method, found)
        if method in PAGES.get(self.name, ()):
            return lambda *args, **kwargs: self._pages(method, found(*args, **kwargs))
        return found

    def _request(self, method: str, found: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            def send() -> Any:
                with self.process.ledger.watch(self.process, self.name, method, args, kwargs):
                    answer = found(*args, **kwargs)
                self.process.scheduler.note(self.process.name, self.name, method, *args[:3])
                return answer

            return self.process.request(self.name, method, send)

        return call

    def _pages(self, method: str, pages: Iterator[Any]) -> Iterator[Any]:
        end = object()
        while (item := self.process.request(self.name, method, lambda: next(pages, end))) is not end:
            yield item


class ClipsPort(Port):
    """Each row is a request of its own: more moments than in the table, which takes 100 rows at once."""

    def put(self, *args: Any) -> Any:
        return FakeClips.put(self, *args)  # type: ignore[arg-type]

    def settle_each(self, *args: Any, **kwargs: Any) -> Any:
        return FakeClips.settle_each(self, *args, **kwargs)  # type: ignore[arg-type]

    def reopen(self, *args: Any, **kwargs: Any) -> Any:
        return FakeClips.reopen(self, *args, **kwargs)  # type: ignore[arg-type]


class StoragePort(Port):
    def copier_of(self, entry: Any) -> Any:
        return FakeStreamCopier(self) if self.fake.streams(entry) else FakeServerSideCopier(self)  # type: ignore[arg-type]

    def send_parts(self, *args: Any, **kwargs: Any) -> Any:
        return FakeStorage.send_parts(self, *args, **kwargs)  # type: ignore[arg-type]


@dataclass
class SeldomWatch:
    """A batch's state that may be as old as the service lets it get."""

    read: Callable[[], BatchState]
    process: Process
    seldom: float = 0.9
    _state: BatchState = field(init=False)

    @property
    def state(self) -> BatchState:
        if self.process.scheduler.random.random() > self.seldom:
            self._refresh()
        return self._state

    def _refresh(self) -> None:
        try:
            self._state, self._read_at = self.read(), self.process.scheduler.clock.now
        except (Busy, ClipferryError):
            if (self.process.scheduler.clock.now - self._read_at).total_seconds() > STALE_SECONDS:
                raise

    def __enter__(self) -> Self:
        self._state, self._read_at = self.read(), self.process.scheduler.clock.now
        return self

    def __exit__(self, *_error: object) -> None:
        pass


def seen_by(process: Process, world: World) -> World:
    """Return the world with this process's ports."""
    view = copy.copy(world)
    for name in CALLS.keys() - {"removals"}:
        kind = {"clips": ClipsPort, "storage": StoragePort}.get(name, Port)
        setattr(view, name, kind(getattr(world, name), process, name))
    view.copiers = view.storage
    view.access = SourceAccess(
        buckets=[SOURCE_BUCKET, DROP_BUCKET],
        service=SERVICE_BUCKETS,
        jobs=view.jobs,
        integrations=view.integrations,
        storage=lambda _: view.storage,
    )
    return view


def delete_ports(process: Process, view: World) -> DeletePorts:
    own = Port(FakeRemovals(process.ledger.world.storage), process, "removals")

    def removals(project: str) -> RoutedRemovals:
        return RoutedRemovals(
            project=project, own=own, through=lambda _: own, saved=view.integrations, buckets=view.delete_buckets
        )

    return replace(view.delete_ports, removals=removals)


def copy_ports(process: Process, view: World) -> CopyPorts:
    return replace(view.copy_ports, watch=lambda read: SeldomWatch(read, process))
