"""The end of a retry's planning: its clips become pending again, in their rows and in the job's counts."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Protocol

from service.domain.batching import PART_CLIPS
from service.domain.clips import ClipRow, ClipStatus, Content
from service.domain.errors import NotFound
from service.domain.jobs import Job, Tally
from service.domain.manifest import ManifestEntry
from service.domain.search_keys import findable
from service.domain.state_keys import run_plan_key
from service.imports.manifest.store import read_part
from service.ports.clips import ClipStore
from service.ports.jobs import JobStore
from service.ports.state import Clock, StateFiles


class ReopenPorts(Protocol):
    @property
    def jobs(self) -> JobStore: ...
    @property
    def clips(self) -> ClipStore: ...
    @property
    def state(self) -> StateFiles: ...
    @property
    def clock(self) -> Clock: ...


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """What a retry's planning came to. `failed` and `cancelled` are the former fates of its clips."""

    clips: int
    batches: int
    failed: int
    cancelled: int


def write_run_plan(job: Job, plan: RunPlan, state: StateFiles) -> None:
    state.put(run_plan_key(job.id, job.run), json.dumps(asdict(plan)).encode())


def read_run_plan(job: Job, state: StateFiles) -> RunPlan | None:
    """None where the run's manifest and batches are not whole: no row was touched then."""
    try:
        return RunPlan(**json.loads(state.get(run_plan_key(job.id, job.run))))
    except NotFound:
        return None


def reopen(job: Job, plan: RunPlan, *, first_part: int, out_of_time: Callable[[], bool], ports: ReopenPorts) -> int:
    """Make the clips of the run's manifest pending, from part `first_part` on; how many parts are done.

    Rows first, then the counts, once for the run: before that the former counts stand. Safe to repeat until the counts
    have changed; after that nothing is written any more, as the rows are the workers' then.
    """
    parts = -(-plan.clips // PART_CLIPS)
    for part in range(first_part, parts):
        if not _still_to_open(job, ports):
            return parts
        ports.clips.put(
            job.id,
            [_pending(entry, job) for entry in read_part(ports.state, job.id, part, job.run)],
        )
        if out_of_time() and part + 1 < parts:
            return part + 1
    ports.jobs.reopen(job, Tally(failed=plan.failed, cancelled=plan.cancelled), ports.clock())
    return parts


def _pending(entry: ManifestEntry, job: Job) -> ClipRow:
    """Found as the clip was before: its index keys are the same, so nothing is written to those indexes."""
    row = ClipRow(
        ordinal=entry.ordinal,
        status=ClipStatus.PENDING,
        size=entry.size,
        etag=entry.etag,
        source_uri=entry.source_uri,
        destination=entry.destination,
        group=entry.group,
        view=entry.view,
        set_name=entry.set_name,
        run=job.run,
        content=Content.INVALID if entry.overruled else None,
        overruled=entry.overruled,
    )
    return findable(row, job_id=job.id, project=job.project, created_at=job.created_at)


def _still_to_open(job: Job, ports: ReopenPorts) -> bool:
    now = ports.jobs.get(job.id)
    return now is not None and now.run == job.run and now.planned_run != job.run and not now.status.terminal
