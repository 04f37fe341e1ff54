"""Which clips of an import get a stationary extrapolation, where it lies, and how it stands for whoever looks."""

from service.domain.clip_names import extension
from service.domain.clips import ClipRow, ClipStatus, Extrapolation, ExtrapolationStatus
from service.domain.codes import ClipCode
from service.domain.fates import CANCELLED
from service.domain.jobs import Job

RESULT_SUFFIX = ".stationary.parquet"
"""Follows the clip's own key."""

EXTRAPOLATION_LOST = "EXTRAPOLATION_LOST"
_LOST = Extrapolation(
    status=ExtrapolationStatus.FAILED,
    code=EXTRAPOLATION_LOST,
    message="the import ended before this was done, or its function did not end within its retries; another import"
    " of the clip that asks for it makes up for it",
)
_CANCELLED = Extrapolation(status=ExtrapolationStatus.CANCELLED, code=CANCELLED.code, message=CANCELLED.message)


def result_key(destination: str) -> str:
    return destination + RESULT_SUFFIX


def is_extrapolated(row: ClipRow) -> bool:
    """Of an import that asks for it: a ClipGT clip that was copied, or that lay at its destination already."""
    there = row.status is ClipStatus.COPIED or (row.status is ClipStatus.SKIPPED and row.code == ClipCode.UNCHANGED)
    return there and row.deleted_at is None and extension(row.source_uri or "") == ".zip"


def extrapolation_of(job: Job, row: ClipRow | None) -> Extrapolation | None:
    """None where there is to be none. What was to be done and is not on the row is pending until the job ends."""
    if row is None or not job.settings.stationary_extrapolation:
        return None
    if row.extrapolation or not is_extrapolated(row):
        return row.extrapolation
    if not job.status.terminal:
        return Extrapolation(status=ExtrapolationStatus.PENDING)
    return _CANCELLED if job.cancel_requested else _LOST
