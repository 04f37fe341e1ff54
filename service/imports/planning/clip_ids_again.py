"""Look for the missing clip ids of an import again, as part of its retry."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from service.domain.batching import PART_CLIPS
from service.domain.codes import ClipCode
from service.domain.errors import NotFound, RateLimited
from service.domain.filters import Selection, selection
from service.domain.jobs import Job, SourceKind
from service.domain.manifest import ManifestEntry
from service.imports.inputs.retry_selection import can_run_again, is_wanted
from service.imports.inputs.uri_list import requested_uris
from service.imports.manifest.store import read_carried, read_entries
from service.imports.planning.clip_ids import clip_chunks, clips_at
from service.imports.planning.context import PlanCursor, PlanPorts, writer_at
from service.imports.planning.search import Search

KEPT = 2
"""Clips of an id that are remembered: a retry has one line for the id, so it must know whether one clip is all."""

Found = dict[str, list[ManifestEntry]]
"""Clips by the missing id that they belong to, at most `KEPT` of each."""


def search_again(
    job: Job, chosen: Collection[int] | None, cursor: PlanCursor, *, out_of_time: Callable[[], bool], ports: PlanPorts
) -> PlanCursor:
    """Search one round for the missing ids that are retried (`chosen`: of these ordinals only).

    If a store asks to wait, what was found before is kept; without any progress `RateLimited` is raised.
    """
    ids = _missing(job, chosen, ports) if job.source.kind is SourceKind.CLIP_IDS and not job.cancel_requested else ()
    if not ids:
        return replace(cursor, searched=True)
    found, wanted, begin = found_again(job, cursor, ports), _wanted(job, ports), cursor
    with ThreadPoolExecutor(ports.stat_concurrency) as pool:
        try:
            for chunk in clip_chunks(Search(job, cursor, ports, pool, ()), ids):
                _add(chunk.entries, found, wanted)
                cursor = replace(cursor, start_after=chunk.start_after, found=chunk.found, searched=not chunk.more)
                if out_of_time():
                    break
        except RateLimited:
            if cursor is begin:
                raise
    entries = {entry.source_uri: entry for some in found.values() for entry in some}
    return replace(cursor, carried=writer_at(begin, job, ports).carry(list(entries.values())))


def found_again(job: Job, cursor: PlanCursor, ports: PlanPorts) -> Found:
    """Return what the search has found so far."""
    found: Found = {}
    if cursor.carried:
        _add(read_carried(ports.state, cursor.carried), found, _wanted(job, ports))
    return found


def _missing(job: Job, chosen: Collection[int] | None, ports: PlanPorts) -> Sequence[str]:
    asked = job.retry
    assert asked is not None
    lines = _missing_lines(job, ports)
    ordinals = [ordinal for ordinal in lines if chosen is None or ordinal in chosen]
    missing: list[str] = []
    for first in range(0, len(ordinals), PART_CLIPS):
        rows = ports.clips.get(job.id, ordinals[first : first + PART_CLIPS])
        again = (row for row in rows.values() if can_run_again(row) and (chosen is not None or is_wanted(row, asked)))
        missing += (lines[row.ordinal] for row in again if not row.destination)
    return sorted(missing)


def _missing_lines(job: Job, ports: PlanPorts) -> Mapping[int, str]:
    """Return the missing ids by ordinal. Their lines are the last ones of the first manifest."""
    total = job.counts.total
    with suppress(NotFound):
        entries = read_entries(ports.state, job.id, max(0, total - (job.source.count or 0)), total, job.plan_rounds)
        return {entry.ordinal: missing_id(entry) for entry in entries if entry.code == ClipCode.NO_SUCH_CLIP}
    return {}


def missing_id(entry: ManifestEntry) -> str:
    """Return the clip id of a line that says that it is missing."""
    return entry.source_uri.rpartition("/")[2]


def _wanted(job: Job, ports: PlanPorts) -> Selection:
    return selection(None, job.source.location.key, clip_ids=requested_uris(job, ports.state))


def _add(entries: Sequence[ManifestEntry], found: Found, wanted: Selection) -> None:
    for entry in entries:
        if entry.code == ClipCode.NO_SUCH_CLIP:
            continue
        for clip_id in clips_at(entry.location, wanted):
            known = found.setdefault(clip_id, [])
            if len(known) < KEPT:
                known.append(entry)
