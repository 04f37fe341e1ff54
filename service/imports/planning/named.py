"""Plan the clips of a list and of uploads: clips that are named one by one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from service.domain.batching import duplicates_of_first
from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import InvalidUri, RateLimited
from service.domain.fates import CANCELLED, SUPERSEDED, Fate
from service.domain.jobs import Job
from service.domain.limits import MAX_SHOWN_URI, bounded
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.requests import Upload
from service.domain.uris import s3_at
from service.imports.access.reach import Reach
from service.imports.inputs.upload_lists import claimed_uploads
from service.imports.inputs.uri_list import requested_uris
from service.imports.manifest.store import read_carried
from service.imports.planning.archived import Look
from service.imports.planning.context import ExpandPorts, Part, PlanCursor
from service.imports.planning.duplicates import Ledger
from service.imports.planning.pin import destination_of, inspect, look_at_destination, pin, target_of


class Planner(Protocol):
    def __call__(self, ordinal: int, now: Job) -> ManifestEntry:
        """Plan the clip of an ordinal for its job as the job is now: it may have been cancelled meanwhile."""
        ...


Settle = Callable[[Iterable[ManifestEntry]], list[ManifestEntry]]
"""Fails clips whose destination an earlier clip of the job has."""


@dataclass(frozen=True)
class Named:
    """The clips of a list or of uploads, and how each is planned."""

    count: int
    plan: Planner


def list_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    return _parts(listed_uris(job, ports), job, cursor, ports)


def upload_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    return _parts(uploaded_clips(job, ports), job, cursor, ports)


def _parts(named: Named, job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    """Yield parts. If a store asks to wait, the clips of the part that are planned by then are carried over."""
    settle, plan = _clashes(job, cursor, ports), partial(named.plan, now=job)
    planned = read_carried(ports.state, cursor.carried)
    with ThreadPoolExecutor(ports.stat_concurrency) as pool:
        for first in range(cursor.ordinal, named.count, ports.part_clips):
            left = range(first + len(planned), min(first + ports.part_clips, named.count))
            try:
                for entry in pool.map(plan, left):
                    planned.append(entry)  # those before an error stay
            except RateLimited:
                yield Part((), planned)
                raise
            yield Part(settle(planned))
            planned = []


def _clashes(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Settle:
    """Mirrored destinations cannot clash, so only a template needs the check."""
    if job.settings.destination is None:
        return list
    ledger = Ledger.of(job.id, cursor.ordinal, cursor.rounds, (), ports.state)
    return lambda entries: [ledger.settled(entry) for entry in entries]


def listed_uris(job: Job, ports: ExpandPorts) -> Named:
    uris, reach = requested_uris(job, ports.state), ports.access.of(job)
    repeats = duplicates_of_first(uris)

    def plan(ordinal: int, now: Job) -> ManifestEntry:
        clip = ManifestEntry(ordinal=ordinal, source_uri=uris[ordinal], destination="")
        if ordinal in repeats:
            message = f"the same URI is clip {repeats[ordinal]} of this list"
            fate = Fate(ClipStatus.SKIPPED, ClipCode.DUPLICATE, message)
            clip = replace(clip.with_fate(fate), same_as=repeats[ordinal])
        return plan_uri(clip, job=now, reach=reach, ports=ports)

    return Named(len(uris), plan)


def plan_uri(clip: ManifestEntry, *, job: Job, reach: Reach, ports: ExpandPorts) -> ManifestEntry:
    """Give a named clip its destination, and pin it by a HEAD unless it has its fate already (it repeats another one).

    What is wrong with one URI becomes that clip's fate, not the job's.
    """
    try:
        location = clip.location
    except InvalidUri as error:  # the NomadicML endpoints accept it
        shown = replace(clip, source_uri=bounded(clip.source_uri, MAX_SHOWN_URI))
        return shown.with_fate(Fate.failed(error))
    target = target_of(job, location, clip.ordinal, reach)
    if clip.fate:
        return replace(clip, destination=target.destination)
    return inspect(clip.ordinal, location, target, job=job, reach=reach, ports=ports)


def uploaded_clips(job: Job, ports: ExpandPorts) -> Named:
    """Their events pinned them. Of several uploads to one key only the last one is copied.

    Sequencers of one length are compared here. S3's documentation pads others now on the left, now on the right: those
    are left to the copies, which ask S3 for the newest version.
    """
    assert ports.uploads is not None, "a preview is never of uploads"
    uploads = claimed_uploads(job.id, ports.uploads, ports.state)
    newest, look = _newest(uploads), look_at_upload(ports)

    def plan(ordinal: int, now: Job) -> ManifestEntry:
        upload = uploads[ordinal]
        at = s3_at(upload.bucket, upload.key)
        destination, misnamed = destination_of(now, at, ordinal)
        found = ListedObject(
            key=upload.key,
            size=upload.size,
            etag=upload.etag,
            version=upload.version,
            archive_hidden=now.watch is not None,
        )
        fate: Fate | None
        if upload.sequencer < newest[upload.key, len(upload.sequencer)]:
            fate = SUPERSEDED
        elif now.cancel_requested:
            fate = CANCELLED
        else:
            fate = misnamed
        pinned = replace(pin(ordinal, str(at), destination, found, fate), upload=True)
        return look_at_destination(pinned, found, now, ports, look)

    return Named(len(uploads), plan)


def look_at_upload(ports: ExpandPorts) -> Look:
    """Inspect uploads by the service's own role, which reads the drop bucket and watched buckets."""
    return lambda entry: ports.storage.stat(entry.location, version=entry.version)


def _newest(uploads: Sequence[Upload]) -> dict[tuple[str, int], str]:
    """The last upload's sequencer by key and length."""
    newest: dict[tuple[str, int], str] = {}
    for upload in uploads:
        among = upload.key, len(upload.sequencer)
        newest[among] = max(newest.get(among, ""), upload.sequencer)
    return newest
