"""Complete a retry's planning: make its clips pending again, in their rows and in the job's counts."""

from collections.abc import Callable
from typing import Protocol

from service.domain.batching import PART_CLIPS
from service.domain.clips import ClipRow, ClipStatus, Content
from service.domain.jobs import Job, Tally
from service.domain.manifest import ManifestEntry
from service.domain.search_keys import findable
from service.imports.manifest.store import Plan, read_part
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


def reopen(job: Job, plan: Plan, *, first_part: int, out_of_time: Callable[[], bool], ports: ReopenPorts) -> int:
    """Make the clips of the attempt's manifest pending, from part `first_part` on; return how many parts are done.

    Rows change first, then the counts, once for the attempt. The call can be repeated until the counts have changed;
    from then on it writes nothing, since the rows belong to the workers.
    """
    parts = -(-plan.total // PART_CLIPS)
    for part in range(first_part, parts):
        pending = [_pending(entry, job) for entry in read_part(ports.state, job.id, part, plan.rounds, job.run)]
        if not ports.clips.reopen(job.id, pending, run=job.run):
            return parts
        if out_of_time() and part + 1 < parts:
            return part + 1
    ports.jobs.reopen(job, Tally(failed=plan.failed, cancelled=plan.cancelled), ports.clock())
    return parts


def _pending(entry: ManifestEntry, job: Job) -> ClipRow:
    """Return the pending row. Its index keys are those of the former row, so the indexes need no write."""
    row = ClipRow(
        ordinal=entry.ordinal,
        status=ClipStatus.PENDING,
        size=entry.size,
        etag=entry.etag,
        source_uri=entry.source_uri,
        destination=entry.destination,
        clip_id=entry.clip_id,
        group=entry.group,
        view=entry.view,
        set_name=entry.set_name,
        run=job.run,
        content=Content.INVALID if entry.overruled else None,
        overruled=entry.overruled,
    )
    return findable(row, job_id=job.id, project=job.project, created_at=job.created_at)
