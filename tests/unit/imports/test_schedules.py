"""Random schedules of everything at once: deliveries, duplicates, crashes, retries, cancels, aborts, sweeps.

Whatever happens in whatever order: each upload ends in exactly one job, counts always sum, rows and counts agree, every
job ends and remembers each of its runs.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.domain.clips import ClipStatus
from service.domain.ends import End
from service.domain.errors import BatchIncomplete, NotEnded, NothingToRetry, SourceUnavailable, SweepIncomplete
from service.domain.ids import end_id, execution_name
from service.domain.jobs import Job
from service.domain.manifest import Batch
from service.domain.progress import runs_after
from service.domain.requests import ImportSettings, Upload
from service.domain.state_keys import report_key
from service.imports.completion.conclude import conclude
from service.imports.completion.context import CHILD_SECONDS
from service.imports.completion.finish import finish
from service.imports.completion.sweep import sweep
from service.imports.copying.batch import Unfinished, copy_batch
from service.imports.extrapolation.batch import extrapolate_batch
from service.imports.extrapolation.status import extrapolation_of, is_extrapolated
from service.imports.inputs.upload_lists import decode_uploads
from service.imports.intake.drop_bucket import accept_uploads
from service.imports.intake.submit import submit
from service.imports.manifest.store import read_batches
from service.imports.planning.context import PlanCursor
from service.imports.planning.plan import plan
from service.imports.results.clip_rows import tally_of, with_rows_of_plan
from service.ports.delivery import ExecutionState
from tests.builders import DROP_BUCKET, PROJECT, SOURCE_BUCKET, World, always, an_upload, import_list, never, summing
from tests.fakes.faults import CrashError
from tests.schema import validate

TRIES = 3


@dataclass
class Child:
    """One batch in the map, as the state machine sees it."""

    batch: Batch
    attempt: int = 0
    round_number: int = 0
    copied: bool = False
    extrapolates: bool = False
    """Whether its import asks for that."""
    over: bool = False


@dataclass
class Execution:
    """One run of the state machine. A step that fails `TRIES` times leads to finish, as the Catch does."""

    job_id: str
    run: int = 0
    step: str = "plan"
    cursor: PlanCursor = field(default_factory=PlanCursor)
    tries: int = 0
    children: list[Child] | None = None
    error: str | None = None
    ended_at: str | None = None

    def to_finish(self, error: str | None = None) -> None:
        self.step, self.error, self.tries = "finish", error, 0


crash_points = st.none() | st.tuples(st.integers(1, 12), st.booleans())


class Schedule(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World(batch_clips=2, multipart_threshold=20, part_bytes=10)
        self.world.uploads.max_uploads_per_claim = 3
        self.queue: list[Upload] = []
        self.delivered: list[Upload] = []
        self.uploaded: set[str] = set()
        self.submitted: Counter[str] = Counter()
        self.executions: dict[str, Execution] = {}
        self.retried: Counter[str] = Counter()

    def attempt(self, crash: tuple[int, bool] | None, step: Callable[[], object]) -> bool:
        """Run `step` in a process that may crash; False where it did or met a passing fault."""
        if crash:
            self.world.faults.crash_in(crash[0], take_effect=crash[1])
        try:
            step()
        except (CrashError, BatchIncomplete, SourceUnavailable, SweepIncomplete, NotEnded, NothingToRetry):
            return False
        finally:
            self.world.faults.revive()
        return True

    # --- what comes in ---

    @rule(n=st.integers(0, 9), project=st.sampled_from(["", "inbox/a/"]), copies=st.integers(1, 3))
    def upload(self, n: int, project: str, copies: int) -> None:
        item = self.world.storage.put(DROP_BUCKET, f"{project}{n}.zip")
        sequencer = f"{len(self.uploaded):06d}"
        new = an_upload(item.key, sequencer=sequencer, etag=item.etag)
        self.uploaded.add(new.identity)
        self.queue += [new] * copies

    @rule(count=st.integers(1, 8), crash=crash_points)
    def deliver(self, count: int, crash: tuple[int, bool] | None) -> None:
        messages = self.queue[:count]
        if self.attempt(crash, lambda: accept_uploads(messages, self.world.upload_ports)):
            del self.queue[:count]
            self.delivered += messages

    @precondition(lambda self: self.delivered)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        self.queue.append(data.draw(st.sampled_from(self.delivered)))

    @rule(key=st.integers(0, 1), crash=crash_points)
    def request(self, key: int, crash: tuple[int, bool] | None) -> None:
        """Every second key asks for extrapolation. Of its clips one is large, and none is a zip: that is noted."""
        keys = [f"{key}/{n}.zip" for n in range(5)]
        for missing in [name for name in keys if name not in self.world.storage.buckets[SOURCE_BUCKET]]:
            self.world.storage.put_body(SOURCE_BUCKET, missing, b"x" * (35 if missing.endswith("0.zip") else 10))
        uris = [f"s3://{SOURCE_BUCKET}/{name}" for name in keys]
        asked = ImportSettings(stationary_extrapolation=bool(key))
        given = [*uris, uris[0], f"s3://{SOURCE_BUCKET}/missing"]
        request = import_list(given, idempotency_key=f"k{key}", settings=asked)

        def send() -> None:
            job = submit(request, project=PROJECT, key_id="key_1", ports=self.world.submit_ports)
            self.submitted[job.id] += 1

        self.attempt(crash, send)

    # --- what goes wrong outside ---

    @rule(key=st.integers(0, 1), n=st.integers(0, 4), faults=st.integers(1, 4))
    def throttle(self, key: int, n: int, faults: int) -> None:
        fault = SourceUnavailable("slow down", operation="copy", uri="u")
        self.world.storage.fail_copy[f"{key}/{n}.zip"] = [fault] * faults

    @rule(key=st.integers(0, 1), n=st.integers(0, 4))
    def change_source(self, key: int, n: int) -> None:
        self.world.storage.put_body(SOURCE_BUCKET, f"{key}/{n}.zip", b"changed!!!")

    @precondition(lambda self: self.world.jobs.rows)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(list(self.world.jobs.rows)))
        self.world.jobs.request_cancel(job_id, self.world.clock())

    def ended(self) -> list[Job]:
        return [job for job in self.world.jobs.rows.values() if job.status.terminal]

    @precondition(lambda self: self.ended())
    @rule(data=st.data(), some=st.booleans(), crash=crash_points)
    def retry(self, data: st.DataObject, some: bool, crash: tuple[int, bool] | None) -> None:
        job = data.draw(st.sampled_from(self.ended()))
        clips = data.draw(st.sets(st.integers(0, job.counts.total - 1), min_size=1)) if some else None
        before = (job, dict(self.world.clips.rows[job.id]))
        self.attempt(crash, lambda: self.world.retry(job.id, clips=clips))
        now = self.world.job(job.id)
        if now.run == job.run:
            assert (now, self.world.clips.rows[job.id]) == before
        else:
            self.retried[job.id] += 1
            assert now.counts == job.counts

    # --- the state machine ---

    def running(self) -> list[Execution]:
        for name in self.world.workflow.started:
            job_id, _, run = name.partition("-r")
            self.executions.setdefault(name, Execution(job_id, int(run or 0)))
        running = [execution for execution in self.executions.values() if execution.step != "over"]
        return sorted(running, key=lambda execution: self.world.job(execution.job_id).created_at)

    @precondition(lambda self: self.running())
    @rule(data=st.data(), crash=crash_points, short=st.booleans(), steps=st.integers(1, 5))
    def step(self, data: st.DataObject, crash: tuple[int, bool] | None, short: bool, steps: int) -> None:
        """Some steps of one execution; the first of them may crash."""
        execution = data.draw(st.sampled_from(self.running()))
        for number in range(steps):
            children = [child for child in execution.children or () if not child.over]
            child = data.draw(st.sampled_from(children)) if execution.step == "copy" and children else None
            if execution.step != "over":
                self.advance(execution, child, None if number else crash, short=short)

    @precondition(lambda self: self.running())
    @rule(data=st.data())
    def run_to_its_end(self, data: st.DataObject) -> None:
        """Without it few schedules would come to a retry."""
        self.complete(data.draw(st.sampled_from(self.running())))

    def complete(self, execution: Execution) -> None:
        while execution.step != "over":
            children = [child for child in execution.children or () if not child.over]
            self.advance(execution, children[0] if children else None, None, short=False)

    def advance(
        self, execution: Execution, child: Child | None, crash: tuple[int, bool] | None, *, short: bool
    ) -> None:
        if execution.step == "copy":
            if child is None:
                execution.to_finish()
            else:
                self.copy(child, crash, short=short)
            return
        take = {"plan": self.plan, "finish": self.finish, "conclude": self.conclude}[execution.step]
        if not self.attempt(crash, lambda: take(execution, short)):
            execution.tries += 1
            if execution.tries == TRIES:
                if execution.step in ("finish", "conclude"):
                    self.end(execution)
                else:
                    execution.to_finish("Lambda.Unknown")

    def plan(self, execution: Execution, short: bool) -> None:
        planned = plan(
            execution.job_id,
            execution.cursor,
            run=execution.run,
            out_of_time=always if short else never,
            ports=self.world.plan_ports,
        )
        execution.tries = 0
        if planned.cursor:
            execution.cursor = planned.cursor
        elif planned.batches:
            batches = read_batches(self.world.state, execution.job_id, execution.run)
            execution.children = [Child(batch, extrapolates=planned.extrapolate) for batch in batches]
            execution.step = "copy"
        else:
            execution.to_finish()

    def copy(self, child: Child, crash: tuple[int, bool] | None, *, short: bool) -> None:
        if child.copied:
            self.extrapolate(child, crash, short=short)
            return
        outcomes: list[object] = []

        def call() -> None:
            outcome = copy_batch(
                child.batch,
                attempt=child.attempt,
                round_number=child.round_number,
                out_of_time=always if short else never,
                ports=self.world.copy_ports,
            )
            outcomes.append(outcome)

        if self.attempt(crash, call):
            child.attempt, child.round_number = 0, child.round_number + 1
            child.copied = not isinstance(outcomes[0], Unfinished)
            child.over = child.copied and not child.extrapolates
        else:
            child.attempt += 1
            child.over = child.attempt == TRIES

    def extrapolate(self, child: Child, crash: tuple[int, bool] | None, *, short: bool) -> None:
        left: list[int] = []

        def call() -> None:
            ports = self.world.extrapolate_ports
            left.append(extrapolate_batch(child.batch, out_of_time=always if short else never, ports=ports).left)

        if self.attempt(crash, call):
            child.attempt, child.over = 0, not left[0]
        else:
            child.attempt += 1
            child.over = child.attempt == TRIES

    def begun(self) -> list[Batch]:
        return [child.batch for execution in self.executions.values() for child in execution.children or ()]

    @precondition(lambda self: self.begun())
    @rule(data=st.data(), crash=crash_points)
    def deliver_batch_again(self, data: st.DataObject, crash: tuple[int, bool] | None) -> None:
        """The first attempt may come again at any time, even in a later run."""
        batch = data.draw(st.sampled_from(self.begun()))
        self.attempt(crash, lambda: copy_batch(batch, attempt=0, ports=self.world.copy_ports))

    @precondition(lambda self: self.begun())
    @rule(data=st.data(), crash=crash_points)
    def extrapolate_again(self, data: st.DataObject, crash: tuple[int, bool] | None) -> None:
        batch = data.draw(st.sampled_from(self.begun()))
        if self.world.job(batch.job_id).settings.stationary_extrapolation:
            ports = self.world.extrapolate_ports
            self.attempt(crash, lambda: extrapolate_batch(batch, out_of_time=never, ports=ports))

    def finish(self, execution: Execution, _short: bool) -> None:
        ended = finish(execution.job_id, run=execution.run, error=execution.error, ports=self.world.finish_ports)
        execution.step, execution.tries, execution.ended_at = "conclude", 0, ended.at

    def conclude(self, execution: Execution, _short: bool) -> None:
        assert execution.ended_at is not None
        conclude(execution.job_id, execution.ended_at, out_of_time=never, ports=self.world.conclude_ports)
        self.end(execution)

    @precondition(lambda self: self.executions)
    @rule(data=st.data(), crash=crash_points)
    def finish_again(self, data: st.DataObject, crash: tuple[int, bool] | None) -> None:
        """An end whose answer was lost is called again, perhaps when the next run is under way."""
        over = [one for one in self.executions.values() if one.step == "over" and self.has_ended(one)]
        if over:
            one = data.draw(st.sampled_from(over))
            self.attempt(
                crash, lambda: finish(one.job_id, run=one.run, error="late", ports=self.world.finish_ports) and None
            )

    def has_ended(self, execution: Execution) -> bool:
        job = self.world.job(execution.job_id)
        return job.run > execution.run or job.status.terminal

    def end(self, execution: Execution) -> None:
        execution.step = "over"
        self.world.workflow.states[execution_name(execution.job_id, execution.run)] = ExecutionState.ENDED

    @precondition(lambda self: self.running())
    @rule(data=st.data())
    def abort(self, data: st.DataObject) -> None:
        self.end(data.draw(st.sampled_from(self.running())))

    # --- the sweep ---

    @rule(crash=crash_points, seconds=st.sampled_from([0, 130, CHILD_SECONDS]))
    def sweep(self, crash: tuple[int, bool] | None, seconds: int) -> None:
        self.world.clock.advance(seconds)
        self.attempt(crash, lambda: sweep(self.world.sweep_ports))

    # --- what holds ---

    @invariant()
    def counts_sum(self) -> None:
        for job in self.world.jobs.rows.values():
            assert summing(job.counts), job

    @invariant()
    def no_upload_is_in_two_jobs(self) -> None:
        assert max(self.claims().values(), default=1) == 1

    def claims(self) -> Counter[str]:
        world = self.world
        lists = [key for job_id in world.jobs.rows for key in world.uploads.lists(job_id)]
        return Counter(upload.identity for key in lists for upload in decode_uploads(world.state.files[key]))

    def teardown(self) -> None:
        """Let everything that is under way end without further trouble, then look."""
        world = self.world
        world.storage.fail_copy.clear()
        while self.queue:
            self.deliver(len(self.queue), None)
        for _ in range(4):
            while running := self.running():
                for execution in running:
                    self.complete(execution)
            world.clock.advance(CHILD_SECONDS)
            sweep(world.sweep_ports)
        assert all(job.status.terminal for job in world.jobs.rows.values()), "every job ends"
        self.check_ends()
        assert set(self.claims()) == self.uploaded, "every upload is in a job"
        assert set(self.submitted) <= set(world.jobs.rows)
        assert not world.storage.multiparts, "no upload is left unfinished"
        assert not world.large.rows
        for job in world.jobs.rows.values():
            self.check_rows(job.id)

    def check_ends(self) -> None:
        """Each run completed once, and each completion was reported, by whichever process."""
        world = self.world
        for end in list(world.workflow.conclusions.values()):
            conclude(end.job_id, end.ended_at, out_of_time=never, ports=world.conclude_ports)
        assert all(end.closed for end in world.jobs.ends.values())
        told = {str(event["event_id"]): event for event in world.bus.events}
        expected = {
            end_id(job.id, run.completed_at): (job.id, run.run, run.status, asdict(run.counts))
            for job in world.jobs.rows.values()
            for run in runs_after(job)
        }
        assert {end_id(job_id, ended_at) for job_id, ended_at in world.jobs.ends} == set(expected)
        assert expected == {
            name: (event["import_id"], event["run"], event["status"], event["counts"]) for name, event in told.items()
        }
        for end in world.jobs.ends.values():
            event = told[end_id(end.job_id, end.ended_at)]
            validate({**event, "import_id": "ij_" + 24 * "0"})
            assert event["report"] or end.run < world.job(end.job_id).run, (
                "only an end before a retry may lack its report"
            )
            if event["report"]:
                self.check_report(end)

    def check_report(self, end: End) -> None:
        """It shows the clips as they were at that end."""
        lines = self.world.files.files[report_key(end.job_id, end.ended_at, "jsonl")].splitlines()
        statuses = Counter(json.loads(line)["status"].lower() for line in lines)
        counts: Any = end.document["counts"]
        assert statuses == Counter({name: n for name, n in counts.items() if n and name not in ("total", "bytes")})

    def check_rows(self, job_id: str) -> None:
        """Every clip has one fate, counts are what the rows say, and what was copied landed."""
        world, job = self.world, self.world.jobs.rows[job_id]
        assert summing(job.counts)
        assert job.counts.pending == 0
        assert job.planned, "no prefixes here: what is asked for is known even where planning broke down"
        entries = world.manifest(job_id)
        rows = with_rows_of_plan(job, entries, world.clips.rows[job_id])
        assert sorted(rows) == [entry.ordinal for entry in entries]
        assert len(rows) - len(world.clips.rows[job_id]) == job.skipped_by_plan, "what the plan skipped has no row"
        counted = tally_of(list(rows.values()))
        fates = (job.counts.copied, job.counts.skipped, job.counts.failed, job.counts.cancelled, job.counts.bytes)
        assert fates == (counted.copied, counted.skipped, counted.failed, counted.cancelled, counted.bytes)
        recorded = {number for run, number in world.jobs.batches[job_id] if run == job.run}
        if job.planned_run == job.run:
            assert recorded == {batch.number for batch in read_batches(world.state, job_id, job.run)}
        else:
            assert job.code == "PLANNING_FAILED"
            assert not recorded
        assert job.run == self.retried[job_id] == len(job.runs), "few enough runs to remember all of them"
        assert [run.run for run in job.runs] == list(range(job.run))
        assert all(summing(run.counts) and run.counts.total == job.counts.total for run in job.runs)
        landed = [run.counts.copied + run.counts.skipped for run in job.runs]
        assert landed == sorted(landed), "what landed stays"
        for entry in entries:
            if rows[entry.ordinal].status is ClipStatus.COPIED:
                assert world.storage.copies[rows[entry.ordinal].destination or entry.destination] >= 1
        for row in rows.values():
            shown = extrapolation_of(job, row)
            asked = job.settings.stationary_extrapolation and is_extrapolated(row)
            assert (shown is not None) is asked
            assert shown is None or shown.code in ("NOT_A_ZIP", "EXTRAPOLATION_LOST", "CANCELLED")


Schedule.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestSchedule = Schedule.TestCase
