"""A job's source as parts of its manifest: what a prefix lists, what a list names, what was uploaded."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from service.errors import CannotAccess, ObjectError
from service.imports.access import SourceAccess
from service.imports.existing import Destinations, Fate, fate_of, look_up
from service.imports.sets import parts_of_sets, requested_sets, whole_or_failed
from service.imports.submit import requested_uris
from service.imports.uploads import claimed_uploads
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
from service.ports import Clock, JobReader, JobStore, SourceStorage, StateFiles, StateReader, UploadLists
from service.schema import ClipStatus, Job, ListedObject, ManifestEntry, OnExisting, SourceKind, Upload

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
    """Last key of the prefix that is in the manifest."""


@dataclass(frozen=True)
class Part:
    entries: Sequence[ManifestEntry]
    last_key: str = ""


def parts_of(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> "Iterator[Part | None]":
    """The source part by part. Once the job is cancelled nothing is listed or inspected any more: what is left of a
    list or of uploads are cancelled clips; what is left of a prefix is unknown, which a None says.
    """
    parts, ordinal = _SOURCES[job.source.kind](job, cursor, ports), cursor.ordinal
    while True:
        if job.cancel_requested and job.source.kind is SourceKind.PREFIX:
            yield None
            return
        part = next(parts, None)
        if part is None:
            return
        yield part
        ordinal += len(part.entries)
        if not job.cancel_requested:
            job = ports.jobs.get(job.id) or job
            if job.cancel_requested and job.source.kind is not SourceKind.PREFIX:
                parts = _SOURCES[job.source.kind](job, replace(cursor, ordinal=ordinal), ports)


def _prefix_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    assert job.source.uri is not None
    location = parse_prefix_uri(job.source.uri)
    refusal = ports.access.refusal(location.bucket)
    if refusal:
        raise CannotAccess(refusal)
    pages = ports.storage.list_pages(location.bucket, location.key, start_after=cursor.start_after)
    found = (item for page in pages for item in page if not is_folder_marker(item.key, item.size))
    existing = _existing_finder(job, location, cursor.start_after, ports)
    ordinal = cursor.ordinal
    while items := list(islice(found, ports.part_clips)):
        entries = []
        for number, item in enumerate(items, ordinal):
            uri = str(S3Uri(location.bucket, item.key))
            destination = destination_key(job.project, job.folder, location.bucket, item.key)
            fate = fate_of(item, existing(destination), job.settings.on_existing)
            entries.append(_pinned(number, uri, destination, item, fate))
        yield Part(entries, items[-1].key)
        ordinal += len(entries)


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


def _pinned(ordinal: int, uri: str, destination: str, found: ListedObject, fate: Fate | None) -> ManifestEntry:
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


def _list_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    uris = requested_uris(job, ports.state)
    repeats = duplicates_of_first(uris)
    inspect = partial(_inspect, job=job, uris=uris, repeats=repeats, ports=ports)
    with ThreadPoolExecutor(ports.stat_concurrency) as pool:
        for first in range(cursor.ordinal, len(uris), ports.part_clips):
            ordinals = range(first, min(first + ports.part_clips, len(uris)))
            yield Part(list(pool.map(inspect, ordinals)))


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
    destination = destination_key(job.project, job.folder, location.bucket, location.key)
    settled = partial(ManifestEntry, ordinal=ordinal, source_uri=uri, destination=destination)
    if ordinal in repeats:
        message = f"the same URI is clip {repeats[ordinal]} of this list"
        return settled(status=ClipStatus.SKIPPED, code="DUPLICATE", message=message)
    if job.cancel_requested:
        return settled(status=ClipStatus.CANCELLED, code=CANCELLED, message=CANCELLED_MESSAGE)
    refusal = ports.access.refusal(location.bucket)
    if refusal:
        return settled(status=ClipStatus.FAILED, code="CANNOT_ACCESS", message=refusal)
    try:
        found = ports.storage.stat(location.bucket, location.key)
    except ObjectError as error:
        return settled(status=ClipStatus.FAILED, code=error.code, message=error.message)
    return _pinned(ordinal, uri, destination, found, _fate_by_existing(found, destination, job, ports))


def _fate_by_existing(found: ListedObject, destination: str, job: Job, ports: ExpandPorts) -> Fate | None:
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
    inspect = partial(_inspect_view, job=job, ports=ports)
    with ThreadPoolExecutor(ports.stat_concurrency) as pool:
        sets = requested_sets(job, ports.state)
        for views in parts_of_sets(sets, first=cursor.ordinal, part_clips=ports.part_clips):
            planned = pool.map(inspect, views)
            yield Part([entry for unit in sets_of(planned) for entry in whole_or_failed(unit)])


def _inspect_view(view: ManifestEntry, *, job: Job, ports: ExpandPorts) -> ManifestEntry:
    repeats = {} if view.status is ClipStatus.PENDING else {view.ordinal: view.ordinal}
    found = _inspect(view.ordinal, job=job, uris={view.ordinal: view.source_uri}, repeats=repeats, ports=ports)
    message = view.message or found.message
    return replace(found, group=view.group, view=view.view, set_name=view.set_name, message=message)


def _upload_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    """Uploads were pinned by their events. Of several uploads to one key only the last one is a clip to copy."""
    claimed = claimed_uploads(job.id, ports.uploads, ports.state)
    newest: dict[str, str] = {}
    for upload in claimed:
        newest[upload.key] = max(newest.get(upload.key, ""), upload.sequencer)
    plan_upload = partial(_planned_upload, job=job, newest=newest, ports=ports)
    with ThreadPoolExecutor(ports.stat_concurrency) as pool:
        for first in range(cursor.ordinal, len(claimed), ports.part_clips):
            yield Part(list(pool.map(plan_upload, enumerate(claimed[first : first + ports.part_clips], first))))


def _planned_upload(
    numbered: tuple[int, Upload], *, job: Job, newest: dict[str, str], ports: ExpandPorts
) -> ManifestEntry:
    ordinal, upload = numbered
    uri = str(S3Uri(upload.bucket, upload.key))
    destination = destination_key(job.project, job.folder, upload.bucket, upload.key)
    found = ListedObject(key=upload.key, size=upload.size, etag=upload.etag, version=upload.version)
    if upload.sequencer < newest[upload.key]:
        fate: Fate | None = (ClipStatus.SKIPPED, "SUPERSEDED", "a later upload to the same key is in this job")
    elif job.cancel_requested:
        fate = (ClipStatus.CANCELLED, CANCELLED, CANCELLED_MESSAGE)
    else:
        fate = _fate_by_existing(found, destination, job, ports)
    return _pinned(ordinal, uri, destination, found, fate)


_SOURCES: dict[SourceKind, Callable[[Job, PlanCursor, ExpandPorts], Iterator[Part]]] = {
    SourceKind.PREFIX: _prefix_parts,
    SourceKind.LIST: _list_parts,
    SourceKind.UPLOAD: _upload_parts,
    SourceKind.SETS: _set_parts,
}
