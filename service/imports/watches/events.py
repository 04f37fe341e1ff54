"""Import the objects that appear in watched buckets. Like uploads they gather: many objects become few imports."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from service.domain.errors import UnknownExecutionSettings
from service.domain.filters import selection
from service.domain.ids import new_job_id
from service.domain.jobs import Door, Job, Source, SourceKind, WatchCause, WatchRun
from service.domain.objects import ListedObject
from service.domain.requests import ImportRequest, ImportSettings, Upload
from service.domain.watches import Watch, request_of
from service.imports.intake.arrivals import Arrival
from service.imports.intake.gather import GatherPorts, gather
from service.imports.lifecycle.new_job import job_of
from service.ports.watches import WatchReader
from service.support.parallel import by_turns, each

WATCHES_AT_ONCE = 16
"""Watches that take objects at the same time. Each takes 1,000 objects in some ten transactions, and a project may have
100 watches, but the function has a minute."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ArrivalPorts:
    gathering: GatherPorts
    watches: WatchReader
    saved_settings: Callable[[str, str], ImportSettings]
    """Reads a preset, by project and id. Raises `UnknownExecutionSettings`."""


def accept_arrivals(arrivals: Sequence[Arrival], ports: ArrivalPorts) -> int:
    """Give each object an import of each watch that wants it; return the number of objects taken, one for each watch.

    A watch that fails, or many watches of one project, hold up no other project's. The first error is raised after all
    had their turn; the same objects can be handed in again.
    """
    by_bucket: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        by_bucket.setdefault(arrival.upload.bucket, []).append(arrival)
    watches = [watch for bucket in by_bucket for watch in ports.watches.of_bucket(bucket)]
    taken = each(
        lambda watch: _take(watch, by_bucket[watch.location.bucket], ports),
        by_turns(watches, lambda watch: watch.project),
        threads=WATCHES_AT_ONCE,
        to_the_end=True,
    )
    return sum(taken)


def _take(watch: Watch, arrivals: Sequence[Arrival], ports: ArrivalPorts) -> int:
    wanted = _wanted(watch, arrivals)
    if not wanted:
        return 0
    try:
        request = _request(watch, ports)
    except UnknownExecutionSettings as error:
        # The tick reports the watch as failing, and a run makes up for these objects once it can run again.
        log.warning("watch %s takes no events: %s", watch.id, error.message)
        return 0

    def new_job() -> Job:
        return job_of(
            request,
            Source(kind=SourceKind.UPLOAD, uri=watch.root_path),
            job_id=new_job_id(),
            project=watch.project,
            now=ports.gathering.clock(),
            door=Door.WATCH,
            key_id=watch.created_by,
            watch=WatchRun(id=watch.id, cause=WatchCause.EVENTS),
        )

    gather(wanted, new_job, ports.gathering)
    return len(wanted)


def _wanted(watch: Watch, arrivals: Sequence[Arrival]) -> list[Upload]:
    """The objects below the watch's prefix that its filters accept, each claimed for this watch alone.

    Without their versions: a copy is of the object that lies at the key now, if it has the event's ETag. So an older
    event never replaces what a later one brought, whichever import is faster.
    """
    prefix = watch.location.key
    chosen = selection(watch.filters, prefix)
    return [
        replace(upload, identity=_identity(watch, upload), version=None)
        for upload, time in ((arrival.upload, arrival.time) for arrival in arrivals)
        if upload.key.startswith(prefix) and chosen.wants(_listed(upload, time))
    ]


def _identity(watch: Watch, upload: Upload) -> str:
    return hashlib.sha256(f"{watch.id}\0{upload.identity}".encode()).hexdigest()


def _listed(upload: Upload, time: str) -> ListedObject:
    return ListedObject(key=upload.key, size=upload.size, etag=upload.etag, version=upload.version, modified=time)


def _request(watch: Watch, ports: ArrivalPorts) -> ImportRequest:
    request = request_of(watch)
    preset = watch.execution_settings_id
    return replace(request, settings=ports.saved_settings(watch.project, preset)) if preset else request
