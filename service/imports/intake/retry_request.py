"""Request a retry: run the failed and cancelled clips of a completed import again, or those that the caller names, by
their ids or by their codes.

With a `content_validation` of its own, the retry overrules failed checks, for its attempt only. The request stores the
chosen ordinals, if any, and begins the next attempt in one update; `planning.retry` plans it.
"""

from collections.abc import Sequence

from service.domain.batching import PART_CLIPS
from service.domain.errors import IdempotencyConflict, InvalidRequest, NotEnded, NothingToRetry
from service.domain.ids import ordinal_of, request_digest
from service.domain.jobs import Job, JobStatus, Retry
from service.domain.requests import ContentValidation
from service.domain.state_keys import selection_key
from service.imports.inputs.retry_selection import can_run_again, encode_ordinals, is_wanted
from service.imports.lifecycle.start import start
from service.imports.queries.status import StatusPorts, get_job
from service.ports.delivery import Workflow
from service.ports.state import Clock

MAX_CHOSEN = 10_000
"""Clips that one request may name. Their rows are read during the request, 100 per call."""
MAX_CODES = 100
"""Codes that one request may name: they stay in the import's row."""


def retry(
    job_id: str,
    *,
    project: str,
    clip_ids: Sequence[str] | None,
    idempotency_key: str | None,
    key_id: str | None,
    content_validation: ContentValidation | None = None,
    codes: Sequence[str] = (),
    ports: StatusPorts,
    workflow: Workflow,
    clock: Clock,
    max_active: int | None = None,
) -> Job:
    """Begin the job's next attempt and return the job. With a known idempotency key, only return the job.

    Raises `NotFound`, `NotEnded`, `NothingToRetry`, `InvalidRequest`, `IdempotencyConflict`, `QuotaExceeded` (above
    `max_active` active imports of the project). Named clips that were copied or skipped stay as they are. Once the
    job's row is updated the attempt runs: if the start fails, the sweep starts it.
    """
    if clip_ids is not None and codes:
        raise InvalidRequest("Provide clip_ids or codes, not both")
    job = get_job(job_id, project=project, jobs=ports.jobs)
    named = sorted(set(clip_ids)) if clip_ids is not None else None
    coded = tuple(sorted(set(codes)))
    digest = request_digest(_request(named, content_validation, coded))
    idempotency = request_digest([job_id, idempotency_key]) if idempotency_key else None
    if _asked_before(job, idempotency, digest):
        return _started(job, workflow)
    if not job.status.terminal:
        raise NotEnded(f"import {job_id} is {job.status}: wait for its end, or cancel it")
    selection = _choose(job, clip_ids, digest, ports) if clip_ids is not None else None
    if clip_ids is None and not _has_more_to_do(job):
        raise NothingToRetry(f"no clip of import {job_id} failed or was cancelled")
    asked = Retry(
        at=clock(),
        key_id=key_id,
        selection=selection,
        idempotency=idempotency,
        digest=digest,
        content_validation=content_validation,
        codes=coded,
    )
    if clip_ids is None and (content_validation or coded) and not _may_have_wanted(job, asked, ports):
        which = f"has the code {' or '.join(coded)}" if coded else "failed its check"
        raise NothingToRetry(f"no clip of import {job_id} {which}: name the clips, or ask for a plain retry")
    begun = ports.jobs.retry(job, asked, max_active=max_active if job.counted else None)
    if begun is None:
        job = get_job(job_id, project=project, jobs=ports.jobs)
        if _asked_before(job, idempotency, digest):
            return _started(job, workflow)
        raise NotEnded(f"import {job_id} is being retried by another request")
    return _started(begun, workflow)


def _request(named: Sequence[str] | None, content_validation: ContentValidation | None, codes: Sequence[str]) -> object:
    """Return what the request's digest covers. Retries without codes keep the digest that older code computed."""
    if codes:
        return [named, content_validation, codes]
    return [named, content_validation] if content_validation else named


def _started(job: Job, workflow: Workflow) -> Job:
    if job.status is JobStatus.PENDING:
        start(job, workflow)
    return job


def _asked_before(job: Job, idempotency: str | None, digest: str) -> bool:
    """Whether this key asked for the same clips before. Raises `IdempotencyConflict` if it asked for others."""
    if idempotency is None:
        return False
    known = next((asked for asked in (job.retry, *job.runs) if asked and asked.idempotency == idempotency), None)
    if known and known.digest != digest:
        raise IdempotencyConflict("this idempotency key was used to retry other clips before")
    return known is not None


def _has_more_to_do(job: Job) -> bool:
    """Whether there are clips to run again. A job that was never planned runs again as a whole."""
    return bool(job.counts.failed or job.counts.cancelled) or (
        job.counts.total == 0 and job.status is not JobStatus.COMPLETED
    )


def _may_have_wanted(job: Job, asked: Retry, ports: StatusPorts) -> bool:
    """False where the retry asks for none of the job's failures. Beyond `MAX_CHOSEN` of them planning finds out."""
    first = 0
    for _ in range(MAX_CHOSEN // PART_CLIPS):
        rows = ports.clips.failures(job.id, first=first, limit=PART_CLIPS)
        if any(is_wanted(row, asked) for row in rows):
            return True
        if len(rows) < PART_CLIPS:
            return False
        first = rows[-1].ordinal + 1
    return True


def _choose(job: Job, clip_ids: Sequence[str], digest: str, ports: StatusPorts) -> str:
    """Store the ordinals of the named clips that can be retried; return the key of the file."""
    if not 0 < len(clip_ids) <= MAX_CHOSEN:
        raise InvalidRequest(f"clip_ids names {len(clip_ids):,} clips, 1 to {MAX_CHOSEN:,} are allowed")
    known = {clip_id: ordinal_of(job.id, clip_id) for clip_id in clip_ids}
    ordinals = []
    for named, ordinal in known.items():
        if ordinal is None or ordinal >= job.counts.total:
            raise InvalidRequest(f"{named[:100]!a} is not a clip of import {job.id}")
        ordinals.append(ordinal)
    # A clip without a row was skipped by the plan.
    chosen = sorted(ordinal for ordinal, row in ports.clips.get(job.id, ordinals).items() if can_run_again(row))
    if not chosen:
        raise NothingToRetry(f"none of these {len(known):,} clips of import {job.id} failed or was cancelled")
    key = selection_key(job.id, job.run + 1, digest)
    ports.state.put(key, encode_ordinals(chosen))
    return key
