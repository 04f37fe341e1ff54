"""Find the clips of a prefix, or of a caller's manifest, chunk by chunk from wherever the last round stopped."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from service.domain.clip_names import is_folder_marker
from service.domain.clips import ClipStatus
from service.domain.codes import DUPLICATE, UNREADABLE, Fate
from service.domain.destinations import destination_key, destination_root
from service.domain.errors import ObjectError
from service.domain.filters import Selection, selection
from service.domain.jobs import Job, SourceKind
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.projects import Integration
from service.domain.requests import OnExisting
from service.domain.uris import MAX_KEY_BYTES, Location, parse_prefix
from service.imports.access.reach import Reach, id_of, store_of
from service.imports.inputs.caller_manifest import Place, Read, check_manifest, read_manifest
from service.imports.inputs.manifest_lines import Line
from service.imports.inputs.uri_list import requested_uris
from service.imports.manifest.store import read_carried
from service.imports.planning.context import ExpandPorts, Part, PlanCursor
from service.imports.planning.duplicates import Ledger
from service.imports.planning.existing import Destinations, fate_of, look_up
from service.imports.planning.pin import destination_of, fate_by_existing, opened, other_than_pinned, pin, target_of

Finder = Callable[[str], ListedObject | None]
"""Gives what lies at a destination."""
Settle = Callable[[Sequence[ListedObject]], list[ManifestEntry]]
"""Makes clips of listed objects."""


@dataclass(frozen=True)
class Chunk:
    """Clips as they are found, at most `PART_CLIPS` of them, and where the search goes on."""

    entries: Sequence[ManifestEntry]
    more: bool
    start_after: str = ""
    read_to: str = ""


def gathered(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    """Chunks of clips as parts. Filters may let few clips through, or none, so a round can end between whole parts."""
    carried = read_carried(ports.state, cursor.carried)
    with ThreadPoolExecutor(ports.stat_concurrency) as pool:
        search = _Search(job, cursor, ports, pool, carried)
        rest = carried
        for chunk in search.prefix() if job.source.kind is SourceKind.PREFIX else search.manifest():
            rest = [*rest, *chunk.entries]
            whole = len(rest) >= ports.part_clips
            while len(rest) >= ports.part_clips:
                entries, rest = rest[: ports.part_clips], rest[ports.part_clips :]
                yield Part(entries, rest, chunk.start_after, chunk.read_to)
            if chunk.more and not whole:
                yield Part((), rest, chunk.start_after, chunk.read_to)
        if rest:
            yield Part(rest)


class _Search:
    """Finds the clips of a prefix or of a manifest from the cursor on, numbers them and settles what it can."""

    def __init__(
        self, job: Job, cursor: PlanCursor, ports: ExpandPorts, pool: Executor, carried: Sequence[ManifestEntry]
    ) -> None:
        self._job, self._cursor, self._ports, self._pool = job, cursor, ports, pool
        self._carried, self._reach = carried, ports.access.of(job)
        self._next = cursor.ordinal + len(carried)

    def prefix(self) -> Iterator[Chunk]:
        job, start_after = self._job, self._cursor.start_after
        assert job.source.uri is not None
        location = parse_prefix(job.source.uri)
        opener = self._reach.opener(location)
        wanted = selection(job.filters, location.key)
        pages = self._pages(location, start_after)
        settle = self._named(location, opener) if job.settings.destination else self._mirrored(location, opener)
        for page, more in _with_more(page for page in pages if page):
            found = [item for item in page if not is_folder_marker(item.key, item.size) and wanted.wants(item)]
            yield Chunk(settle(found), more, start_after=page[-1].key)

    def _pages(self, location: Location, start_after: str) -> Iterator[Sequence[ListedObject]]:
        if self._job.source.count is None:
            yield from self._reach.list_pages(location, start_after=start_after)
            return
        for key in requested_uris(self._job, self._ports.state):
            if key.encode() > start_after.encode() or start_after.startswith(key):
                yield from self._reach.list_pages(location.at(key), start_after=start_after)

    def _mirrored(self, location: Location, opener: Integration | None) -> Settle:
        job, store = self._job, store_of(opener)
        existing = _existing_finder(job, location, store, self._cursor.start_after, self._ports)

        def settle(items: Sequence[ListedObject]) -> list[ManifestEntry]:
            entries = []
            for item in items:
                at = location.at(item.key)
                destination = destination_key(job.project, job.folder, at, store=store)
                there = existing(destination)
                fate = fate_of(item, there, job.settings.on_existing)
                entry = pin(self._number(), str(at), destination, item, fate, integration=id_of(opener), existing=there)
                entries.append(entry)
            return entries

        return settle

    def _named(self, location: Location, opener: Integration | None) -> Settle:
        ledger = self._ledger()

        def settle(items: Sequence[ListedObject]) -> list[ManifestEntry]:
            pinned = []
            for item in items:
                at, number = location.at(item.key), self._number()
                destination, fate = destination_of(self._job, at, number)
                pinned.append((pin(number, str(at), destination, item, fate, integration=id_of(opener)), item))
            return self._settled(pinned, ledger)

        return settle

    def manifest(self) -> Iterator[Chunk]:
        job, ports, ledger = self._job, self._ports, self._ledger()
        assert job.source.uri is not None
        wanted, place = selection(job.filters), Place.parse(self._cursor.read_to)
        if place == Place():
            check_manifest(job.source, reach=self._reach)
        chunks = read_manifest(job.source, place, chunk_lines=ports.part_clips, reach=self._reach)
        for chunk in chunks:
            named = [read for read in chunk.lines if read.clip is None or wanted.named(read.clip.location.key)]
            pinned = []
            for read, found in zip(named, self._looked_at(named, wanted), strict=True):
                if not isinstance(found, ListedObject) or wanted.fits(found):
                    entry = self._pin_line(read, found, ledger)
                    pinned.append((entry, found if isinstance(found, ListedObject) else None))
            yield Chunk(self._settled(pinned, ledger), chunk.more, read_to=str(chunk.after))

    def _looked_at(self, named: Sequence[Read], wanted: Selection) -> "list[ListedObject | Fate]":
        """The object of each line, or why it is none; only lines that do not pin theirs cost a request."""
        told = [_as_named(read, wanted, self._reach) for read in named]
        unknown = [read.clip for read, found in zip(named, told, strict=True) if found is None and read.clip]
        inspected = self._pool.map(partial(_inspected, reach=self._reach), unknown)
        return [found or next(inspected) for found in told]

    def _pin_line(self, read: Read, found: "ListedObject | Fate", ledger: Ledger) -> ManifestEntry:
        number = self._number()
        settled = partial(ManifestEntry, ordinal=number, source_uri=read.uri)
        if read.clip is None:
            return settled(destination="", status=ClipStatus.FAILED, code=UNREADABLE, message=read.problem)
        target = target_of(self._job, read.clip.location, number, self._reach, name=read.clip.destination)
        destination, fate, version = target.destination, target.misnamed, read.clip.version
        if not ledger.first_of(read.uri, version):
            fate = (ClipStatus.SKIPPED, DUPLICATE, "an earlier line of this manifest names the same object")
        if isinstance(found, ListedObject):
            entry = pin(number, read.uri, destination, found, fate, integration=target.integration)
            return replace(entry, version=version or entry.version, checksum=read.clip.checksum)
        status, code, message = fate or found
        settled = partial(settled, destination=destination, version=version, integration=target.integration)
        entry = settled(status=status, code=code, message=message)
        return replace(entry, size=read.clip.size, etag=read.clip.etag, checksum=read.clip.checksum)

    def _settled(
        self, pinned: "Sequence[tuple[ManifestEntry, ListedObject | None]]", ledger: Ledger
    ) -> list[ManifestEntry]:
        """With what lies at the destinations, and with no destination twice."""
        if self._job.settings.on_existing is OnExisting.OVERWRITE:
            return [ledger.settled(entry) for entry, _ in pinned]
        look = partial(_with_existing, job=self._job, ports=self._ports)
        return [ledger.settled(entry) for entry in self._pool.map(look, pinned)]

    def _ledger(self) -> Ledger:
        return Ledger.of(self._job.id, self._cursor.ordinal, self._carried, self._ports.state)

    def _number(self) -> int:
        self._next += 1
        return self._next - 1


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
    # Cut short it comes before what it was, so at most something is listed again.
    after = f"{root}/{start_after}".encode()[:MAX_KEY_BYTES].decode(errors="ignore") if start_after else ""
    return Destinations(ports.storage, ports.clips_bucket, prefix, after).find


def _as_named(read: Read, wanted: Selection, reach: Reach) -> "ListedObject | Fate | None":
    """The object as its line pins it, or why it cannot be a clip; None where it has to be inspected."""
    clip = read.clip
    if clip is None:
        return ClipStatus.FAILED, UNREADABLE, read.problem
    _, refusal = opened(clip.location, reach)
    if refusal:
        return refusal
    if clip.size is None or clip.etag is None or (wanted.needs_time and clip.modified is None):
        return None
    return ListedObject(
        key=clip.location.key, size=clip.size, etag=clip.etag, version=clip.version, modified=clip.modified
    )


def _inspected(clip: Line, reach: Reach) -> "ListedObject | Fate":
    try:
        opener = reach.opener(clip.location)
        found = reach.storage.stat(clip.location, version=clip.version, integration=id_of(opener))
    except ObjectError as error:
        return ClipStatus.FAILED, error.code, error.message
    return other_than_pinned(clip.size, clip.etag, found) or found


def _with_existing(
    pinned: "tuple[ManifestEntry, ListedObject | None]", *, job: Job, ports: ExpandPorts
) -> ManifestEntry:
    entry, found = pinned
    if found is None or entry.status is not ClipStatus.PENDING:
        return entry
    fate, existing = fate_by_existing(found, entry.destination, job, ports)
    entry = replace(entry, destination_etag=existing.etag if existing else None)
    return replace(entry, status=fate[0], code=fate[1], message=fate[2]) if fate else entry
