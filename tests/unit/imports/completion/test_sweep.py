"""The sweep: jobs that nothing works on any more are started or ended."""

from dataclasses import replace

import pytest

from service.domain.ends import End
from service.domain.errors import SweepIncomplete, WorkflowUnavailable
from service.domain.jobs import JobStatus
from service.imports.completion.context import CHILD_SECONDS
from service.imports.completion.sweep import Swept, sweep
from service.ports.delivery import ExecutionState
from tests.builders import World

GRACE = 120


def unstarted(world: World) -> str:
    world.faults.plan("workflow.start", [WorkflowUnavailable("throttled")])
    return world.submit_list(world.put_sources(1)).id


def test_a_job_that_never_started_is_started_after_the_grace_time(world: World) -> None:
    job_id = unstarted(world)
    world.clock.advance(GRACE - 1)
    assert sweep(world.sweep_ports) == Swept()
    world.clock.advance(1)
    assert sweep(world.sweep_ports) == Swept(started=[job_id])
    assert world.workflow.started == [job_id]


def test_a_running_job_is_left_alone_however_old(world: World) -> None:
    world.submit_list(world.put_sources(1))
    world.clock.advance(100_000)
    assert sweep(world.sweep_ports) == Swept()


def test_a_job_whose_execution_ended_without_it_is_ended_when_its_workers_are_gone(world: World) -> None:
    job = world.planned_list(world.put_sources(2))
    world.workflow.states[job.id] = ExecutionState.ENDED
    world.clock.advance(CHILD_SECONDS - 1)
    assert sweep(world.sweep_ports) == Swept()
    assert world.job(job.id).status is JobStatus.COPYING
    world.clock.advance(1)
    assert sweep(world.sweep_ports) == Swept(ended=[job.id])
    assert (world.job(job.id).status, world.job(job.id).counts.failed) == (JobStatus.FAILED, 2)
    assert sweep(world.sweep_ports) == Swept()


def test_jobs_with_a_terminal_status_are_not_looked_at(world: World) -> None:
    job = world.run(world.submit_list(world.put_sources(1)).id)
    world.conclude(job.id)
    world.clock.advance(100_000)
    sweep(world.sweep_ports)
    assert not world.faults.calls["workflow.state"]


def test_a_start_that_fails_again_is_tried_at_the_next_sweep(world: World) -> None:
    job_id = unstarted(world)
    world.clock.advance(GRACE)
    world.faults.plan("workflow.start", [WorkflowUnavailable("still throttled")])
    sweep(world.sweep_ports)
    assert not world.workflow.started
    sweep(world.sweep_ports)
    assert world.workflow.started == [job_id]


def test_a_job_that_cannot_be_ended_does_not_hold_up_the_others(world: World) -> None:
    broken, sound = (world.planned_list(world.put_sources(1)) for _ in range(2))
    for job in (broken, sound):
        world.workflow.states[job.id] = ExecutionState.ENDED
    world.faults.plan("workflow.state", [ConnectionError("no answer")])
    world.clock.advance(CHILD_SECONDS)
    with pytest.raises(SweepIncomplete, match=f"failed for 1 jobs, first: .*{broken.id}"):
        sweep(world.sweep_ports)
    assert world.job(sound.id).status.terminal
    assert not world.job(broken.id).status.terminal


@pytest.mark.parametrize("state", [ExecutionState.ABSENT, ExecutionState.ENDED])
def test_a_sweep_that_is_repeated_does_no_more(world: World, state: ExecutionState) -> None:
    job_id = unstarted(world)
    world.workflow.states[job_id] = state
    world.clock.advance(CHILD_SECONDS)
    sweep(world.sweep_ports)
    before = (world.job(job_id), world.workflow.started)
    sweep(world.sweep_ports)
    assert (world.job(job_id), world.workflow.started) == before


# --- time ------------------------------------------------------------------------------------------------------------


class Clock:
    """Seconds left: each look takes one."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def __call__(self) -> float:
        self.left -= 1
        return self.left


def test_many_jobs_are_looked_after_in_turn_by_sweeps_that_run_out_of_time(world: World) -> None:
    waiting = [unstarted(world) for _ in range(20)]
    world.clock.advance(GRACE)
    looked_at: list[str] = []
    sweeps = 0
    while len(set(looked_at)) < len(waiting):
        before = world.faults.calls["workflow.state"]
        world.faults.plan("workflow.start", [WorkflowUnavailable("throttled")] * 20)
        swept = sweep(world.sweep_ports, seconds_left=Clock(12))
        looked_at += swept.started
        sweeps += 1
        assert 0 < world.faults.calls["workflow.state"] - before < len(waiting)
        assert sweeps <= len(waiting)
    assert looked_at[: len(waiting)] == sorted(waiting, key=waiting.index), "each has its turn before one has a second"


def ended(world: World) -> End:
    job = world.run(world.submit_list(world.put_sources(1)).id)
    world.workflow.states[job.id] = ExecutionState.ENDED
    return world.jobs.ends[job.id, world.job(job.id).completed_at or ""]


def test_many_completions_are_looked_after_in_turn_by_sweeps_that_run_out_of_time(world: World) -> None:
    waiting = [ended(world).job_id for _ in range(20)]
    world.clock.advance(GRACE)
    concluded: list[str] = []
    sweeps = 0
    while len(concluded) < len(waiting):
        before = world.faults.calls["workflow.state"]
        concluded += sweep(world.sweep_ports, seconds_left=Clock(6)).concluding
        sweeps += 1
        assert 0 < world.faults.calls["workflow.state"] - before < len(waiting)
        assert sweeps <= len(waiting)
    assert sorted(concluded) == sorted(waiting)


def test_uploads_that_are_due_are_looked_after_until_time_runs_out(world: World) -> None:
    ends = [ended(world) for _ in range(20)]
    for end in ends:
        world.jobs.ends[end.job_id, end.ended_at] = replace(end, closed=True, uploads_due=end.ended_at)
    world.clock.advance(1)
    concluded: list[str] = []
    while len(concluded) < len(ends):
        found = sweep(world.sweep_ports, seconds_left=Clock(6)).concluding
        assert 0 < len(found) < len(ends)
        concluded += found
    assert sorted(concluded) == sorted(end.job_id for end in ends)


def test_a_sweep_reads_no_more_of_a_job_than_it_needs(world: World) -> None:
    world.submit_list(world.put_sources(1))
    world.clock.advance(GRACE)
    sweep(world.sweep_ports)
    assert not world.faults.calls["jobs.get"]


def test_a_large_orphan_does_not_hold_up_the_others_and_is_ended_in_slices(world: World) -> None:
    world.batch_clips = 10
    large = world.planned_list(world.put_sources(300))
    small = world.planned_list(world.put_sources(1))
    for job in (large, small):
        world.workflow.states[job.id] = ExecutionState.ENDED
    world.clock.advance(CHILD_SECONDS)
    first = sweep(world.sweep_ports, seconds_left=Clock(100))
    assert (first.continued, first.ended) == ([large.id], [small.id])
    sweeps = 1
    while not world.job(large.id).status.terminal:
        world.clock.advance(CHILD_SECONDS)
        counted = world.job(large.id).counts.settled
        sweep(world.sweep_ports, seconds_left=Clock(100))
        assert world.job(large.id).status.terminal or world.job(large.id).counts.settled > counted
        sweeps += 1
    assert 1 < sweeps < 30
    assert world.job(large.id).counts.failed == 300
