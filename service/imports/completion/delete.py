"""Delete an import's record. Its clips stay in the clips bucket.

A request hides the job at once. A quarter of an hour later the sweep begins to remove its rows and files, in slices,
minute by minute.
"""

import logging
from collections.abc import Callable

from service.domain.errors import NotEnded, SweepIncomplete
from service.domain.state_keys import job_files
from service.imports.completion.context import CHILD_SECONDS, FinishPorts
from service.imports.queries.status import get_job
from service.ports.jobs import JobStore
from service.ports.state import Clock
from service.support.clock import seconds_before

log = logging.getLogger(__name__)


def delete(job_id: str, *, project: str, jobs: JobStore, clock: Clock) -> None:
    """Hide the job from all requests. Raises `NotFound`, `NotEnded`."""
    job = get_job(job_id, project=project, jobs=jobs)
    if not job.status.terminal:
        raise NotEnded(f"import {job_id} is {job.status}: cancel it, or wait until it completes")
    if not jobs.delete(job_id, clock()):
        job = get_job(job_id, project=project, jobs=jobs)  # another request deleted or retried it in between
        raise NotEnded(f"import {job_id} is {job.status}: it is being retried by another request")


def purge(ports: FinishPorts, *, out_of_time: Callable[[], bool]) -> list[str]:
    """Remove rows and files of deleted jobs until none are left or `out_of_time()` is true; return the finished ids.

    Leaves out jobs that were deleted less than `CHILD_SECONDS` ago: a function that was called before the job ended may
    still be at work, and would write rows and files that nothing removes. Safe to stop and repeat anywhere: a job stays
    on the list until only its tombstone is left. Raises `SweepIncomplete` at the end if some could not be purged; all
    others had their turn.
    """
    done, failed = list[str](), list[str]()
    for job_id in ports.jobs.deleted(before=seconds_before(ports.clock(), CHILD_SECONDS)):
        if out_of_time():
            break
        try:
            if not _emptied(job_id, ports, out_of_time):
                break
            ports.jobs.bury(job_id)
            done.append(job_id)
        except Exception:
            log.exception("deleted import %s cannot be purged", job_id)
            failed.append(job_id)
    if failed:
        raise SweepIncomplete(f"{len(failed)} deleted imports could not be purged, first: {failed[0]}")
    return done


def _emptied(job_id: str, ports: FinishPorts, out_of_time: Callable[[], bool]) -> bool:
    slices: tuple[Callable[[], bool], ...] = (
        lambda: ports.clips.delete_some(job_id),
        lambda: ports.state.delete_some(job_files(job_id)),
        lambda: ports.jobs.delete_some(job_id),
    )
    for some_left in slices:
        while some_left():
            if out_of_time():
                return False
    return True
