"""The fates that the clips of a set share."""

from collections.abc import Iterable, Mapping, Sequence

from service.domain.batching import sets_of
from service.domain.clips import ClipRow, ClipStatus
from service.domain.codes import ClipCode
from service.domain.fates import Fate
from service.domain.manifest import ManifestEntry


def whole_or_failed(entries: Sequence[ManifestEntry]) -> Sequence[ManifestEntry]:
    """The planned set as it is, or, where a view failed, with every other view failed because of it."""
    failed = {entry.ordinal: entry.fate for entry in entries if entry.status is ClipStatus.FAILED}
    fates = {ordinal: fate for ordinal, fate in failed.items() if fate}
    return [entry.with_fate(fate) for entry, fate in failed_set(entries, fates)] if fates else entries


def whole_sets_or_failed(entries: Iterable[ManifestEntry]) -> list[ManifestEntry]:
    """`whole_or_failed` for clips of many sets, and of none."""
    return [entry for unit in sets_of(entries) for entry in whole_or_failed(unit)]


def failed_set(entries: Sequence[ManifestEntry], fates: Mapping[int, Fate]) -> list[tuple[ManifestEntry, Fate]]:
    """Each view of a failed set with its fate. `fates`: of the views that are to blame, by ordinal; at least one."""
    culprit = next(entry for entry in entries if entry.ordinal in fates)
    reason = fates[culprit.ordinal]
    message = f"a set is imported as a whole or not at all, and its view {culprit.view} has {reason.code}"
    because = Fate(ClipStatus.FAILED, ClipCode.SET_INCOMPLETE, f"{message}: {reason.message}")
    return [(entry, fates.get(entry.ordinal, because)) for entry in entries]


def to_copy(entries: Iterable[ManifestEntry]) -> list[ManifestEntry]:
    return [entry for entry in entries if entry.status is ClipStatus.PENDING]


def landed(rows: Iterable[ClipRow]) -> bool:
    return all(row.status in (ClipStatus.COPIED, ClipStatus.SKIPPED) for row in rows)
