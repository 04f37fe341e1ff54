"""Tell whether an import with `delete_source` deleted the source of a clip."""

from service.domain.clips import ClipRow, ClipStatus, SourceFate, Verification
from service.domain.codes import KeptCode
from service.domain.jobs import Job

PROOFS = (Verification.CHECKSUM, Verification.ETAG)
"""Verifications that prove equality: a common checksum, or equal MD5s (`service.domain.verification`)."""

_NOT_COPIED = SourceFate(deleted=False, code=KeptCode.NOT_COPIED, message="this import did not copy the clip")


def kept(code: KeptCode, message: str) -> SourceFate:
    return SourceFate(deleted=False, code=code, message=message)


def source_fate_of(job: Job, row: ClipRow | None) -> SourceFate | None:
    """Return what became of the source. None where the import deletes no sources, or has not decided it yet."""
    if row is None or row.status is ClipStatus.PENDING or not job.settings.deletes_sources:
        return None
    return row.source if row.status is ClipStatus.COPIED else _NOT_COPIED
