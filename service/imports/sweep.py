"""Find jobs that nothing works on any more, and start or end them: the backstop against jobs that never end."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.errors import SweepIncomplete
from service.imports.finish import FinishPorts, finish
from service.imports.submit import start
from service.ports import ExecutionState, Workflow
from service.schema import Job

log = logging.getLogger(__name__)

CHILD_SECONDS = 900
"""A copy function may go on this long after its execution was ended (Lambda), so such a job is left alone."""


@dataclass(frozen=True, kw_only=True)
class SweepPorts:
    finish: FinishPorts
    workflow: Workflow
    grace_seconds: int


@dataclass
class Swept:
    started: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)


def sweep(ports: SweepPorts) -> Swept:
    """One pass over the jobs without a terminal status.

    Raises `SweepIncomplete` after the pass where a job could not be looked after; the others were.
    """
    now = datetime.fromisoformat(ports.finish.clock())
    swept, failed = Swept(), []
    for job in ports.finish.jobs.active():
        try:
            _look_after(job, now, swept, ports)
        except Exception:
            log.exception("job %s cannot be looked after", job.id)
            failed.append(job.id)
    if failed:
        raise SweepIncomplete(f"{len(failed)} jobs could not be looked after, first: {failed[0]}")
    return swept


def _look_after(job: Job, now: datetime, swept: Swept, ports: SweepPorts) -> None:
    if not _untouched(job, now, ports.grace_seconds):
        return
    match ports.workflow.state(job.id):
        case ExecutionState.ABSENT:
            start(job, ports.workflow)
            swept.started.append(job.id)
        case ExecutionState.ENDED if _untouched(job, now, CHILD_SECONDS):
            finish(job.id, error="the job's execution was aborted, timed out or failed", ports=ports.finish)
            swept.ended.append(job.id)
        case _:
            pass


def _untouched(job: Job, now: datetime, seconds: int) -> bool:
    return now - datetime.fromisoformat(job.updated_at) >= timedelta(seconds=seconds)
