"""Deleting a job's record: hidden at once, removed in slices, also after crashes."""

import pytest

from service.domain.errors import IdempotencyConflict, NotEnded, NotFound, StateFilesKept, SweepIncomplete
from service.domain.jobs import Job
from service.imports.completion.context import CHILD_SECONDS
from service.imports.completion.delete import delete, purge
from service.imports.copying.batch import copy_batch
from service.imports.queries.status import get_job
from tests.builders import PROJECT, World, always, import_list, never
from tests.fakes.faults import CrashError


def ended(world: World, count: int = 5) -> Job:
    return world.run(world.submit_list(world.put_sources(count)).id)


def remove(world: World, job: Job, project: str = PROJECT) -> None:
    delete(job.id, project=project, jobs=world.jobs, clock=world.clock)


def left(world: World, job: Job) -> int:
    files = [key for key in world.state.files if key.startswith(f"jobs/{job.id}/")]
    return len(files) + len(world.clips.rows[job.id]) + len(world.jobs.batches.get(job.id, {}))


def test_a_deleted_job_is_gone_at_once_and_purged_later(world: World) -> None:
    job, other = ended(world), ended(world)
    landed = dict(world.storage.buckets["clips"])
    remove(world, job)
    with pytest.raises(NotFound):
        get_job(job.id, project=PROJECT, jobs=world.jobs)
    assert left(world, job) > 0
    assert world.purge() == [job.id]
    assert left(world, job) == 0
    assert left(world, other) > 0
    assert world.storage.buckets["clips"] == landed
    assert world.purge() == []


def test_only_ended_jobs_of_the_project_are_deleted_and_once(world: World) -> None:
    running = world.planned_list(world.put_sources(1))
    with pytest.raises(NotEnded, match="COPYING"):
        remove(world, running)
    job = ended(world)
    with pytest.raises(NotFound):
        remove(world, job, project="other")
    remove(world, job)
    with pytest.raises(NotFound):
        remove(world, job)


def test_a_purge_continues_where_time_ran_out(world: World) -> None:
    job = ended(world)
    remove(world, job)
    before = left(world, job)
    assert world.purge(out_of_time=always) == []
    assert left(world, job) == before
    slices = 0
    while list(world.jobs.deleted(before="9")):
        clock = iter([False, *[True] * 10])
        world.purge(out_of_time=lambda clock=clock: next(clock))  # type: ignore[misc]
        slices += 1
        assert slices < 50
    assert slices > 2
    assert left(world, job) == 0


def test_a_job_that_cannot_be_purged_keeps_no_other_from_it(world: World) -> None:
    first, second = ended(world), ended(world)
    for job in (first, second):
        remove(world, job)
    world.faults.plan("state.delete_some", [StateFilesKept("1 file could not be deleted")])
    with pytest.raises(SweepIncomplete, match=f"1 deleted imports could not be purged, first: {first.id}"):
        world.purge()
    assert (left(world, first) > 0, left(world, second)) == (True, 0)
    assert world.purge() == [first.id]


@pytest.mark.parametrize("take_effect", [False, True])
@pytest.mark.parametrize("calls", range(1, 14))
def test_a_purge_that_crashes_is_ended_by_the_next(world: World, calls: int, take_effect: bool) -> None:
    job = ended(world)
    remove(world, job)
    world.faults.crash_in(calls, take_effect=take_effect)
    try:
        world.purge()
    except (CrashError, SweepIncomplete):
        world.faults.revive()
    world.purge()
    assert left(world, job) == 0
    assert list(world.jobs.deleted(before="9")) == []


def test_a_worker_that_comes_after_the_deletion_writes_nothing(world: World) -> None:
    job = ended(world)
    [batch] = world.batches(job.id)
    remove(world, job)
    world.purge()
    assert copy_batch(batch, attempt=0, ports=world.copy_ports) is None
    assert left(world, job) == 0


def test_the_idempotency_key_of_a_deleted_job_starts_nothing(world: World) -> None:
    request = import_list([f"s3://source/{world.put_sources(1)[0]}"], idempotency_key="k")
    job = world.run(world.submit(request).id)
    remove(world, job)
    with pytest.raises(IdempotencyConflict, match="gone since"):
        world.submit(request)


def test_a_deletion_that_loses_to_a_retry_is_to_be_tried_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = world.run(world.submit_list(["missing"]).id)
    delete_row = world.jobs.delete

    def late(job_id: str, now: str) -> bool:
        world.retry(job_id)
        return delete_row(job_id, now)

    monkeypatch.setattr(world.jobs, "delete", late)
    with pytest.raises(NotEnded, match="retried by another request"):
        remove(world, job)
    assert world.job(job.id).run == 1


def test_what_a_late_worker_may_still_write_to_is_not_purged(world: World) -> None:
    job = ended(world)
    remove(world, job)
    world.clock.advance(CHILD_SECONDS - 1)
    before = left(world, job)
    assert purge(world.finish_ports, out_of_time=never) == []
    assert left(world, job) == before
    assert world.purge() == [job.id]
