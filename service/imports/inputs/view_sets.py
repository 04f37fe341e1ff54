"""Sets of views: check them, store them, and make manifest entries of them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import accumulate

from service.domain.batching import FRONT, PART_CLIPS, VIEWS, duplicates_of_first, set_parts
from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import InvalidRequest, InvalidUri
from service.domain.fates import Fate
from service.domain.jobs import Job
from service.domain.limits import check_text
from service.domain.manifest import ManifestEntry
from service.domain.requests import ViewSet
from service.domain.state_keys import request_key
from service.domain.uris import parse_object
from service.ports.state import StateReader


def check_sets(sets: Sequence[ViewSet], max_clips: int, *, late: bool = False) -> None:
    """Check sets. Raises `InvalidRequest` or, unless `late`, `InvalidUri`, with the set's index and the view."""
    if not sets:
        raise InvalidRequest("sets is empty")
    total = sum(len(item.views) for item in sets)
    if total > max_clips:
        raise InvalidRequest(f"sets has {total:,} views, the limit is {max_clips:,}")
    for index, item in enumerate(sets):
        if item.name is not None:
            check_text(f"sets[{index}].name", item.name)
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
    """Decode the sets, with `front` first in each."""
    return [_front_first(json.loads(line)) for line in lines.splitlines()]


def _front_first(fields: dict[str, list[list[str]]]) -> ViewSet:
    views = sorted(((role, uri) for role, uri in fields["views"]), key=lambda view: view[0] != FRONT)
    return ViewSet(views=tuple(views), name=fields["name"])  # type: ignore[arg-type]  # text or null


def parts_of_sets(
    sets: Sequence[ViewSet], *, first: int = 0, part_clips: int = PART_CLIPS
) -> Iterator[list[ManifestEntry]]:
    """Yield the views of each manifest part, not yet inspected, from the part that begins with ordinal `first`.

    Sets that repeat an earlier one have their fate already.
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
    fate = Fate(ClipStatus.SKIPPED, ClipCode.DUPLICATE, f"the same set is set {repeated} of this request")
    return [view.with_fate(fate) for view in views]


def requested_sets(job: Job, state: StateReader) -> list[ViewSet]:
    assert job.request_digest is not None
    return decode_sets(state.get(request_key(job.id, job.request_digest)))
