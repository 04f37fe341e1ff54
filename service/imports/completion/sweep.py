"""Find jobs that nothing works on any more, and start, end or conclude them: the backstop against what gets lost."""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from service.domain.ends import Delivery, DeliveryStatus, End
from service.domain.errors import SweepIncomplete
from service.domain.ids import conclusion_name, execution_name
from service.domain.jobs import Job
from service.imports.completion.context import FinishPorts
from service.imports.completion.finish import finish
from service.imports.lifecycle.start import start
from service.ports.delivery import ExecutionState, Workflow
from service.ports.jobs import EndStore

log = logging.getLogger(__name__)

CHILD_SECONDS = 900
"""A copy function may go on this long after its execution was ended (Lambda), so such a job is left alone."""


CONCLUSION_FAILURES = 8
"""Executions that are started for a conclusion which nobody brings to its end, each after twice the time: 8 hours."""

GIVEN_UP = "the service could not conclude the import; its log says why"


@dataclass(frozen=True, kw_only=True)
class SweepPorts:
    finish: FinishPorts
    ends: EndStore
    workflow: Workflow
    grace_seconds: int


@dataclass
class Swept:
    started: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    concluding: list[str] = field(default_factory=list)
    """Jobs whose conclusion got an execution of its own."""
    given_up: list[str] = field(default_factory=list)
    """Jobs whose conclusion is over though not all of it could be done."""


def sweep(ports: SweepPorts) -> Swept:
    """One pass over the jobs without a terminal status, and one over the ends that are not concluded.

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
    for end in ports.ends.open():
        try:
            _see_to_conclusion(end, now, swept, ports)
        except Exception:
            log.exception("the end of job %s cannot be looked after", end.job_id)
            failed.append(end.job_id)
    if failed:
        raise SweepIncomplete(f"{len(failed)} jobs could not be looked after, first: {failed[0]}")
    return swept


def _look_after(job: Job, now: datetime, swept: Swept, ports: SweepPorts) -> None:
    if not _untouched(job.updated_at, now, ports.grace_seconds):
        return
    match ports.workflow.state(execution_name(job.id, job.run)):
        case ExecutionState.ABSENT:
            start(job, ports.workflow)
            swept.started.append(job.id)
        case ExecutionState.ENDED if _untouched(job.updated_at, now, CHILD_SECONDS):
            reason = "the job's execution was aborted, timed out or failed"
            finish(job.id, run=job.run, error=reason, ports=ports.finish)
            swept.ended.append(job.id)
        case _:
            pass


def _see_to_conclusion(end: End, now: datetime, swept: Swept, ports: SweepPorts) -> None:
    if not _untouched(end.touched_at, now, ports.grace_seconds * 2**end.failures):
        return
    own = execution_name(end.job_id, end.run)  # which concludes the end that it brings about
    if end.executions:
        own = conclusion_name(end.job_id, end.ended_at, end.executions)
    state = ports.workflow.state(own)
    if state is ExecutionState.RUNNING:
        return
    if state is ExecutionState.ABSENT and end.executions:
        ports.workflow.conclude(end)
        swept.concluding.append(end.job_id)
    elif end.failures >= CONCLUSION_FAILURES:
        webhook = end.webhook or Delivery(ended_at=end.ended_at, status=DeliveryStatus.PENDING)
        if webhook.status is DeliveryStatus.PENDING:
            webhook = replace(webhook, status=DeliveryStatus.FAILED, last_error=GIVEN_UP)
        ports.ends.save(replace(end, webhook=webhook, closed=True), now=ports.finish.clock())
        swept.given_up.append(end.job_id)
    else:
        restarted = ports.ends.restart(end, failures=end.failures + 1, webhook=end.webhook, now=ports.finish.clock())
        if restarted:
            ports.workflow.conclude(restarted)
            swept.concluding.append(end.job_id)


def _untouched(touched_at: str, now: datetime, seconds: int) -> bool:
    return now - datetime.fromisoformat(touched_at) >= timedelta(seconds=seconds)
