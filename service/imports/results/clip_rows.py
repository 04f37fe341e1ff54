"""Rows of clips: the fate of each, and what they add up to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.domain.clips import ClipRow, ClipStatus, Content
from service.domain.codes import ClipCode
from service.domain.errors import ObjectError
from service.domain.fates import Fate
from service.domain.jobs import Job, Tally
from service.domain.limits import bounded, bounded_facts
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied
from service.formats.facts import Verdict
from service.formats.failures import ContentInvalid, Reason, UnknownFormat
from service.ports.clips import ClipStore

_FAILED_CHECK = frozenset({*Reason, ClipCode.UNKNOWN_FORMAT})

Failure = ContentInvalid | ObjectError | UnknownFormat


def copied_row(entry: ManifestEntry, verdict: Verdict | None, copied: Copied) -> ClipRow:
    """`verdict`: None where the run does not look into clips."""
    said = _said(verdict) if verdict else {}
    if copied.note:
        said["message"] = bounded(copied.note)
    return _row(entry, ClipStatus.COPIED, size=copied.size, etag=copied.etag, verified=copied.verified, **said)


def _said(verdict: Verdict) -> dict[str, Any]:
    return {
        "content": verdict.content,
        "content_code": verdict.code,
        "content_message": verdict.message and bounded(verdict.message),
        "facts": bounded_facts(verdict.facts.to_json()),
    }


def row_for(entry: ManifestEntry, fate: Fate) -> ClipRow:
    """A row that says why a clip was not copied. One that lay at its destination already has the ETag found there."""
    etag = (fate.code is ClipCode.UNCHANGED and entry.destination_etag) or entry.etag
    said: dict[str, Any] = {"size": entry.size, "etag": etag, "code": fate.code, "message": bounded(fate.message)}
    if fate.code in _FAILED_CHECK:
        said |= {"content": Content.INVALID, "overruled": None}
    return _row(entry, fate.status, **said)


def row_of_plan(job: Job, entry: ManifestEntry) -> ClipRow | None:
    """The row that the clip would have, if the plan is its result; else None. It has no index keys."""
    return row_for(entry, entry.fate) if entry.fate and entry.is_settled(job.settings) else None


def with_rows_of_plan(job: Job, entries: Iterable[ManifestEntry], stored: Mapping[int, ClipRow]) -> dict[int, ClipRow]:
    """Return the stored rows by ordinal, and for clips without one the row that the plan gives, if it is the result."""
    planned = {entry.ordinal: row_of_plan(job, entry) for entry in entries if entry.ordinal not in stored}
    return {**stored, **{ordinal: row for ordinal, row in planned.items() if row}}


def _row(entry: ManifestEntry, status: ClipStatus, **said: Any) -> ClipRow:
    # What overrules a failed check without looking again leaves the verdict as it was.
    if entry.overruled:
        said = {"content": Content.INVALID, "overruled": entry.overruled} | said
    return ClipRow(
        ordinal=entry.ordinal,
        status=status,
        source_uri=entry.source_uri,
        destination=entry.destination,
        clip_id=entry.clip_id,
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


def failure_fate(error: Failure) -> Fate:
    """The fate of a clip that fails for `error`."""
    if isinstance(error, ContentInvalid):
        return Fate(ClipStatus.FAILED, error.reason, error.message)
    return Fate.failed(error)


def settled_rows(clips: ClipStore, job_id: str, entries: Sequence[ManifestEntry]) -> dict[int, ClipRow]:
    """Rows of the entries that have their fate; one that a retry runs again has a row and no fate."""
    rows = clips.get(job_id, [entry.ordinal for entry in entries])
    return {ordinal: row for ordinal, row in rows.items() if row.status is not ClipStatus.PENDING}
