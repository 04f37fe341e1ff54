"""Rows of clips: the fate of each, and what they add up to."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.domain.clips import ClipRow, ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import ObjectError
from service.domain.jobs import Tally
from service.domain.limits import bounded, bounded_facts
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied
from service.formats.failures import ContentInvalid, UnknownFormat
from service.ports.clips import ClipStore

Facts = Mapping[str, object] | None
"""Of a valid clip; None where the job does not look into clips."""

Failure = ContentInvalid | ObjectError | UnknownFormat


def copied_row(entry: ManifestEntry, facts: Facts, copied: Copied) -> ClipRow:
    kept = bounded_facts(facts) if facts else facts
    return _row(entry, ClipStatus.COPIED, size=copied.size, etag=copied.etag, verified=copied.verified, facts=kept)


def row_for(entry: ManifestEntry, status: ClipStatus, code: str | None, message: str | None) -> ClipRow:
    """A row that says why a clip was not copied. One that lay at its destination already has the ETag found there."""
    etag = (code == ClipCode.UNCHANGED and entry.destination_etag) or entry.etag
    return _row(entry, status, size=entry.size, etag=etag, code=code, message=message and bounded(message))


def _row(entry: ManifestEntry, status: ClipStatus, **said: Any) -> ClipRow:
    return ClipRow(
        ordinal=entry.ordinal,
        status=status,
        source_uri=entry.source_uri,
        destination=entry.destination,
        group=entry.group,
        view=entry.view,
        set_name=entry.set_name,
        **said,
    )


def tally_of(rows: list[ClipRow]) -> Tally:
    fates = [row.status for row in rows]
    return Tally(
        copied=fates.count(ClipStatus.COPIED),
        skipped=fates.count(ClipStatus.SKIPPED),
        failed=fates.count(ClipStatus.FAILED),
        cancelled=fates.count(ClipStatus.CANCELLED),
        bytes=sum(row.size or 0 for row in rows if row.status is ClipStatus.COPIED),
    )


def code_of(error: Failure) -> str:
    return error.reason if isinstance(error, ContentInvalid) else error.code


def settled_rows(clips: ClipStore, job_id: str, entries: Sequence[ManifestEntry]) -> dict[int, ClipRow]:
    """Rows of the entries that have their fate; one that a retry runs again has a row and no fate."""
    rows = clips.get(job_id, [entry.ordinal for entry in entries])
    return {ordinal: row for ordinal, row in rows.items() if row.status is not ClipStatus.PENDING}
