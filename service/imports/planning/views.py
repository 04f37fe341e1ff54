"""Plan the views of sets. What is wrong with one view fails its whole set."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from service.domain.clips import ClipStatus
from service.domain.errors import InvalidUri
from service.domain.fates import DESTINATION_TAKEN
from service.domain.jobs import Job
from service.domain.manifest import ManifestEntry
from service.domain.requests import ViewSet
from service.imports.inputs.view_sets import parts_of_sets, requested_sets
from service.imports.planning.context import ExpandPorts, Part, PlanCursor
from service.imports.planning.named import Planner, plan_uri
from service.imports.planning.pin import destination_of
from service.imports.results.set_fates import whole_sets_or_failed


def view_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    sets = requested_sets(job, ports.state)
    plan = _planner(job, sets, ports)
    with ThreadPoolExecutor(ports.stat_concurrency) as pool:
        for views in parts_of_sets(sets, first=cursor.ordinal, part_clips=ports.part_clips):
            yield Part(whole_sets_or_failed(pool.map(lambda view: plan(view, job), views)), sets=True)


def view_planner(job: Job, ports: ExpandPorts) -> Planner:
    """Plan single views, for a retry."""
    sets = requested_sets(job, ports.state)
    views, plan = [view for part in parts_of_sets(sets) for view in part], _planner(job, sets, ports)
    return lambda ordinal, now: plan(views[ordinal], now)


def _planner(job: Job, sets: Sequence[ViewSet], ports: ExpandPorts) -> Callable[[ManifestEntry, Job], ManifestEntry]:
    taken, reach = _taken(job, sets), ports.access.of(job)

    def plan(view: ManifestEntry, now: Job) -> ManifestEntry:
        found = plan_uri(view, job=now, reach=reach, ports=ports)
        if found.status is ClipStatus.PENDING and taken.get(found.destination, view.source_uri) != view.source_uri:
            found = found.with_fate(DESTINATION_TAKEN)
        return replace(found, group=view.group, view=view.view, set_name=view.set_name, same_as=view.same_as)

    return plan


def _taken(job: Job, sets: Sequence[ViewSet]) -> dict[str, str]:
    """Destination → the first source that has it, where a template names the clips. Sets may share a source."""
    taken: dict[str, str] = {}
    if job.settings.destination is not None:
        for view in (view for part in parts_of_sets(sets) for view in part):
            with suppress(InvalidUri):
                destination, _ = destination_of(job, view.location, view.ordinal)
                taken.setdefault(destination, view.source_uri)
    return taken
