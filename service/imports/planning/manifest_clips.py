"""Find the clips that a caller's manifest names, line by line."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import ObjectError
from service.domain.fates import Fate
from service.domain.filters import Selection, selection
from service.domain.jobs import Job
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.rate_windows import unless_window
from service.imports.access.reach import Reach, id_of
from service.imports.inputs.caller_manifest import Place, Read, check_manifest, read_manifest
from service.imports.inputs.manifest_lines import Line
from service.imports.planning.archived import may_restore
from service.imports.planning.context import ExpandPorts, Part, PlanCursor
from service.imports.planning.duplicates import Ledger
from service.imports.planning.pin import opened, other_than_pinned, pin, target_of
from service.imports.planning.search import Chunk, Pinned, Search, search_parts

LINES_AT_ONCE = 250
"""Lines whose objects are inspected together: what a store's rate limit lets through in a window must be more."""
_REPEATED = Fate(ClipStatus.SKIPPED, ClipCode.DUPLICATE, "an earlier line of this manifest names the same object")


def manifest_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    return search_parts(_chunks, job, cursor, ports)


def _chunks(search: Search) -> Iterator[Chunk]:
    job, ledger = search.job, search.ledger()
    wanted, place = selection(job.filters), Place.parse(search.cursor.read_to)
    if place == Place():
        check_manifest(job.source, reach=search.reach)
    for chunk in read_manifest(
        job.source, place, chunk_lines=min(LINES_AT_ONCE, search.ports.part_clips), reach=search.reach
    ):
        named = [read for read in chunk.lines if read.clip is None or wanted.named(read.clip.location.key)]
        pinned = []
        for read, found in zip(named, _looked_at(search, named, wanted), strict=True):
            if not isinstance(found, ListedObject) or wanted.fits(found):
                pinned.append(_pin_line(search, read, found, ledger))
        yield Chunk(search.settled(pinned, ledger), chunk.more, read_to=str(chunk.after))


def _looked_at(search: Search, named: Sequence[Read], wanted: Selection) -> list[ListedObject | Fate]:
    """The object of each line, or why it is none; only lines that do not pin theirs cost a request."""
    told = [_as_named(read, wanted, search) for read in named]
    unknown = [read.clip for read, found in zip(named, told, strict=True) if found is None and read.clip]
    inspected = search.pool.map(partial(_inspected, reach=search.reach), unknown)
    return [found or next(inspected) for found in told]


def _as_named(read: Read, wanted: Selection, search: Search) -> ListedObject | Fate | None:
    """The object as its line pins it, or why it cannot be a clip; None where it has to be inspected."""
    clip = read.clip
    if clip is None:
        return Fate(ClipStatus.FAILED, ClipCode.INVALID_LINE, read.problem)
    _, refusal = opened(clip.location, search.reach)
    if refusal:
        return refusal
    pinned = clip.size is not None and clip.etag is not None and clip.location.zip is None
    if not pinned or (wanted.needs_time and clip.modified is None):
        return None
    if may_restore(search.job, clip.location):
        return None
    assert clip.size is not None
    assert clip.etag is not None
    return ListedObject(
        key=clip.location.key, size=clip.size, etag=clip.etag, version=clip.version, modified=clip.modified
    )


def _inspected(clip: Line, reach: Reach) -> ListedObject | Fate:
    try:
        opener = reach.opener(clip.location)
        found = reach.storage.stat(clip.location, version=clip.version, integration=id_of(opener))
    except ObjectError as error:
        return Fate.failed(unless_window(error))
    return other_than_pinned(clip.size, clip.etag, found) or found


def _pin_line(search: Search, read: Read, found: ListedObject | Fate, ledger: Ledger) -> Pinned:
    number = search.number()
    if read.clip is None:
        unreadable = Fate(ClipStatus.FAILED, ClipCode.INVALID_LINE, read.problem)
        return Pinned(ManifestEntry(ordinal=number, source_uri=read.uri, destination="").with_fate(unreadable), None)
    target = target_of(search.job, read.clip.location, number, search.reach, name=read.clip.destination)
    fate, version = target.misnamed, read.clip.version
    if not ledger.first_of(read.uri, version):
        fate = _REPEATED
    if isinstance(found, ListedObject):
        entry = pin(number, read.uri, target.destination, found, fate, integration=target.integration)
        entry = replace(entry, version=version or entry.version, checksum=read.clip.checksum)
        named = search.job.settings.destination is not None or read.clip.destination is not None
        return Pinned(entry, found, by_time=version is None and not named)
    entry = ManifestEntry(
        ordinal=number,
        source_uri=read.uri,
        destination=target.destination,
        size=read.clip.size,
        etag=read.clip.etag,
        version=version,
        checksum=read.clip.checksum,
        integration=target.integration,
    )
    return Pinned(entry.with_fate(fate or found), None)
