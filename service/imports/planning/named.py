"""Clips that are named one by one: the URIs of a list, the views of sets, uploads."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from service.domain.batching import duplicates_of_first, sets_of
from service.domain.clips import ClipStatus
from service.domain.codes import CANCELLED, CANCELLED_MESSAGE, DUPLICATE, Fate
from service.domain.errors import InvalidUri
from service.domain.jobs import Job, SourceKind
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.requests import Upload, ViewSet
from service.domain.uris import parse_object, s3_at
from service.imports.access.reach import Reach
from service.imports.inputs.upload_lists import claimed_uploads
from service.imports.inputs.uri_list import requested_uris
from service.imports.inputs.view_sets import parts_of_sets, requested_sets
from service.imports.planning.context import ExpandPorts, Part, PlanCursor
from service.imports.planning.duplicates import Ledger, destination_taken
from service.imports.planning.pin import destination_of, fate_by_existing, inspect, pin, target_of
from service.imports.results.set_fates import whole_or_failed


def list_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    uris = requested_uris(job, ports.state)
    reach = ports.access.of(job)
    planned = partial(_inspect, job=job, uris=uris, repeats=duplicates_of_first(uris), reach=reach, ports=ports)
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
    reach: Reach,
    ports: ExpandPorts,
) -> ManifestEntry:
    """Pin one listed URI by a HEAD; what is wrong with it becomes its fate, not the job's."""
    uri = uris[ordinal]
    try:
        location = parse_object(uri)
    except InvalidUri as error:  # the NomadicML door does not refuse it
        unnamed = ManifestEntry(ordinal=ordinal, source_uri=uri, destination="")
        return replace(unnamed, status=ClipStatus.FAILED, code=error.code, message=error.message)
    target = target_of(job, location, ordinal, reach)
    if ordinal in repeats:
        return ManifestEntry(
            ordinal=ordinal,
            source_uri=uri,
            destination=target.destination,
            status=ClipStatus.SKIPPED,
            code=DUPLICATE,
            message=f"the same URI is clip {repeats[ordinal]} of this list",
            same_as=repeats[ordinal],
        )
    return inspect(ordinal, uri, target, job=job, reach=reach, ports=ports)


def view_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    """Views are inspected like the URIs of a list; what is wrong with one of them fails its whole set."""
    sets = requested_sets(job, ports.state)
    taken, reach = _taken_in_sets(job, sets), ports.access.of(job)
    inspect_view = partial(_inspect_view, job=job, taken=taken, reach=reach, ports=ports)
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
            destination, _ = destination_of(job, parse_object(view.source_uri), view.ordinal)
            taken.setdefault(destination, view.source_uri)
    return taken


def _inspect_view(
    view: ManifestEntry, *, job: Job, taken: Mapping[str, str], reach: Reach, ports: ExpandPorts
) -> ManifestEntry:
    repeats = {} if view.status is ClipStatus.PENDING else {view.ordinal: view.ordinal}
    uris = {view.ordinal: view.source_uri}
    found = _inspect(view.ordinal, job=job, uris=uris, repeats=repeats, reach=reach, ports=ports)
    if found.status is ClipStatus.PENDING and taken.get(found.destination, view.source_uri) != view.source_uri:
        found = destination_taken(found)
    message = view.message or found.message
    told = replace(found, group=view.group, view=view.view, set_name=view.set_name, message=message)
    return replace(told, same_as=view.same_as)


def upload_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
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


Planner = Callable[[int, Job], ManifestEntry]
"""Plans the clip of an ordinal for its job as that is now: it may have been cancelled meanwhile."""


def clip_planner(job: Job, ports: ExpandPorts) -> Planner:
    """For single clips of a list, of sets or of uploads, from what was asked for, as the first planning does it."""
    reach = ports.access.of(job)
    if job.source.kind is SourceKind.SETS:
        sets = requested_sets(job, ports.state)
        views = [view for part in parts_of_sets(sets) for view in part]
        taken = _taken_in_sets(job, sets)
        return lambda ordinal, now: _inspect_view(views[ordinal], job=now, taken=taken, reach=reach, ports=ports)
    if job.source.kind is SourceKind.LIST:
        uris = requested_uris(job, ports.state)
        repeats = duplicates_of_first(uris)
        return lambda ordinal, now: _inspect(ordinal, job=now, uris=uris, repeats=repeats, reach=reach, ports=ports)
    claimed = claimed_uploads(job.id, ports.uploads, ports.state)
    newest = _newest(claimed)
    return lambda ordinal, now: _planned_upload((ordinal, claimed[ordinal]), job=now, newest=newest, ports=ports)


def _planned_upload(
    numbered: tuple[int, Upload], *, job: Job, newest: dict[str, str], ports: ExpandPorts
) -> ManifestEntry:
    ordinal, upload = numbered
    uri = str(s3_at(upload.bucket, upload.key))
    destination, misnamed = destination_of(job, s3_at(upload.bucket, upload.key), ordinal)
    found = ListedObject(key=upload.key, size=upload.size, etag=upload.etag, version=upload.version)
    existing: ListedObject | None = None
    if upload.sequencer < newest[upload.key]:
        fate: Fate | None = (ClipStatus.SKIPPED, "SUPERSEDED", "a later upload to the same key is in this job")
    elif job.cancel_requested:
        fate = (ClipStatus.CANCELLED, CANCELLED, CANCELLED_MESSAGE)
    else:
        fate = misnamed
        if fate is None:
            fate, existing = fate_by_existing(found, destination, job, ports)
    return pin(ordinal, uri, destination, found, fate, existing=existing)
