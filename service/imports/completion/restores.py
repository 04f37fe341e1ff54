"""Let an import wait for the restores of its archived sources, while nothing of it runs (decision 117)."""

from datetime import datetime, timedelta

from service.domain.errors import FinishIncomplete
from service.domain.jobs import Job, Restores
from service.domain.manifest import Batch
from service.domain.progress import too_many_failures
from service.domain.restores import look_seconds
from service.imports.completion.context import FinishPorts
from service.imports.manifest.store import read_batch, read_batches
from service.imports.results.clip_rows import settled_rows
from service.support.clock import timestamp

LAST_LOOKS = timedelta(hours=1)
"""How long after its time an import may still start executions, which fail the clips that wait. Then their batches
count as lost."""
COUNTED_CLIPS = 50_000
"""Clips that wait are counted one by one up to this number, and by whole batches beyond it."""


def wait_for_restores(job: Job, ports: FinishPorts) -> bool:
    """Return whether the import waits. The sweep then starts its next execution, or a cancel does.

    It waits while batches with restores are not counted. Raises `FinishIncomplete` if the job
    changed meanwhile.
    """
    restores, now = job.restores, ports.clock()
    if restores is None or job.cancel_requested or _moment(now) > _moment(restores.until) + LAST_LOOKS:
        return False
    if job.resume_at:
        return True
    recorded = ports.jobs.recorded_batches(job.id, run=job.run)
    left = [
        batch
        for batch in read_batches(ports.state, job.id, job.run)
        if batch.restore_hours and batch.number not in recorded
    ]
    if not left:
        return False
    waiting = Restores(
        requested=restores.requested, waiting=_waiting(left, ports), hours=restores.hours, until=restores.until
    )
    if not ports.jobs.restoring(job, waiting, now, resume_at=_next_look(job, restores, now)):
        raise FinishIncomplete(f"import {job.id} changed meanwhile; the next call looks again")
    return True


def _waiting(left: list[Batch], ports: FinishPorts) -> int:
    clips = sum(batch.count for batch in left)
    if clips > COUNTED_CLIPS:
        return clips
    return clips - sum(len(settled_rows(ports.clips, batch.job_id, read_batch(ports.state, batch))) for batch in left)


def _next_look(job: Job, restores: Restores, now: str) -> str:
    """At once if its time is over, or too many clips failed: the next execution settles the clips that wait."""
    stops = too_many_failures(job.settings.tolerated_failures, failed=job.counts.failed, total=job.counts.total)
    if stops or now >= restores.until:
        return now
    return min(restores.until, timestamp(_moment(now) + timedelta(seconds=look_seconds(restores.hours))))


def _moment(time: str) -> datetime:
    return datetime.fromisoformat(time)
