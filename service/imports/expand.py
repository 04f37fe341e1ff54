"""A job's source as parts of its manifest: what a prefix lists, what a list or a manifest names, what was uploaded."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from service.errors import CannotAccess, InvalidDestination, ObjectError
from service.filters import Selection, selection
from service.imports.access import SourceAccess
from service.imports.existing import Destinations, Fate, fate_of, look_up
from service.imports.manifest import read_carried
from service.imports.manifested import Place, Read, check_manifest, check_readable, read_manifest
from service.imports.seen import DUPLICATE, UNREADABLE, Ledger, destination_taken
from service.imports.sets import parts_of_sets, requested_sets, whole_or_failed
from service.imports.submit import requested_uris
from service.imports.uploads import claimed_uploads
from service.lines import Line
from service.naming import named_destination, render
from service.planning import (
    CANCELLED,
    CANCELLED_MESSAGE,
    MAX_KEY_BYTES,
    PART_CLIPS,
    S3Uri,
    destination_key,
    destination_root,
    duplicates_of_first,
    is_folder_marker,
    parse_object_uri,
    parse_prefix_uri,
    sets_of,
)
from service.ports import ClipStore, Clock, JobReader, JobStore, SourceStorage, StateFiles, StateReader, UploadLists
from service.schema import ClipStatus, Job, ListedObject, ManifestEntry, OnExisting, SourceKind, Upload, ViewSet

Finder = Callable[[str], ListedObject | None]
"""Gives what lies at a destination."""


@dataclass(frozen=True, kw_only=True)
class ExpandPorts:
    """All that a source is expanded with. Nothing is written through them, so a preview expands with its own."""

    jobs: JobReader
    state: StateReader
    storage: SourceStorage
    uploads: UploadLists
    access: SourceAccess
    clips_bucket: str
    stat_concurrency: int
    part_clips: int = PART_CLIPS
    """Clips of a part; the manifest takes no other number."""


@dataclass(frozen=True, kw_only=True)
class PlanPorts(ExpandPorts):
    jobs: JobStore
    clips: ClipStore
    state: StateFiles
    clock: Clock
    max_clips: int
    batch_clips: int
    batch_bytes: int


@dataclass(frozen=True, kw_only=True)
class PlanCursor:
    """Where the next round goes on."""

    round_number: int = 0
    ordinal: int = 0
    batches: int = 0
    start_after: str = ""
    """Last key of the prefix that was looked at."""
    read_to: str = ""
    """Place in a caller's manifest (`Place`)."""
    carried: str = ""
    """State file of the clips found before that place that did not make a whole part."""
    next_clip: int = 0
    """Of a retry: the first ordinal that was not looked at yet."""
    failed: int = 0
    cancelled: int = 0
    """Of a retry: the former fates of the clips in its manifest."""
    opened: int = 0
    """Of a retry: parts of its manifest whose clips are pending again."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The end of a round: a cursor where more is to be planned, else the list of batches."""

    cursor: PlanCursor | None = None
    batches: int = 0
    batches_key: str = ""
    max_concurrency: int | None = None
    """The job's setting."""
    failed: bool = False
    """Whether this round ended the job as FAILED."""


@dataclass(frozen=True)
class Part:
    """The next `PART_CLIPS` clips, or the last ones; no clips where a part is not whole yet but a round may end."""

    entries: Sequence[ManifestEntry]
    rest: Sequence[ManifestEntry] = ()
    """Clips behind them that were found by then."""
    start_after: str = ""
    read_to: str = ""
    sets: bool = False
    """Whether it holds whole sets, so that another may follow whatever its length."""

    @property
    def may_end_a_round(self) -> bool:
        return self.sets or len(self.entries) in (0, PART_CLIPS)


@dataclass(frozen=True)
class Chunk:
    """Clips as they are found, at most `PART_CLIPS` of them, and where the search goes on."""

    entries: Sequence[ManifestEntry]
    more: bool
    start_after: str = ""
    read_to: str = ""


