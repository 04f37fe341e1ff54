"""Several planners of one attempt: the answer of the first was lost, and the state machine called another one."""

import json
from dataclasses import replace

import pytest

from service.domain.errors import FinishIncomplete
from service.domain.jobs import Counts, JobStatus
from service.domain.state_keys import batches_key, run_plan_key
from service.imports.completion.finish import finish
from service.imports.manifest.store import read_batches
from service.imports.planning.context import PlanCursor, Planned, writer_at
from service.imports.planning.plan import plan
from tests.builders import World, always, an_entry, never, summing
from tests.fakes.faults import CrashError


def planned(world: World, job_id: str, run: int = 0) -> Planned:
    return plan(job_id, PlanCursor(), run=run, out_of_time=never, ports=world.plan_ports)


def test_a_later_planner_takes_the_plan_that_is_there() -> None:
    world = World(batch_clips=2)
    keys = world.put_sources(3)
    job = world.submit_prefix()
    first = planned(world, job.id)
    for key in keys[:2]:
        del world.storage.buckets["source"][key]
    files = dict(world.state.files)
    assert planned(world, job.id) == first
    assert (world.state.files, world.job(job.id).counts) == (files, Counts(total=3))


def test_of_two_planners_at_once_the_first_list_of_batches_counts() -> None:
    world = World(batch_clips=2)
    world.put_sources(3)
    job = world.submit_prefix()
    late = writer_at(PlanCursor(), job, world.plan_ports)
    late.write_part([an_entry(ordinal) for ordinal in range(5)])
    planned(world, job.id)
    assert late.end().total == 3
    assert [batch.count for batch in read_batches(world.state, job.id)] == [2, 1]
    # The late one wrote files of its own: the clips of the first plan are copied.
    for batch in world.batches(job.id):
        world.copy(batch)
    finish(job.id, error=None, ports=world.finish_ports)
    assert world.job(job.id).counts == Counts(total=3, copied=3, bytes=world.job(job.id).counts.bytes)


def test_rounds_of_two_planners_never_make_one_list() -> None:
    world = World(batch_clips=2)
    job = world.submit_prefix(validate=False)
    writer, late = (writer_at(PlanCursor(), job, world.plan_ports) for _ in range(2))
    writer.write_part([an_entry(ordinal) for ordinal in range(1_000)])
    writer.end_round()
    late.write_part([an_entry(ordinal) for ordinal in range(3)])
    late.end_round()
    assert (writer.end().total, late.end().total) == (1_000, 1_000)
    assert sum(batch.count for batch in read_batches(world.state, job.id)) == 1_000


def test_a_round_of_older_code_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files had no token in their names, and its cursor no rounds."""
    world.put_sources(1_002)
    job = world.submit_prefix()
    with monkeypatch.context() as older:
        older.setattr("secrets.token_hex", lambda _: "")
        first = plan(job.id, PlanCursor(), run=0, out_of_time=always, ports=world.plan_ports)
    assert first.cursor
    assert (first.cursor.ordinal, first.cursor.round_number) == (1_000, 1)
    done = plan(job.id, replace(first.cursor, rounds=()), run=0, out_of_time=never, ports=world.plan_ports)
    assert done.cursor is None
    assert sum(batch.count for batch in world.batches(job.id)) == 1_002
    assert len(world.manifest(job.id)) == 1_002


def test_a_plan_whose_end_was_not_recorded_is_completed_by_the_next_call() -> None:
    """The call died between its plan and the job's row; the source changed meanwhile."""
    world = World(batch_clips=2)
    keys = world.put_sources(3)
    job = world.submit_prefix()
    writer = writer_at(PlanCursor(), job, world.plan_ports)
    writer.write_part([an_entry(ordinal) for ordinal in range(3)])
    writer.end()
    del world.storage.buckets["source"][keys[0]]
    assert planned(world, job.id).batches == 2
    assert world.job(job.id).counts == Counts(total=3)
    assert len(world.manifest(job.id)) == 3


