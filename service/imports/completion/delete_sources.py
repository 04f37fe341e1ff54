"""Delete the sources of a completed import whose copies are proven to be the same (decision 114).

It runs before the report, so that report, event and webhook come when it is done. It goes through the batches of every
attempt, the last one first, since only a batch has the pins of the objects that it copied. A source's fate is on its
clip's row and is final. A round that runs out of time keeps its position in a state file.
"""

import json
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace

from service.domain.clips import ClipRow, ClipStatus, SourceFate
from service.domain.codes import KeptCode
from service.domain.ends import End
from service.domain.errors import NotFound, ObjectError, ObjectMissing, SourceChanged, TooManySlowRequests
from service.domain.jobs import Job, SourceKind
from service.domain.limits import bounded
from service.domain.manifest import Batch, ManifestEntry
from service.domain.state_keys import report_folder
from service.domain.uris import s3_at
from service.imports.manifest.store import read_batch, read_batches
from service.imports.results.source_fates import PROOFS, kept
from service.ports.clips import ClipStore
from service.ports.jobs import EndStore, JobStore
from service.ports.objects import Objects, SourceRemovals
from service.ports.state import Clock, StateFiles
from service.projects.slow_requests import SlowRequests

AT_ONCE = 10
"""Calls that delete sources of one project at the same time. Each may take 15 minutes if the store is slow, and an
import that ended counts as active no more (decision 132)."""
LONGEST_SECONDS = 960.0
"""How long a call counts if its process died: Lambda ends it after 900 s."""
_PAGE = 1_000


@dataclass(frozen=True, kw_only=True)
class DeletePorts:
    jobs: JobStore
    ends: EndStore
    clips: ClipStore
    state: StateFiles
    clips_bucket: str
    copies: Objects
    """Access to the clips bucket."""
    removals: Callable[[str], SourceRemovals]
    """Return what deletes the sources of a project."""
    at_once: int
    """Sources that are deleted at the same time."""
    clock: Clock
    deleting: SlowRequests
    """Limits how many calls delete sources of one project at once."""


def delete_sources(job_id: str, ended_at: str, *, out_of_time: Callable[[], bool], ports: DeletePorts) -> None:
    """Delete what is left to delete, and record on the completion that it is done. Safe to repeat from any point.

    If time runs out first, or too many calls of the project delete, nothing is recorded: another round must follow.
    Does nothing once a retry has begun: its own completion goes through all attempts.
    """
    end, job = ports.ends.get(job_id, ended_at), ports.jobs.get(job_id)
    if end is None or end.closed or end.sources_done:
        return
    with suppress(TooManySlowRequests), ports.deleting.one(job.project if job else ""):
        _delete(job_id, end, out_of_time, ports)


def _delete(job_id: str, end: End, out_of_time: Callable[[], bool], ports: DeletePorts) -> None:
    ended_at = end.ended_at
    progress = report_folder(job_id, ended_at) + "sources.json"
    needed: frozenset[str] | None = None
    for position, batch in _batches(job_id, end.run, _position(progress, ports.state), ports.state):
        job = ports.jobs.get(job_id)
        if job is None or job.completed_at != ended_at:
            break
        needed = _still_needed(job, ports.clips) if needed is None else needed
        _delete_batch(job, batch, needed, ports)
        if out_of_time():
            ports.state.put(progress, json.dumps(position).encode())
            return
    ports.ends.save(replace(end, sources_done=True), now=ports.clock())


Position = tuple[int, int]
"""The attempt, counted from the last one, and the number of its batches that are done."""


def _position(key: str, state: StateFiles) -> Position:
    try:
        skipped, done = json.loads(state.get(key))
    except NotFound:
        return 0, 0
    return skipped, done


def _batches(job_id: str, last_run: int, start: Position, state: StateFiles) -> Iterator[tuple[Position, Batch]]:
    """Yield the batches that follow, each with the position after it."""
    for skipped in range(start[0], last_run + 1):
        try:
            batches = list(read_batches(state, job_id, last_run - skipped))
        except NotFound:  # an attempt that could not be planned
            continue
        first = start[1] if skipped == start[0] else 0
        for number, batch in enumerate(batches[first:], first + 1):
            yield (skipped, number), batch


def _still_needed(job: Job, clips: ClipStore) -> frozenset[str]:
    """Return the sources of sets that a retry may copy: sets may share a source. Other clips share none."""
    if job.source.kind is not SourceKind.SETS:
        return frozenset()
    found: set[str] = set()
    first = 0
    while rows := clips.failures(job.id, first=first, limit=_PAGE):
        found.update(row.source_uri or "" for row in rows)
        first = rows[-1].ordinal + 1
    return frozenset(found)


def _delete_batch(job: Job, batch: Batch, needed: Collection[str], ports: DeletePorts) -> None:
    try:
        entries = read_batch(ports.state, batch)
    except (NotFound, SourceChanged):
        return  # without its pins nothing is deleted
    rows = ports.clips.get(job.id, [entry.ordinal for entry in entries])
    due = [(entry, row) for entry in entries if (row := rows.get(entry.ordinal)) and _is_due(row)]
    if not due:
        return
    removals = ports.removals(job.project)

    def settle(one: tuple[ManifestEntry, ClipRow]) -> None:
        fate = _settled(*one, needed, removals, ports)
        ports.clips.source_settled(job.id, one[0].ordinal, fate)

    with ThreadPoolExecutor(ports.at_once) as pool:
        list(pool.map(settle, due))


def _is_due(row: ClipRow) -> bool:
    return row.status is ClipStatus.COPIED and row.source is None


def _settled(
    entry: ManifestEntry, row: ClipRow, needed: Collection[str], removals: SourceRemovals, ports: DeletePorts
) -> SourceFate:
    """Delete the source, unless something speaks against it. Its copy must be there at this moment."""
    if entry.packed:
        return kept(KeptCode.IN_A_ZIP, "the clip is a member of a zip, which may hold more than this import copied")
    if row.verified not in PROOFS:
        return kept(KeptCode.NOT_VERIFIED, "no checksum and no MD5 proves that the copy equals the source")
    if entry.location.key == entry.destination:  # an access point may give the clips bucket another name
        return kept(KeptCode.SAME_KEY, "source and copy have the same key")
    if entry.source_uri in needed:
        return kept(KeptCode.STILL_NEEDED, "a set that did not land has the same source")
    try:
        if refused := removals.refusal(entry):
            return kept(KeptCode.NOT_ALLOWED, bounded(refused))
        if not _is_there(entry, row, ports):
            return kept(KeptCode.COPY_CHANGED, "the object at the destination is not this import's copy any more")
        removals.remove(entry)
    except ObjectMissing:
        return SourceFate(deleted=True)  # an earlier call deleted it, and ended before it could record that
    except ObjectError as error:
        return SourceFate(deleted=False, code=error.code, message=bounded(error.message))
    return SourceFate(deleted=True)


def _is_there(entry: ManifestEntry, row: ClipRow, ports: DeletePorts) -> bool:
    try:
        found = ports.copies.stat(s3_at(ports.clips_bucket, row.destination or entry.destination))
    except ObjectMissing:
        return False
    return (found.etag, found.size) == (row.etag, row.size)
