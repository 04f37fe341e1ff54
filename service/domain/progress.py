"""An import's progress: final status, failure tolerance, rate, time left and attempts."""

import math
from dataclasses import dataclass
from datetime import datetime

from service.domain.jobs import Counts, Job, JobStatus, Run
from service.domain.limits import MAX_FORMER_MESSAGE, bounded
from service.domain.requests import Tolerance

MAX_RUNS = 50
"""Completed attempts that a job's row keeps, about 500 bytes each. Each counted batch pays for the row's size."""


def final_status(counts: Counts, *, cancel_requested: bool) -> JobStatus:
    """Return the final status of a job whose clips are all settled.

    FAILED: clips were named, and none was copied or skipped. A job without clips is COMPLETED.
    """
    if counts.cancelled or (cancel_requested and counts.settled < counts.total):
        return JobStatus.CANCELLED
    if not counts.failed:
        return JobStatus.COMPLETED
    return JobStatus.COMPLETED_WITH_ERRORS if counts.copied or counts.skipped else JobStatus.FAILED


def too_many_failures(tolerated: Tolerance | None, *, failed: int, total: int) -> str | None:
    """Return a sentence with both numbers if more clips failed than the import allows, else None."""
    if tolerated is None:
        return None
    if tolerated.count is not None:
        return None if failed <= tolerated.count else f"{failed:,} clips failed, {tolerated.count:,} are tolerated"
    assert tolerated.percent is not None
    if failed * 100 <= tolerated.percent * total:
        return None
    return f"{failed:,} of {total:,} clips failed, {tolerated.percent:g} percent are tolerated"


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Speed of an attempt since copying began: settled clips and copied bytes per second."""

    clips: float
    bytes: float


def rate(job: Job, now: str) -> Rate | None:
    """Return the rate, or None before copying and in its first instant."""
    if job.copying_since is None:
        return None
    until = datetime.fromisoformat(job.completed_at or now)
    seconds = (until - datetime.fromisoformat(job.copying_since)).total_seconds()
    if seconds <= 0:
        return None
    clips, size = job.counts.settled - job.settled_before, job.counts.bytes - job.bytes_before
    return Rate(clips=clips / seconds, bytes=size / seconds)


def eta_seconds(job: Job, now: str) -> int | None:
    """Return the seconds until every clip is settled at the current rate.

    None if unknown, not copying, or waiting for restores.
    """
    speed = rate(job, now)
    if job.resume_at or job.status is not JobStatus.COPYING or speed is None or not speed.clips:
        return None
    return math.ceil(job.counts.pending / speed.clips)


def runs_after(job: Job) -> tuple[Run, ...]:
    """Return the history of a completed job, its last attempt included: at most `MAX_RUNS` attempts."""
    assert job.completed_at is not None
    ended = Run(
        run=job.run,
        started_at=run_started_at(job),
        completed_at=job.completed_at,
        status=job.status,
        counts=job.counts,
        code=job.code,
        message=job.message and bounded(job.message, MAX_FORMER_MESSAGE),
        key_id=job.retry.key_id if job.retry else job.key_id,
        idempotency=job.retry.idempotency if job.retry else None,
        digest=job.retry.digest if job.retry else None,
    )
    return (*job.runs, ended)[-MAX_RUNS:]


def run_started_at(job: Job) -> str:
    """Return when the current attempt began."""
    return job.retry.at if job.retry else job.created_at


def run_ended_at(job: Job, run: int) -> str | None:
    """Return when that attempt completed; None if it is running, or no longer in the history."""
    if job.run == run:
        return job.completed_at
    return next((former.completed_at for former in job.runs if former.run == run), None)
