"""Find the clips of a prefix by its listing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from service.domain.clip_names import is_no_clip
from service.domain.destinations import destination_key, destination_root
from service.domain.filters import selection
from service.domain.jobs import Job
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.projects import Integration
from service.domain.requests import OnExisting
from service.domain.uris import MAX_KEY_BYTES, Location
from service.imports.access.reach import id_of, store_of
from service.imports.inputs.uri_list import requested_uris
from service.imports.planning.context import ExpandPorts, Part, PlanCursor
from service.imports.planning.existing import Destinations, look_up, settled_by
from service.imports.planning.failed_before import left_if_broken
from service.imports.planning.pin import destination_of, pin
from service.imports.planning.search import Chunk, Pinned, Search, search_parts

Finder = Callable[[str], ListedObject | None]
"""Gives the object at a destination."""
Settle = Callable[[Sequence[ListedObject]], list[ManifestEntry]]
"""Makes clips of listed objects."""


def prefix_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    return search_parts(_chunks, job, cursor, ports)


def _chunks(search: Search) -> Iterator[Chunk]:
    job, location = search.job, search.job.source.location
    opener = search.reach.prefix_opener(location)
    wanted = selection(job.filters, location.key)
    settle = _named(search, location, opener) if job.settings.destination else _mirrored(search, location, opener)
    for page, more in _with_more(page for page in _pages(search, location) if page):
        found = [item for item in page if not is_no_clip(item.key, item.size) and wanted.wants(item)]
        yield Chunk(settle(found), more, start_after=page[-1].key)


def _pages(search: Search, location: Location) -> Iterator[Sequence[ListedObject]]:
    start_after = search.cursor.start_after
    if search.job.source.count is None:
        yield from search.reach.list_pages(location, start_after=start_after)
        return
    for key in requested_uris(search.job, search.ports.state):
        if key.encode() > start_after.encode() or start_after.startswith(key):
            yield from search.reach.list_pages(location.at(key), start_after=start_after)


def _mirrored(search: Search, location: Location, opener: Integration | None) -> Settle:
    job, store = search.job, store_of(opener)
    existing = _existing_finder(job, location, store, search.cursor.start_after, search.ports)
    on_existing, newest = job.settings.on_existing, job.source.as_of is None

    def settle(items: Sequence[ListedObject]) -> list[ManifestEntry]:
        clips, unclear = list[ManifestEntry](), dict[int, Pinned]()
        for number, item in enumerate(items):
            at = location.at(item.key)
            destination = destination_key(job.project, job.folder, at, store=store)
            entry = pin(search.number(), str(at), destination, item, None, integration=id_of(opener))
            there = existing(destination)
            settled = settled_by(entry, item, there, on_existing, by_time=newest)
            clips.append(settled)
            if there and there.size == item.size and settled.fate is None:  # a HEAD may show that it is a copy
                unclear[number] = Pinned(entry, item, by_time=newest)
        for number, entry in zip(unclear, search.looked_at([*unclear.values()]), strict=True):
            clips[number] = entry
        left = [left_if_broken(clip, search.failed_before) for clip in clips]
        return search.by_archive(list(zip(left, items, strict=True)))

    return settle


def _named(search: Search, location: Location, opener: Integration | None) -> Settle:
    ledger = search.ledger()

    def settle(items: Sequence[ListedObject]) -> list[ManifestEntry]:
        pinned = []
        for item in items:
            at, number = location.at(item.key), search.number()
            destination, fate = destination_of(search.job, at, number)
            entry = pin(number, str(at), destination, item, fate, integration=id_of(opener))
            pinned.append(Pinned(entry, item))
        return search.settled(pinned, ledger)

    return settle


def _with_more(pages: Iterable[Sequence[ListedObject]]) -> Iterator[tuple[Sequence[ListedObject], bool]]:
    """Each page, and whether another one follows."""
    following = iter(pages)
    page = next(following, None)
    while page is not None:
        after = next(following, None)
        yield page, after is not None
        page = after


def _existing_finder(job: Job, location: Location, store: str | None, start_after: str, ports: ExpandPorts) -> Finder:
    if job.settings.on_existing is OnExisting.OVERWRITE:
        return lambda _: None
    root = destination_root(job.project, job.folder, location, store=store)
    prefix = f"{root}/{location.key}"
    if len(prefix.encode()) > MAX_KEY_BYTES:  # no destination is mirrored then
        return partial(look_up, ports.storage, ports.clips_bucket)
    # A shortened key sorts before the whole one, so at most something is listed again.
    after = f"{root}/{start_after}".encode()[:MAX_KEY_BYTES].decode(errors="ignore") if start_after else ""
    return Destinations(ports.storage, ports.clips_bucket, prefix, after).find