def test_a_late_planner_of_a_retry_changes_nothing_of_the_plan_that_counts() -> None:
    """Its source holds something else by then, so the lines and the batches of its plan are others."""
    world = World(batch_clips=1)
    job = world.run(world.submit_list(["a.zip", "b.zip"]).id)
    retried = world.retry(job.id)
    late = writer_at(PlanCursor(), retried, world.plan_ports, manifest_run=1)
    for key in ("a.zip", "b.zip"):
        world.storage.put("source", key)
    first = planned(world, job.id, run=1)
    batch, other = world.batches(job.id)
    world.copy(batch)
    late.write_part([an_entry(0, size=7)])
    assert late.end(failed=1).batches == 2
    assert (planned(world, job.id, run=1), world.batches(job.id)) == (first, [batch, other])
    world.copy(other)
    finish(job.id, run=1, error=None, ports=world.finish_ports)
    assert (world.job(job.id).status, world.job(job.id).counts.copied) == (JobStatus.COMPLETED, 2)


@pytest.mark.parametrize("reader", ["planner", "finish"])
def test_a_retry_whose_planner_died_after_its_plan_has_its_list_of_batches(reader: str) -> None:
    world = World()
    job = world.run(world.submit_list(["a.zip"]).id)
    world.storage.put("source", "a.zip")
    world.retry(job.id)
    put = world.state.put

    def dies(key: str, body: bytes) -> str:
        if key == batches_key(job.id, run=1):
            raise CrashError(key)
        return put(key, body)

    world.state.put = dies  # type: ignore[method-assign]
    with pytest.raises(CrashError):
        planned(world, job.id, run=1)
    world.state.put = put  # type: ignore[method-assign]
    if reader == "planner":
        assert world.run(job.id).status is JobStatus.COMPLETED
    else:
        finish(job.id, run=1, error="Sandbox.Timedout", ports=world.finish_ports)
        assert world.clips.rows[job.id][0].code == "RETRIES_EXHAUSTED"


@pytest.mark.parametrize("reader", ["planner", "finish"])
def test_a_retry_that_older_code_planned_goes_on(monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    """Its files have no tokens, and its plan names none; its planner died before the counts changed."""
    world = World(batch_clips=1)
    job = world.run(world.submit_list(["a.zip", "b.zip"]).id)
    for key in ("a.zip", "b.zip"):
        world.storage.put("source", key)
    world.retry(job.id)
    with monkeypatch.context() as patch:
        patch.setattr("secrets.token_hex", lambda _: "")
        world.faults.plan("jobs.reopen", [CrashError("")])
        with pytest.raises(CrashError):
            planned(world, job.id, run=1)
    older = {"clips": 2, "batches": 2, "failed": 2, "cancelled": 0}
    world.state.put(run_plan_key(job.id, 1), json.dumps(older).encode())
    for key in [key for key in world.state.files if "/runs/1/rounds/" in key]:
        del world.state.files[key]
    if reader == "planner":
        assert world.run(job.id).status is JobStatus.COMPLETED
    else:
        finish(job.id, run=1, error="Sandbox.Timedout", ports=world.finish_ports)
        assert {row.code for row in world.clips.rows[job.id].values()} == {"RETRIES_EXHAUSTED"}


def test_an_attempt_does_not_end_while_a_late_planner_opens_it() -> None:
    """The end saw no plan of the retry; before it is written, the planner makes the clips pending."""
    world = World()
    job = world.run(world.submit_list([*world.put_sources(1), "missing"]).id)
    world.retry(job.id)
    end = world.jobs.end

    def late(*given: object, **named: object) -> bool:
        world.jobs.end = end  # type: ignore[method-assign]
        planned(world, job.id, run=1)
        return end(*given, **named)  # type: ignore[arg-type]

    world.jobs.end = late  # type: ignore[method-assign]
    with pytest.raises(FinishIncomplete, match="completed only now"):
        finish(job.id, run=1, error="Sandbox.Timedout", ports=world.finish_ports)
    assert world.job(job.id).status is JobStatus.COPYING
    finish(job.id, run=1, error="Sandbox.Timedout", ports=world.finish_ports)
    assert world.job(job.id).status.terminal
    assert (world.job(job.id).counts.pending, summing(world.job(job.id).counts)) == (0, True)
