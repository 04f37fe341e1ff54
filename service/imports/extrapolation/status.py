"""Decide which clips get a stationary extrapolation, where it is stored, and which status it has."""

from service.domain.clip_names import RESULT_SUFFIX, extension
from service.domain.clips import ClipRow, ClipStatus, Extrapolation, ExtrapolationStatus
from service.domain.codes import ClipCode
from service.domain.fates import CANCELLED
from service.domain.jobs import Job

EXTRAPOLATION_LOST = "EXTRAPOLATION_LOST"
_LOST = Extrapolation(
    status=ExtrapolationStatus.FAILED,
    code=EXTRAPOLATION_LOST,
    message="the import completed before the extrapolation, or the function failed in all its retries; import the clip"
    " again with extrapolation to get it",
)
_CANCELLED = Extrapolation(status=ExtrapolationStatus.CANCELLED, code=CANCELLED.code, message=CANCELLED.message)


def result_key(destination: str) -> str:
    return destination + RESULT_SUFFIX


def is_extrapolated(row: ClipRow) -> bool:
    """Return whether the import asks for it, and the clip is ClipGT and was copied or already at its destination."""
    there = row.status is ClipStatus.COPIED or (row.status is ClipStatus.SKIPPED and row.code == ClipCode.UNCHANGED)
    return there and row.deleted_at is None and extension(row.source_uri or "") == ".zip"


def extrapolation_of(job: Job, row: ClipRow | None) -> Extrapolation | None:
    """Return the clip's extrapolation, if it is to have one. Without a result it is pending until the job ends."""
    if row is None or not job.settings.stationary_extrapolation:
        return None
    if row.extrapolation or not is_extrapolated(row):
        return row.extrapolation
    if not job.status.terminal:
        return Extrapolation(status=ExtrapolationStatus.PENDING)
    return _CANCELLED if job.cancel_requested else _LOST
