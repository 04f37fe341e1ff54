"""The fate that all clips of a set share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from service.domain.clips import ClipRow, ClipStatus
from service.domain.codes import ClipCode
from service.domain.manifest import ManifestEntry


def whole_or_failed(entries: Sequence[ManifestEntry]) -> Sequence[ManifestEntry]:
    """The planned set as it is, or, where a view failed, with every other view failed because of it."""
    fates = {entry.ordinal: (entry.code, entry.message) for entry in entries if entry.status is ClipStatus.FAILED}
    return failed_set(entries, fates) if fates else entries


def failed_set(
    entries: Sequence[ManifestEntry], fates: Mapping[int, tuple[str | None, str | None]]
) -> list[ManifestEntry]:
    """The set as failed. `fates`: code and message of the views that are to blame, by ordinal; at least one."""
    culprit = next(entry for entry in entries if entry.ordinal in fates)
    code, message = fates[culprit.ordinal]
    because = (
        ClipCode.SET_INCOMPLETE,
        f"a set is imported as a whole or not at all, and its view {culprit.view} has {code}: {message}",
    )
    return [_with_fate(entry, ClipStatus.FAILED, *fates.get(entry.ordinal, because)) for entry in entries]


def stopped_set(entries: Sequence[ManifestEntry], code: str, message: str) -> list[ManifestEntry]:
    """The set as one of which nothing is copied any more."""
    return [_with_fate(entry, ClipStatus.CANCELLED, code, message) for entry in entries]


def _with_fate(entry: ManifestEntry, status: ClipStatus, code: str | None, message: str | None) -> ManifestEntry:
    return replace(entry, status=status, code=code, message=message)


def to_copy(entries: Iterable[ManifestEntry]) -> list[ManifestEntry]:
    return [entry for entry in entries if entry.status is ClipStatus.PENDING]


def landed(rows: Iterable[ClipRow]) -> bool:
    return all(row.status in (ClipStatus.COPIED, ClipStatus.SKIPPED) for row in rows)
