"""Play AWS around the functions: state machine, queue and schedule, with their retries and catches."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from logging import Filter, LogRecord
from typing import TypeVar

from lambdas.on_upload import WAIT_SECONDS
from service.domain.errors import (
    BatchIncomplete,
    ClipferryError,
    FinishIncomplete,
    SelectionIncomplete,
    ServiceBusy,
    SourceUnavailable,
    SweepIncomplete,
    TableBusy,
)
from service.domain.jobs import Tally
from service.domain.manifest import Batch
from service.domain.requests import Upload
from service.imports.completion.conclude import conclude
from service.imports.completion.delete import log as purge_log
from service.imports.completion.delete import purge
from service.imports.completion.delete_sources import delete_sources
from service.imports.completion.finish import finish
from service.imports.completion.sweep import log as sweep_log
from service.imports.completion.sweep import sweep
from service.imports.copying.batch import Restoring, Unfinished, copy_batch
from service.imports.intake.drop_bucket import accept_uploads
from service.imports.lifecycle.turns import Wait
from service.imports.manifest.format import decode_batches
from service.imports.planning.context import PlanCursor, Planned
from service.imports.planning.plan import plan
from service.ports.delivery import ExecutionState
from tests.builders import SOURCE_BUCKET, World, never
from tests.model.ledger import Ledger, Violation
from tests.model.process import Busy, Chaos, Process, copy_ports, delete_ports, seen_by
from tests.model.scheduler import Actor, Killed, Scheduler

PASSING = (BatchIncomplete, FinishIncomplete, SelectionIncomplete, ServiceBusy, SourceUnavailable, TableBusy)
"""Errors that the state machine tries again, with their subclasses (`stacks.retries.PASSING`)."""
PACES = (0, 0, 0, 0.1, 2, 20)
"""How many seconds a request takes at most; one of them for each call."""
PACES_OF_LATE = (0, 2, 20, 60)
"""The same for calls whose callers have lost them."""
RESTORED = 0.05
"""How likely a requested restore is complete a minute later."""
UNANSWERED = 0.2
"""How likely the answer is lost to a function that sends messages again."""
QUIET_ROUNDS = 2_000
"""Sweeps after which everything must be over: more than CONCLUSION_FAILURES takes."""

Answer = TypeVar("Answer")


class StepFailed(Exception):
    """A step of the state machine used all its tries, or met an error that is not tried again."""


@dataclass
class Aws:
    world: World
    scheduler: Scheduler
    chaos: Chaos
    ledger: Ledger
    late: float
    """How likely the caller of a function loses it: it calls it again while the first call goes on."""
    short: float
    """How likely a call's time is over when the function looks."""
    tries: int
    """How often a step is tried. The state machine tries up to 16 times; fewer come to its Catch more often."""
    queue: list[tuple[float, Upload]] = field(default_factory=list)
    """Messages, and when each is visible."""
    busy_users: int = 0
    aborted: set[str] = field(default_factory=set)
    _known: set[str] = field(default_factory=set)
    _calls: int = 0

    # --- calls -------------------------------------------------------------------------------------------------------

    def process(self, actor: Actor, name: str, job_id: str | None = None, run: int = 0) -> Process:
        self._calls += 1
        project = self.ledger.projects.get(job_id) if job_id else None
        pace = self.scheduler.random.choice(PACES) if self.busy_users else 0
        return Process(
            f"{name}.{self._calls}",
            actor,
            self.scheduler,
            self.chaos,
            self.ledger,
            job_id=job_id,
            run=run,
            project=project,
            pace=pace,
        )

    def call(
        self, actor: Actor, name: str, function: Callable[[Process, World], Answer], job_id: str | None, run: int = 0
    ) -> Answer:
        """Run a function to its end. Raises what the state machine, or a client, would see; `Busy` for a lost call."""
        process = self.process(actor, name, job_id, run)
        if self.scheduler.random.random() < self.late:
            self.ledger.events["call lost"] += 1
            self.scheduler.note(f"{process.name}: lost by its caller")
            process.pace = self.scheduler.random.choice(PACES_OF_LATE)
            self.scheduler.spawn(process.name, lambda own: self._alone(own, process, function))
            self.scheduler.sleep(actor, self.scheduler.random.choice((1, 20, 200)))
            raise Busy("no answer")
        return self._run(process, function)

    def _run(self, process: Process, function: Callable[[Process, World], Answer]) -> Answer:
        try:
            answer = function(process, seen_by(process, self.world))
        finally:
            process.dead = True
            self.start_executions()
        return answer

    def _alone(self, actor: Actor, process: Process, function: Callable[[Process, World], object]) -> None:
        process.actor = actor
        try:
            self._run(process, function)
        except (Busy, ClipferryError) as error:
            self.scheduler.note(f"{process.name}: {type(error).__name__}")

    def time_over(self) -> bool:
        return self.scheduler.random.random() < self.short

    # --- the state machine -------------------------------------------------------------------------------------------

    def start_executions(self) -> None:
        """Begin each execution that was started since the last look."""
        flow = self.world.workflow
        for name, wait in flow.waits.items():
            if name not in self._known:
                self._known.add(name)
                job_id, run = _named(name)
                self.scheduler.spawn(name, partial(self._import, name, job_id, run, wait))
        for name, end in flow.conclusions.items():
            if name not in self._known:
                self._known.add(name)
                self.scheduler.spawn(name, partial(self._conclusion, name, end.job_id, end.ended_at))

    def abort(self, name: str) -> None:
        """Stop an execution as an operator may; what it calls at that moment goes on."""
        self.aborted.add(name)
        self.world.workflow.states[name] = ExecutionState.ENDED
        self.ledger.events["execution aborted"] += 1

    @contextmanager
    def _execution(self, name: str) -> Iterator[None]:
        try:
            yield
        except StepFailed as failed:
            self.ledger.events["execution failed"] += 1
            self.scheduler.note(f"{name}: failed by {failed}")
        self.world.workflow.states[name] = ExecutionState.ENDED

    def _import(self, name: str, job_id: str, run: int, wait: int, actor: Actor) -> None:
        self.scheduler.sleep(actor, wait)
        with self._execution(name):
            error = None
            try:
                self._plan_and_copy(name, job_id, run, actor)
            except StepFailed as failed:
                error = str(failed)
            if name in self.aborted:
                return
            ended = self.step(
                actor,
                name,
                "finish",
                lambda _process, view: finish(
                    job_id, run=run, error=error, ports=view.finish_ports, out_of_time=self.time_over
                ),
                job_id,
                run,
            )
            if ended.at and name not in self.aborted:
                self._conclude(actor, name, job_id, ended.at)

    def _plan_and_copy(self, name: str, job_id: str, run: int, actor: Actor) -> None:
        cursor: PlanCursor | None = PlanCursor()
        while cursor is not None:
            planned = self.step(actor, name, "plan", partial(self._planned, job_id, run, cursor), job_id, run)
            cursor = planned.cursor
        if not planned.batches:
            return
        children = list(decode_batches(self.world.state.files.get(planned.batches_key, b"")))
        left = len(children)

        def live(batch: Batch, own: Actor) -> None:
            nonlocal left
            try:
                self._copy(own, name, batch)
            except StepFailed as failed:
                self.ledger.events["child failed"] += 1
                self.scheduler.note(f"{name}: batch {batch.number} failed by {failed}")
            left -= 1

        for batch in children:
            self.scheduler.spawn(f"{name}/{batch.number}", partial(live, batch))
        while left and name not in self.aborted:
            self.scheduler.sleep(actor, 1)

    def _planned(self, job_id: str, run: int, cursor: PlanCursor, _process: Process, view: World) -> Planned:
        return plan(job_id, cursor, run=run, out_of_time=self.time_over, ports=view.plan_ports)

    def _copy(self, actor: Actor, name: str, batch: Batch) -> None:
        round_number, done = 0, False
        while not done and name not in self.aborted:
            outcome = self.step(
                actor,
                name,
                "copy",
                None,
                batch.job_id,
                batch.run,
                numbered=partial(self._copied, batch, round_number),
            )
            round_number, done = round_number + 1, not isinstance(outcome, Unfinished)

    def _copied(
        self, batch: Batch, round_number: int, attempt: int, process: Process, view: World
    ) -> Tally | Unfinished | Restoring | None:
        process.batch = batch.number
        outcome = copy_batch(
            batch,
            attempt=attempt,
            round_number=round_number,
            out_of_time=self.time_over,
            ports=copy_ports(process, view),
        )
        assert not isinstance(outcome, Wait), "the model's batches take no turns"
        self.ledger.events["waited for restores"] += isinstance(outcome, Restoring)
        return outcome

    def _sources_deleted(self, job_id: str, ended_at: str, process: Process, view: World) -> None:
        delete_sources(job_id, ended_at, out_of_time=self.time_over, ports=delete_ports(process, view))

    def _conclusion(self, name: str, job_id: str, ended_at: str, actor: Actor) -> None:
        with self._execution(name):
            self._conclude(actor, name, job_id, ended_at)

    def _conclude(self, actor: Actor, name: str, job_id: str, ended_at: str) -> None:
        while name not in self.aborted:
            concluded = self.step(
                actor,
                name,
                "conclude",
                lambda _process, view: conclude(
                    job_id, ended_at, out_of_time=self.time_over, ports=view.conclude_ports, can_delete=True
                ),
                job_id,
            )
            if concluded.done:
                return
            if concluded.delete_sources:
                self.step(actor, name, "delete_sources", partial(self._sources_deleted, job_id, ended_at), job_id)
                continue
            self.scheduler.sleep(actor, concluded.wait_seconds)

    def step(
        self,
        actor: Actor,
        execution: str,
        name: str,
        function: Callable[[Process, World], Answer] | None,
        job_id: str,
        run: int = 0,
        *,
        numbered: Callable[[int, Process, World], Answer] | None = None,
    ) -> Answer:
        """Run a task state with its retries. Raises `StepFailed` with the name of the last error."""
        passing = crashes = 0
        while True:
            work = partial(numbered, passing + crashes) if numbered else function
            assert work is not None
            try:
                return self.call(actor, name, work, job_id, run)
            except (Busy, *PASSING) as error:
                passing += 1
                if passing == self.tries:
                    raise StepFailed(type(error).__name__) from error
            except Killed:
                if self.scheduler.failure is not None:
                    raise
                crashes += 1
                if crashes == self.tries:
                    raise StepFailed("Sandbox.Timedout") from None
            except ClipferryError as error:
                raise StepFailed(type(error).__name__) from error
            if execution in self.aborted:
                raise StepFailed("aborted")
            self.scheduler.sleep(actor, 5 * 2 ** (passing + crashes))

    # --- the queue ---------------------------------------------------------------------------------------------------

    def deliver(self, actor: Actor) -> None:
        """Hand the queue's messages to the function, a few at a time and in any order, until no user is left."""
        while self.queue or self.busy_users:
            self.scheduler.sleep(actor, self.scheduler.random.choice((1, 5, 60)))
            now = self.scheduler.clock.now.timestamp()
            visible = [message for message in self.queue if message[0] <= now]
            self.scheduler.random.shuffle(visible)
            some = visible[: self.scheduler.random.randint(1, 6)]
            if not some:
                continue
            uploads = [upload for _, upload in some]
            try:
                self.call(actor, "on_upload", partial(self._accept, uploads), None)
            except (Busy, Killed, ClipferryError):
                if self.scheduler.failure is not None:
                    raise
                continue  # they stay in the queue
            self.queue = [message for message in self.queue if message not in some]

    def _accept(self, uploads: Sequence[Upload], _process: Process, view: World) -> None:
        """Manifests that wait for room come again. SQS may take them and the function's answer be lost."""
        again_at = self.scheduler.clock.now.timestamp() + WAIT_SECONDS
        waiting = accept_uploads(uploads, view.upload_ports)
        if waiting:
            self.ledger.events["manifest waited for room"] += 1
            self.queue += [(again_at, upload) for upload in waiting]
            if self.busy_users and self.scheduler.random.random() < UNANSWERED:
                raise Busy("SQS took the messages and did not answer")

    # --- the schedule ------------------------------------------------------------------------------------------------

    def sweep_until_quiet(self, actor: Actor, quiet: Callable[[], bool]) -> None:
        """Sweep every minute, as long as anything is left to do. S3 restores something now and then."""
        for _ in range(QUIET_ROUNDS):
            self.scheduler.sleep(actor, 60)
            self._restore_some()
            try:
                self.call(actor, "sweep", self._sweep, None)
            except (Busy, SweepIncomplete, ClipferryError):
                continue
            except Killed:
                if self.scheduler.failure is not None:
                    raise
            if quiet():
                return
        raise Violation("the sweep did not come to an end of its work")

    def _restore_some(self) -> None:
        storage = self.world.storage
        for key in list(storage.restores):
            if self.scheduler.random.random() < RESTORED:
                storage.restored(SOURCE_BUCKET, key)
                del storage.restores[key]

    def _sweep(self, _process: Process, view: World) -> None:
        try:
            sweep(view.sweep_ports)
        finally:
            purge(view.finish_ports, out_of_time=never)


def _named(execution: str) -> tuple[str, int]:
    """Return the import and the attempt of an execution (`execution_name`)."""
    job_id, *rest = re.split("-[rw]", execution)
    return job_id, int(rest[0]) if "-r" in execution else 0


class Swallowed(Filter):
    """The sweep and the purge log an error of one job and go on: raise it, unless it is one that a request may meet."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self.scheduler = scheduler

    def filter(self, record: LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, (Busy, ClipferryError)):
            self.scheduler.fail(error)
        return False


@contextmanager
def swallowing_nothing(scheduler: Scheduler) -> Iterator[None]:
    heard = Swallowed(scheduler)
    for log in (sweep_log, purge_log):
        log.addFilter(heard)
    try:
        yield
    finally:
        for log in (sweep_log, purge_log):
            log.removeFilter(heard)
