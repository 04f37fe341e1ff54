"""Several planners of one attempt: the answer of the first was lost, and the state machine called another one."""

import pytest

from service.domain.errors import FinishIncomplete
from service.domain.jobs import Counts, JobStatus
from service.imports.completion.finish import finish
from service.imports.manifest.store import read_batches
from service.imports.planning.context import PlanCursor, Planned, writer_at
from service.imports.planning.plan import plan
from tests.builders import World, an_entry, never, summing


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
