"""Run the clips of an ended import again that failed or were cancelled, or those of them that a caller names.

With a `content_validation` of its own the retry has the last word over failed checks: that holds for its run only.
A request writes the chosen ordinals, if any, and begins the next run in one update; `rerun` plans it.
"""

from collections.abc import Sequence

from service.domain.batching import PART_CLIPS
from service.domain.errors import IdempotencyConflict, InvalidRequest, NotEnded, NothingToRetry
from service.domain.ids import ordinal_of, request_digest
from service.domain.jobs import Job, JobStatus, Retry
from service.domain.requests import ContentValidation
from service.domain.state_keys import selection_key
from service.imports.inputs.retry_selection import can_run_again, encode_ordinals
from service.imports.lifecycle.start import start
from service.imports.queries.status import StatusPorts, get_job
from service.ports.delivery import Workflow
from service.ports.state import Clock

MAX_CHOSEN = 10_000
"""Clips that one request may name: their rows are read before it is answered, 100 a call."""


def retry(
    job_id: str,
    *,
    project: str,
    clip_ids: Sequence[str] | None,
    idempotency_key: str | None,
    key_id: str | None,
    content_validation: ContentValidation | None = None,
    ports: StatusPorts,
    workflow: Workflow,
    clock: Clock,
) -> Job:
    """Begin the job's next run and return the job; with an idempotency key that was used before, only return it.

    Raises `NotFound`, `NotEnded`, `NothingToRetry`, `InvalidRequest`, `IdempotencyConflict`. Of the clips named, those
    that landed are left as they are. Once the job's row says so the run will take place: should the start below fail,
    the sweep starts it.
    """
    job = get_job(job_id, project=project, jobs=ports.jobs)
    named = sorted(set(clip_ids)) if clip_ids is not None else None
    digest = request_digest([named, content_validation] if content_validation else named)
    idempotency = request_digest([job_id, idempotency_key]) if idempotency_key else None
    if _asked_before(job, idempotency, digest):
        return _started(job, workflow)
    if not job.status.terminal:
        raise NotEnded(f"import {job_id} is {job.status}: wait for its end, or cancel it")
    selection = _choose(job, clip_ids, digest, ports) if clip_ids is not None else None
    if clip_ids is None and not _has_more_to_do(job):
        raise NothingToRetry(f"no clip of import {job_id} failed or was cancelled")
    if clip_ids is None and content_validation and not _may_have_failed_checks(job, ports):
        raise NothingToRetry(f"no clip of import {job_id} failed its check: name the clips, or ask for a plain retry")
    asked = Retry(
        at=clock(),
        key_id=key_id,
        selection=selection,
        idempotency=idempotency,
        digest=digest,
        content_validation=content_validation,
    )
    begun = ports.jobs.retry(job, asked)
    if begun is None:
        job = get_job(job_id, project=project, jobs=ports.jobs)
        if _asked_before(job, idempotency, digest):
            return _started(job, workflow)
        raise NotEnded(f"import {job_id} is being retried by another request")
    return _started(begun, workflow)


def _started(job: Job, workflow: Workflow) -> Job:
    if job.status is JobStatus.PENDING:
        start(job, workflow)
    return job


def _asked_before(job: Job, idempotency: str | None, digest: str) -> bool:
    """Raises `IdempotencyConflict` where it was for other clips."""
    if idempotency is None:
        return False
    known = next((asked for asked in (job.retry, *job.runs) if asked and asked.idempotency == idempotency), None)
    if known and known.digest != digest:
        raise IdempotencyConflict("this idempotency key was used to retry other clips before")
    return known is not None


def _has_more_to_do(job: Job) -> bool:
    """A job without clips that is not complete was never planned: all of it runs again."""
    return bool(job.counts.failed or job.counts.cancelled) or (
        job.counts.total == 0 and job.status is not JobStatus.COMPLETED
    )


def _may_have_failed_checks(job: Job, ports: StatusPorts) -> bool:
    """False where the job's failures are known to have none. Beyond `MAX_CHOSEN` of them planning finds out."""
    first = 0
    for _ in range(MAX_CHOSEN // PART_CLIPS):
        rows = ports.clips.failures(job.id, first=first, limit=PART_CLIPS)
        if any(row.failed_check for row in rows):
            return True
        if len(rows) < PART_CLIPS:
            return False
        first = rows[-1].ordinal + 1
    return True


def _choose(job: Job, clip_ids: Sequence[str], digest: str, ports: StatusPorts) -> str:
    """Store the ordinals of the named clips that can be retried; the state key of their list."""
    if not 0 < len(clip_ids) <= MAX_CHOSEN:
        raise InvalidRequest(f"clip_ids names {len(clip_ids):,} clips, 1 to {MAX_CHOSEN:,} are allowed")
    known = {clip_id: ordinal_of(job.id, clip_id) for clip_id in clip_ids}
    ordinals = sorted(ordinal for ordinal in known.values() if ordinal is not None and ordinal < job.counts.total)
    rows = ports.clips.get(job.id, ordinals)
    stranger = next((clip_id for clip_id, ordinal in known.items() if ordinal not in rows), None)
    if stranger is not None:
        raise InvalidRequest(f"{stranger[:100]!a} is not a clip of import {job.id}")
    chosen = [ordinal for ordinal in ordinals if can_run_again(rows[ordinal])]
    if not chosen:
        raise NothingToRetry(f"none of these {len(known):,} clips of import {job.id} failed or was cancelled")
    key = selection_key(job.id, job.run + 1, digest)
    ports.state.put(key, encode_ordinals(chosen))
    return key