def parts_of(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> "Iterator[Part | None]":
    """The source part by part. Once the job is cancelled nothing is listed or inspected any more: what is left of a
    list or of uploads are cancelled clips; what is left of a prefix or a manifest is unknown, which a None says.
    """
    parts, ordinal = _SOURCES[job.source.kind](job, cursor, ports), cursor.ordinal
    while True:
        if job.cancel_requested and job.source.kind.open_ended:
            yield None
            return
        part = next(parts, None)
        if part is None:
            return
        yield part
        ordinal += len(part.entries)
        if not job.cancel_requested:
            job = ports.jobs.get(job.id) or job
            if job.cancel_requested and not job.source.kind.open_ended:
                parts = _SOURCES[job.source.kind](job, replace(cursor, ordinal=ordinal), ports)


def _gathered(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
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
        self._carried = carried
        self._next = cursor.ordinal + len(carried)

    def prefix(self) -> Iterator[Chunk]:
        job, ports, start_after = self._job, self._ports, self._cursor.start_after
        assert job.source.uri is not None
        location = parse_prefix_uri(job.source.uri)
        refusal = ports.access.refusal(location.bucket)
        if refusal:
            raise CannotAccess(refusal)
        wanted = selection(job.filters, location.key)
        pages = ports.storage.list_pages(location.bucket, location.key, start_after=start_after)
        settle = self._named(location) if job.settings.destination else self._mirrored(location)
        for page, more in _with_more(page for page in pages if page):
            found = [item for item in page if not is_folder_marker(item.key, item.size) and wanted.wants(item)]
            yield Chunk(settle(found), more, start_after=page[-1].key)

    def _mirrored(self, location: S3Uri) -> Callable[[Sequence[ListedObject]], list[ManifestEntry]]:
        job = self._job
        existing = _existing_finder(job, location, self._cursor.start_after, self._ports)

        def settle(items: Sequence[ListedObject]) -> list[ManifestEntry]:
            entries = []
            for item in items:
                uri = str(S3Uri(location.bucket, item.key))
                destination = destination_key(job.project, job.folder, location.bucket, item.key)
                fate = fate_of(item, existing(destination), job.settings.on_existing)
                entries.append(pin(self._number(), uri, destination, item, fate))
            return entries

        return settle

    def _named(self, location: S3Uri) -> Callable[[Sequence[ListedObject]], list[ManifestEntry]]:
        ledger = self._ledger()

        def settle(items: Sequence[ListedObject]) -> list[ManifestEntry]:
            pinned = []
            for item in items:
                at, number = S3Uri(location.bucket, item.key), self._number()
                destination, fate = destination_of(self._job, at, number)
                pinned.append((pin(number, str(at), destination, item, fate), item))
            return self._settled(pinned, ledger)

        return settle

    def manifest(self) -> Iterator[Chunk]:
        job, ports, ledger = self._job, self._ports, self._ledger()
        assert job.source.uri is not None
        check_readable(parse_object_uri(job.source.uri), project=job.project, access=ports.access)
        wanted, place = selection(job.filters), Place.parse(self._cursor.read_to)
        if place == Place():
            check_manifest(job.source, storage=ports.storage, access=ports.access)
        chunks = read_manifest(
            job.source, place, chunk_lines=ports.part_clips, storage=ports.storage, access=ports.access
        )
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
        told = [_as_named(read, wanted, self._ports.access) for read in named]
        unknown = [read.clip for read, found in zip(named, told, strict=True) if found is None and read.clip]
        inspected = self._pool.map(partial(_inspected, storage=self._ports.storage), unknown)
        return [found or next(inspected) for found in told]

    def _pin_line(self, read: Read, found: "ListedObject | Fate", ledger: Ledger) -> ManifestEntry:
        number = self._number()
        settled = partial(ManifestEntry, ordinal=number, source_uri=read.uri)
        if read.clip is None:
            return settled(destination="", status=ClipStatus.FAILED, code=UNREADABLE, message=read.problem)
        destination, fate = destination_of(self._job, read.clip.location, number, name=read.clip.destination)
        version = read.clip.version
        if not ledger.first_of(read.uri, version):
            fate = (ClipStatus.SKIPPED, DUPLICATE, "an earlier line of this manifest names the same object")
        if isinstance(found, ListedObject):
            entry = pin(number, read.uri, destination, found, fate)
            return replace(entry, version=version or entry.version, checksum=read.clip.checksum)
        status, code, message = fate or found
        entry = settled(destination=destination, version=version, status=status, code=code, message=message)
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


def _existing_finder(job: Job, location: S3Uri, start_after: str, ports: ExpandPorts) -> Finder:
    if job.settings.on_existing is OnExisting.OVERWRITE:
        return lambda _: None
    root = destination_root(job.project, job.folder, location.bucket)
    prefix = f"{root}/{location.key}"
    if len(prefix.encode()) > MAX_KEY_BYTES:  # no destination is mirrored then
        return partial(look_up, ports.storage, ports.clips_bucket)
    # Cut short it comes before what it was, so at most something is listed again.
    after = f"{root}/{start_after}".encode()[:MAX_KEY_BYTES].decode(errors="ignore") if start_after else ""
    return Destinations(ports.storage, ports.clips_bucket, prefix, after).find


def pin(ordinal: int, uri: str, destination: str, found: ListedObject, fate: Fate | None) -> ManifestEntry:
    """The clip as it is to be copied, or with the fate that it has already."""
    return ManifestEntry(
        ordinal=ordinal,
        source_uri=uri,
        destination=destination,
        size=found.size,
        etag=found.etag,
        version=found.version,
        status=fate[0] if fate else ClipStatus.PENDING,
        code=fate[1] if fate else None,
        message=fate[2] if fate else None,
    )


def _as_named(read: Read, wanted: Selection, access: SourceAccess) -> "ListedObject | Fate | None":
    """The object as its line pins it, or why it cannot be a clip; None where it has to be inspected."""
    clip = read.clip
    if clip is None:
        return ClipStatus.FAILED, UNREADABLE, read.problem
    refusal = access.refusal(clip.location.bucket)
    if refusal:
        return ClipStatus.FAILED, "CANNOT_ACCESS", refusal
    if clip.size is None or clip.etag is None or (wanted.needs_time and clip.modified is None):
        return None
    return ListedObject(
        key=clip.location.key, size=clip.size, etag=clip.etag, version=clip.version, modified=clip.modified
    )


def _inspected(clip: Line, storage: SourceStorage) -> "ListedObject | Fate":
    try:
        found = storage.stat(clip.location.bucket, clip.location.key, version=clip.version)
    except ObjectError as error:
        return ClipStatus.FAILED, error.code, error.message
    return other_than_pinned(clip.size, clip.etag, found) or found


def other_than_pinned(size: int | None, etag: str | None, found: ListedObject) -> Fate | None:
    """The fate of a line's clip where the object is not the one that the line pins, as far as it does."""
    if size not in (None, found.size):
        return ClipStatus.FAILED, "SOURCE_CHANGED", f"it has {found.size} bytes, its line says {size}"
    if etag not in (None, found.etag):
        return ClipStatus.FAILED, "SOURCE_CHANGED", f"its ETag is {found.etag}, its line says {etag}"
    return None


def _with_existing(
    pinned: "tuple[ManifestEntry, ListedObject | None]", *, job: Job, ports: ExpandPorts
) -> ManifestEntry:
    entry, found = pinned
    if found is None or entry.status is not ClipStatus.PENDING:
        return entry
    fate = fate_by_existing(found, entry.destination, job, ports)
    return replace(entry, status=fate[0], code=fate[1], message=fate[2]) if fate else entry


def destination_of(job: Job, location: S3Uri, ordinal: int, *, name: str | None = None) -> tuple[str, Fate | None]:
    """A clip's key in the clips bucket, by the name that its line gives, the job's template or its source.

    Where the name is not possible the key is empty, and that is the clip's fate.
    """
    template = job.settings.destination
    if name is None and template is None:
        return destination_key(job.project, job.folder, location.bucket, location.key), None
    try:
        if name is None:
            assert template is not None
            name = render(template, location, ordinal=ordinal, job_id=job.id)
        return named_destination(job.project, job.folder, name), None
    except InvalidDestination as error:
        return "", (ClipStatus.FAILED, error.code, error.message)


def _list_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    uris = requested_uris(job, ports.state)
    planned = partial(_inspect, job=job, uris=uris, repeats=duplicates_of_first(uris), ports=ports)
    settle = _clashes(job, cursor, ports)
    with ThreadPoolExecutor(ports.stat_concurrency) as pool:
        for first in range(cursor.ordinal, len(uris), ports.part_clips):
            ordinals = range(first, min(first + ports.part_clips, len(uris)))
            yield Part(settle(pool.map(planned, ordinals)))


Settle = Callable[[Iterable[ManifestEntry]], list[ManifestEntry]]


def _clashes(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Settle:
    """Sees to it that no destination is taken twice, which cannot happen where they mirror their sources."""
    if job.settings.destination is None:
        return list
    ledger = Ledger.of(job.id, cursor.ordinal, (), ports.state)
    return lambda entries: [ledger.settled(entry) for entry in entries]


def _inspect(
    ordinal: int,
    *,
    job: Job,
    uris: Sequence[str] | Mapping[int, str],
    repeats: dict[int, int],
    ports: ExpandPorts,
) -> ManifestEntry:
    """Pin one listed URI by a HEAD; what is wrong with it becomes its fate, not the job's."""
    uri = uris[ordinal]
    location = parse_object_uri(uri)
    destination, misnamed = destination_of(job, location, ordinal)
    if ordinal in repeats:
        return ManifestEntry(
            ordinal=ordinal,
            source_uri=uri,
            destination=destination,
            status=ClipStatus.SKIPPED,
            code="DUPLICATE",
            message=f"the same URI is clip {repeats[ordinal]} of this list",
        )
    return inspect(ordinal, uri, destination, misnamed=misnamed, job=job, ports=ports)


def inspect(
    ordinal: int, uri: str, destination: str, *, misnamed: Fate | None = None, job: Job, ports: ExpandPorts
) -> ManifestEntry:
    """Pin one clip by a HEAD of its source. `misnamed` is its fate where the source is there."""
    location = parse_object_uri(uri)
    settled = partial(ManifestEntry, ordinal=ordinal, source_uri=uri, destination=destination)
    if job.cancel_requested:
        return settled(status=ClipStatus.CANCELLED, code=CANCELLED, message=CANCELLED_MESSAGE)
    refusal = ports.access.refusal(location.bucket)
    if refusal:
        return settled(status=ClipStatus.FAILED, code="CANNOT_ACCESS", message=refusal)
    try:
        found = ports.storage.stat(location.bucket, location.key)
    except ObjectError as error:
        return settled(status=ClipStatus.FAILED, code=error.code, message=error.message)
    fate = misnamed or fate_by_existing(found, destination, job, ports)
    return pin(ordinal, uri, destination, found, fate)


def fate_by_existing(found: ListedObject, destination: str, job: Job, ports: ExpandPorts) -> Fate | None:
    """What lies at the destination decides; where that cannot be seen, the clip fails."""
    if job.settings.on_existing is OnExisting.OVERWRITE:
        return None
    try:
        existing = look_up(ports.storage, ports.clips_bucket, destination)
    except ObjectError as error:
        return ClipStatus.FAILED, error.code, error.message
    return fate_of(found, existing, job.settings.on_existing)


def _set_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    """Views are inspected like the URIs of a list; what is wrong with one of them fails its whole set."""
    sets = requested_sets(job, ports.state)
    inspect_view = partial(_inspect_view, job=job, taken=_taken_in_sets(job, sets), ports=ports)
    with ThreadPoolExecutor(ports.stat_concurrency) as pool:
        for views in parts_of_sets(sets, first=cursor.ordinal, part_clips=ports.part_clips):
            yield Part(whole_sets_or_failed(pool.map(inspect_view, views)), sets=True)


def whole_sets_or_failed(views: Iterable[ManifestEntry]) -> list[ManifestEntry]:
    return [entry for unit in sets_of(views) for entry in whole_or_failed(unit)]


def _taken_in_sets(job: Job, sets: Sequence[ViewSet]) -> dict[str, str]:
    """Destination → the first source that has it, where the caller names the clips. Sets may share a source."""
    taken: dict[str, str] = {}
    if job.settings.destination is not None:
        for view in (view for part in parts_of_sets(sets) for view in part):
            destination, _ = destination_of(job, parse_object_uri(view.source_uri), view.ordinal)
            taken.setdefault(destination, view.source_uri)
    return taken


def _inspect_view(view: ManifestEntry, *, job: Job, taken: Mapping[str, str], ports: ExpandPorts) -> ManifestEntry:
    repeats = {} if view.status is ClipStatus.PENDING else {view.ordinal: view.ordinal}
    found = _inspect(view.ordinal, job=job, uris={view.ordinal: view.source_uri}, repeats=repeats, ports=ports)
    if found.status is ClipStatus.PENDING and taken.get(found.destination, view.source_uri) != view.source_uri:
        found = destination_taken(found)
    message = view.message or found.message
    return replace(found, group=view.group, view=view.view, set_name=view.set_name, message=message)


def _upload_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    """Uploads were pinned by their events. Of several uploads to one key only the last one is a clip to copy."""
    claimed = claimed_uploads(job.id, ports.uploads, ports.state)
    plan_upload = partial(_planned_upload, job=job, newest=_newest(claimed), ports=ports)
    settle = _clashes(job, cursor, ports)
    with ThreadPoolExecutor(ports.stat_concurrency) as pool:
        for first in range(cursor.ordinal, len(claimed), ports.part_clips):
            some = enumerate(claimed[first : first + ports.part_clips], first)
            yield Part(settle(pool.map(plan_upload, some)))


def _newest(claimed: Sequence[Upload]) -> dict[str, str]:
    """The last upload's sequencer by key."""
    newest: dict[str, str] = {}
    for upload in claimed:
        newest[upload.key] = max(newest.get(upload.key, ""), upload.sequencer)
    return newest


def clip_planner(job: Job, ports: ExpandPorts) -> Callable[[int], ManifestEntry]:
    """Plans single clips of a list, of sets or of uploads from what was asked for, as the first planning does."""
    if job.source.kind is SourceKind.SETS:
        sets = requested_sets(job, ports.state)
        views = [view for part in parts_of_sets(sets) for view in part]
        taken = _taken_in_sets(job, sets)
        return lambda ordinal: _inspect_view(views[ordinal], job=job, taken=taken, ports=ports)
    if job.source.kind is SourceKind.LIST:
        uris = requested_uris(job, ports.state)
        return partial(_inspect, job=job, uris=uris, repeats=duplicates_of_first(uris), ports=ports)
    claimed = claimed_uploads(job.id, ports.uploads, ports.state)
    plan_upload = partial(_planned_upload, job=job, newest=_newest(claimed), ports=ports)
    return lambda ordinal: plan_upload((ordinal, claimed[ordinal]))


def _planned_upload(
    numbered: tuple[int, Upload], *, job: Job, newest: dict[str, str], ports: ExpandPorts
) -> ManifestEntry:
    ordinal, upload = numbered
    uri = str(S3Uri(upload.bucket, upload.key))
    destination, misnamed = destination_of(job, S3Uri(upload.bucket, upload.key), ordinal)
    found = ListedObject(key=upload.key, size=upload.size, etag=upload.etag, version=upload.version)
    if upload.sequencer < newest[upload.key]:
        fate: Fate | None = (ClipStatus.SKIPPED, "SUPERSEDED", "a later upload to the same key is in this job")
    elif job.cancel_requested:
        fate = (ClipStatus.CANCELLED, CANCELLED, CANCELLED_MESSAGE)
    else:
        fate = misnamed or fate_by_existing(found, destination, job, ports)
    return pin(ordinal, uri, destination, found, fate)


_SOURCES: dict[SourceKind, Callable[[Job, PlanCursor, ExpandPorts], Iterator[Part]]] = {
    SourceKind.PREFIX: _gathered,
    SourceKind.MANIFEST: _gathered,
    SourceKind.LIST: _list_parts,
    SourceKind.UPLOAD: _upload_parts,
    SourceKind.SETS: _set_parts,
}
