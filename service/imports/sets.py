"""Sets of views: what was asked for, and the rules by which a set lands whole or not at all."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from itertools import accumulate

from service.domain.errors import InvalidRequest, InvalidUri, ObjectError, SourceUnavailable
from service.domain.uris import parse_object
from service.imports.copying.multipart import remove_upload
from service.imports.planning.duplicates import DUPLICATE
from service.planning import FRONT, PART_CLIPS, VIEWS, duplicates_of_first, request_key, set_mark, set_parts
from service.ports import LargeCopyStore, StateReader, Storage
from service.schema import ClipRow, ClipStatus, Job, ManifestEntry, ViewSet

SET_INCOMPLETE = "SET_INCOMPLETE"
REMOVALS_IN_FLIGHT = 8
"""Destinations of a set that are cleared at a time."""


# --- requests --------------------------------------------------------------------------------------------------------


def check_sets(sets: Sequence[ViewSet], max_clips: int, *, late: bool = False) -> None:
    """Raises `InvalidRequest` or `InvalidUri`, which name the set's index and the view; the latter not if `late`."""
    if not sets:
        raise InvalidRequest("sets is empty")
    total = sum(len(item.views) for item in sets)
    if total > max_clips:
        raise InvalidRequest(f"sets has {total:,} views, the limit is {max_clips:,}")
    for index, item in enumerate(sets):
        _check_set(item, f"sets[{index}].views", late=late)


def _check_set(item: ViewSet, where: str, *, late: bool) -> None:
    roles_by_uri: dict[str, str] = {}
    for role, uri in item.views:
        if role not in VIEWS:
            raise InvalidRequest(f"{where}: {role[:50]!a} is not a view; the views are {', '.join(VIEWS)}")
        try:
            parse_object(uri)
        except InvalidUri as error:
            if not late:
                raise InvalidUri(f"{where}.{role}: {error.message}") from error
        if (same := roles_by_uri.setdefault(uri, role)) != role:
            raise InvalidRequest(f"{where}.{role}: the same URI as {same}")
    if FRONT not in dict(item.views):
        raise InvalidRequest(f"{where}: front is required")


def encode_sets(sets: Iterable[ViewSet]) -> bytes:
    return b"".join(json.dumps(asdict(item)).encode() + b"\n" for item in sets)


def decode_sets(lines: bytes) -> list[ViewSet]:
    """With `front` first within each set."""
    return [_front_first(json.loads(line)) for line in lines.splitlines()]


def _front_first(fields: dict[str, list[list[str]]]) -> ViewSet:
    views = sorted(((role, uri) for role, uri in fields["views"]), key=lambda view: view[0] != FRONT)
    return ViewSet(views=tuple(views), name=fields["name"])  # type: ignore[arg-type]  # text or null


# --- planning --------------------------------------------------------------------------------------------------------


def parts_of_sets(
    sets: Sequence[ViewSet], *, first: int = 0, part_clips: int = PART_CLIPS
) -> Iterator[list[ManifestEntry]]:
    """The views of each manifest part, not yet inspected, from the part that begins with ordinal `first` on.

    Of equal sets all but the first are settled.
    """
    repeats = duplicates_of_first(json.dumps(sorted(item.views)) for item in sets)
    sizes = [len(item.views) for item in sets]
    fronts = [0, *accumulate(sizes)] if repeats else []
    for number, count in set_parts(sizes, first=first, part_clips=part_clips):
        part: list[ManifestEntry] = []
        for position in range(number, number + count):
            repeated = repeats.get(position)
            views = _views(sets[position], first + len(part), repeated)
            part += views if repeated is None else [replace(view, same_as=fronts[repeated]) for view in views]
        yield part
        first += len(part)


def _views(item: ViewSet, group: int, repeated: int | None) -> list[ManifestEntry]:
    views = [
        ManifestEntry(ordinal=ordinal, source_uri=uri, destination="", group=group, view=role, set_name=item.name)
        for ordinal, (role, uri) in enumerate(item.views, group)
    ]
    if repeated is None:
        return views
    message = f"the same set is set {repeated} of this request"
    return [_with_fate(view, ClipStatus.SKIPPED, DUPLICATE, message) for view in views]


def requested_sets(job: Job, state: StateReader) -> list[ViewSet]:
    assert job.request_digest is not None
    return decode_sets(state.get(request_key(job.id, job.request_digest)))


# --- fates -----------------------------------------------------------------------------------------------------------


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
    because = (SET_INCOMPLETE, f"a set lands whole or not at all, and its view {culprit.view} has {code}: {message}")
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


def take_back(
    entries: Sequence[ManifestEntry], job_id: str, storage: Storage, uploads: LargeCopyStore
) -> dict[int, ObjectError]:
    """Remove every copy that was ever made or begun for the planned set; why it cannot be done, by ordinal.

    Raises `SourceUnavailable` where another try may do it.
    """
    copied = to_copy(entries)
    # First, so that none of them becomes a copy after those were removed.
    for upload in uploads.of(job_id, [entry.ordinal for entry in copied]):
        remove_upload(upload, storage, uploads)

    def remove(entry: ManifestEntry) -> ObjectError | None:
        assert entry.group is not None
        try:
            storage.remove_marked(entry.destination, set_mark(job_id, entry.group))
        except SourceUnavailable:
            raise
        except ObjectError as error:
            return error
        return None

    with ThreadPoolExecutor(REMOVALS_IN_FLIGHT) as pool:
        kept = zip(copied, pool.map(remove, copied), strict=True)
    return {entry.ordinal: error for entry, error in kept if error}
