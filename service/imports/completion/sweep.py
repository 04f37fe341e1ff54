"""Find imports whose execution is gone, and start, complete or conclude them: the backstop for lost work.

It also starts the next execution of an import that waited for restores, when that is due.

A sweep has a time budget and continues where the last one stopped, so no job, however large, delays the others.
"""

import json
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Protocol, TypeVar

from service.domain.ends import Delivery, DeliveryStatus, End
from service.domain.errors import FinishIncomplete, NotFound, SweepIncomplete
from service.domain.ids import conclusion_name, execution_name
from service.domain.jobs import ActiveJob
from service.domain.state_keys import SWEEP_POSITIONS
from service.imports.completion.context import CHILD_SECONDS, FinishPorts
from service.imports.completion.finish import finish
from service.imports.lifecycle.start import start
from service.ports.delivery import ExecutionState, Workflow
from service.ports.jobs import EndStore

log = logging.getLogger(__name__)

ORPHAN_SECONDS = 15
"""Seconds of a sweep that one orphan may use, so that others get their turn."""
CONCLUSION_FAILURES = 8
"""Maximum executions to conclude one completion, each after twice the wait: 8 hours in total."""

GIVEN_UP = "the service could not report the completion; see its log"


@dataclass(frozen=True, kw_only=True)
class SweepPorts:
    finish: FinishPorts
    ends: EndStore
    workflow: Workflow
    grace_seconds: int


@dataclass
class Swept:
    started: list[str] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)
    """Jobs that waited for restores and whose next execution was started."""
    ended: list[str] = field(default_factory=list)
    continued: list[str] = field(default_factory=list)
    """Jobs so large that the next sweep continues to account for them."""
    concluding: list[str] = field(default_factory=list)
    """Jobs for which an execution was started to conclude them."""
    given_up: list[str] = field(default_factory=list)
    """Jobs that were closed although some steps failed."""


def sweep(ports: SweepPorts, *, seconds_left: Callable[[], float] = lambda: math.inf) -> Swept:
    """Check the active jobs for half of the time, then the open completions, then those whose uploads are due.

    Raises `SweepIncomplete` at the end if the check of a job failed; all others were checked.
    """
    now = datetime.fromisoformat(ports.finish.clock())
    swept, failed = Swept(), list[str]()
    positions = _read_positions(ports)
    half = seconds_left() / 2

    def look_after(job: ActiveJob) -> None:
        until = max(half, seconds_left() - ORPHAN_SECONDS)
        _look_after(job, now, swept, ports, lambda: seconds_left() < until)

    jobs = _in_turn(lambda after: ports.finish.jobs.active(after=after), positions.jobs)
    stopped_at = _each(jobs, look_after, lambda: seconds_left() < half, failed)
    ends = _in_turn(lambda after: ports.ends.open(after=after), positions.ends)
    last_end = _each(ends, lambda end: _see_to_conclusion(end, now, swept, ports), lambda: seconds_left() < 0, failed)
    reached = Positions(jobs=stopped_at, ends=last_end)
    if reached != positions:
        ports.finish.state.put(SWEEP_POSITIONS, json.dumps(asdict(reached)).encode())
    _each(
        ports.ends.due(ports.finish.clock()),
        lambda end: _conclude_again(end, 0, swept, ports),
        lambda: seconds_left() < 0,
        failed,
    )
    if failed:
        raise SweepIncomplete(f"the sweep failed for {len(failed)} jobs, first: {failed[0]}")
    return swept


@dataclass(frozen=True, kw_only=True)
class Positions:
    """The last job and the last completion that a sweep checked; empty if it checked all."""

    jobs: str = ""
    ends: str = ""


class _Placed(Protocol):
    @property
    def position(self) -> str: ...


Item = TypeVar("Item", bound=_Placed)


def _in_turn(read: Callable[[str], Iterator[Item]], after: str) -> Iterator[Item]:
    """Yield the items after the position, then the others."""
    yield from read(after)
    if after:
        yield from takewhile(lambda item: item.position <= after, read(""))


def _each(
    items: Iterator[Item], look_after: Callable[[Item], None], out_of_time: Callable[[], bool], failed: list[str]
) -> str:
    """Return the position where time ran out; empty if all items had their turn. A failed item does not stop others."""
    for item in items:
        try:
            look_after(item)
        except Exception:
            log.exception("the sweep failed for %s", item.position)
            failed.append(item.position)
        if out_of_time():
            return item.position
    return ""


def _read_positions(ports: SweepPorts) -> Positions:
    try:
        return Positions(**json.loads(ports.finish.state.get(SWEEP_POSITIONS)))
    except NotFound:
        return Positions()


def _look_after(
    job: ActiveJob, now: datetime, swept: Swept, ports: SweepPorts, out_of_time: Callable[[], bool]
) -> None:
    if not _untouched(job.updated_at, now, ports.grace_seconds):
        return
    waits = job.resume_at is not None and datetime.fromisoformat(job.resume_at) > now
    if waits and not job.cancel_requested:
        return
    match ports.workflow.state(execution_name(job.id, job.run, job.resumes)):
        case ExecutionState.ABSENT:
            start(job, ports.workflow)
            (swept.resumed if job.resume_at else swept.started).append(job.id)
        case ExecutionState.ENDED if _untouched(job.updated_at, now, CHILD_SECONDS):
            reason = "the import's execution was aborted, timed out or failed"
            try:
                finish(job.id, run=job.run, error=reason, ports=ports.finish, out_of_time=out_of_time)
            except FinishIncomplete:
                swept.continued.append(job.id)
            else:
                swept.ended.append(job.id)
        case _:
            pass


def _see_to_conclusion(end: End, now: datetime, swept: Swept, ports: SweepPorts) -> None:
    if not _untouched(end.touched_at, now, ports.grace_seconds * 2**end.failures):
        return
    own = execution_name(end.job_id, end.run, end.resumes)  # an attempt's own execution also concludes it
    if end.executions:
        own = conclusion_name(end.job_id, end.ended_at, end.executions)
    state = ports.workflow.state(own)
    if state is ExecutionState.RUNNING:
        return
    if state is ExecutionState.ABSENT and end.executions:
        ports.workflow.conclude(end)
        swept.concluding.append(end.job_id)
    elif end.failures >= CONCLUSION_FAILURES:
        webhook = end.webhook
        if not end.uploads_due:  # else everybody was notified, days ago
            webhook = webhook or Delivery(ended_at=end.ended_at)
            if webhook.status is DeliveryStatus.PENDING:
                webhook = replace(webhook, status=DeliveryStatus.FAILED, last_error=GIVEN_UP)
        ports.ends.save(replace(end, webhook=webhook, uploads_due="", closed=True), now=ports.finish.clock())
        swept.given_up.append(end.job_id)
    else:
        _conclude_again(end, end.failures + 1, swept, ports)


def _conclude_again(end: End, failures: int, swept: Swept, ports: SweepPorts) -> None:
    restarted = ports.ends.restart(end, failures=failures, webhook=end.webhook, now=ports.finish.clock())
    if restarted:
        ports.workflow.conclude(restarted)
        swept.concluding.append(end.job_id)


def _untouched(touched_at: str, now: datetime, seconds: int) -> bool:
    return now - datetime.fromisoformat(touched_at) >= timedelta(seconds=seconds)
