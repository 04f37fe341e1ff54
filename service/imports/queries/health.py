"""Show what is queued, what waits for its turn, and what fails: of one project, or of the whole deployment."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from service.domain.ends import DeliveryStatus
from service.domain.jobs import Job, JobStatus
from service.domain.turns import Turn
from service.domain.watches import Watch, WatchStatus
from service.ports.health import Alarm, AlarmState, DeploymentMonitor, Queue
from service.ports.jobs import JobStore
from service.ports.state import Clock
from service.ports.turns import TurnStore
from service.ports.watches import WatchStore
from service.support.clock import seconds_before

RECENT_SECONDS = 24 * 3_600
"""Imports that ended in this time are counted by their final status."""
MAX_READ = 1_000
"""Imports that one answer reads: of the running ones, and of the recent ones."""
READ_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True)
class HealthPorts:
    jobs: JobStore
    watches: WatchStore
    turns: TurnStore
    monitor: DeploymentMonitor
    clock: Clock
    slots: int
    """Batches that may be copied or extrapolated at once."""


@dataclass(frozen=True, kw_only=True)
class Slots:
    """Batches that hold a slot, and batches that wait for one."""

    limit: int
    held: int
    waiting: int


@dataclass(frozen=True, kw_only=True)
class ProjectHealth:
    active: Counter[JobStatus]
    """Running imports by status."""
    clips_pending: int
    """Clips of running imports without a result."""
    waiting_since: str | None
    """Since when the oldest import waits for its start."""
    ended: Counter[JobStatus]
    """Imports of the last 24 hours by final status."""
    webhooks_failed: int
    """Imports among them whose webhook was given up."""
    watches: Counter[WatchStatus]
    slots: Slots
    complete: bool
    """False: there are so many imports that each count means at least this number."""


@dataclass(frozen=True, kw_only=True)
class ProjectSlots:
    project: str
    held: int
    waiting: int


@dataclass(frozen=True, kw_only=True)
class DeploymentHealth:
    """`projects` are those that copy or wait for it."""

    slots: Slots
    projects: Sequence[ProjectSlots]
    queues: Sequence[Queue]
    """Queues that alarms watch, by name."""
    alarms: Sequence[Alarm]
    """Alarms that ring come first."""


def project_health(project: str, ports: HealthPorts) -> ProjectHealth:
    now = ports.clock()
    active, all_active = _active(project, ports.jobs)
    recent, all_recent = _recent(project, seconds_before(now, RECENT_SECONDS), ports.jobs)
    turns = [turn for turn in _valid(ports, now) if turn.project == project]
    return ProjectHealth(
        active=Counter(job.status for job in active),
        clips_pending=sum(job.counts.pending for job in active),
        waiting_since=min((job.updated_at for job in active if job.status is JobStatus.PENDING), default=None),
        ended=Counter(job.status for job in recent),
        webhooks_failed=sum(job.webhook is not None and job.webhook.status is DeliveryStatus.FAILED for job in recent),
        watches=Counter(watch.status for watch in _watches(project, ports.watches)),
        slots=_slots(turns, ports.slots),
        complete=all_active and all_recent,
    )


def deployment_health(ports: HealthPorts) -> DeploymentHealth:
    turns, alarms = _valid(ports, ports.clock()), ports.monitor.alarms()
    names = sorted({turn.project for turn in turns})
    of = {name: _slots((turn for turn in turns if turn.project == name), ports.slots) for name in names}
    return DeploymentHealth(
        slots=_slots(turns, ports.slots),
        projects=[ProjectSlots(project=name, held=found.held, waiting=found.waiting) for name, found in of.items()],
        queues=[ports.monitor.queue(name) for name in sorted({one.queue for one in alarms if one.queue})],
        alarms=sorted(alarms, key=lambda alarm: alarm.state is not AlarmState.ALARM),
    )


def _active(project: str, jobs: JobStore) -> tuple[Sequence[Job], bool]:
    """Return the project's running imports, and whether these are all."""
    known = list(islice(jobs.active(), MAX_READ + 1))
    # Whole rows are large: those of other projects are not read.
    found = jobs.get_some([job.id for job in known[:MAX_READ] if job.project == project]).values()
    return [job for job in found if not job.status.terminal], len(known) <= MAX_READ


def _recent(project: str, since: str, jobs: JobStore) -> tuple[Sequence[Job], bool]:
    """Return the project's imports that began and ended since then, and whether these are all."""
    found: list[Job] = []
    position: str | None = None
    for _ in range(MAX_READ // READ_AT_ONCE):
        page, position = jobs.page(project, limit=READ_AT_ONCE, after=position)
        young = [job for job in page if job.created_at >= since]
        found += [job for job in young if job.status.terminal]
        if position is None or len(young) < len(page):
            return found, True
    return found, False


def _watches(project: str, watches: WatchStore) -> Iterator[Watch]:
    position: str | None = None
    while True:
        page, position = watches.page(project, limit=READ_AT_ONCE, after=position)
        yield from page
        if position is None:
            return


def _valid(ports: HealthPorts, now: str) -> Sequence[Turn]:
    moment = datetime.fromisoformat(now).timestamp()
    return [turn for turn in ports.turns.all() if turn.expires_at > moment]


def _slots(turns: Iterable[Turn], limit: int) -> Slots:
    held = Counter(turn.holds for turn in turns)
    return Slots(limit=limit, held=held[True], waiting=held[False])
