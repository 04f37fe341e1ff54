"""Show how an import went: its phases, and its counts over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.domain.jobs import Job, RecordedBatch, Tally
from service.ports.jobs import JobStore

MAX_POINTS = 200
"""Points of one answer: more than a plot of some hundred pixels shows."""


class PhaseName(StrEnum):
    PLANNING = "planning"
    COPYING = "copying"


@dataclass(frozen=True, kw_only=True)
class Phase:
    """`ended_at` is None while it goes on. Waiting for its start belongs to planning."""

    name: PhaseName
    run: int
    started_at: str
    ended_at: str | None


@dataclass(frozen=True, kw_only=True)
class Point:
    """The clips of this attempt with a result by this time, and the bytes of the copied ones."""

    at: str
    done: Tally


@dataclass(frozen=True, kw_only=True)
class Timeline:
    run: int
    phases: Sequence[Phase]
    points: Sequence[Point]
    """Of the present attempt, oldest first; empty where an older version of the service recorded its batches."""
    batches: int
    """Batches of the present attempt that are done."""


def timeline_of(job: Job, jobs: JobStore) -> Timeline:
    batches = sorted(jobs.recorded(job.id, run=job.run), key=lambda batch: batch.at)
    return Timeline(run=job.run, phases=phases_of(job), points=points_of(batches), batches=len(batches))


def phases_of(job: Job) -> Sequence[Phase]:
    """Return the phases of the present attempt. Earlier attempts are `job.runs`."""
    begun = job.retry.at if job.retry else job.created_at
    planning = Phase(
        name=PhaseName.PLANNING, run=job.run, started_at=begun, ended_at=job.copying_since or job.completed_at
    )
    if job.copying_since is None:
        return [planning]
    copying = Phase(name=PhaseName.COPYING, run=job.run, started_at=job.copying_since, ended_at=job.completed_at)
    return [planning, copying]


def points_of(batches: Sequence[RecordedBatch]) -> Sequence[Point]:
    """Return the running sums, of which `MAX_POINTS` are kept, evenly and always the last one."""
    sums, done = list[Point](), Tally()
    for batch in batches:
        done = done.plus(batch.tally)
        sums.append(Point(at=batch.at, done=done))
    step = -(-len(sums) // MAX_POINTS) or 1
    return sums[::-1][::step][::-1]
