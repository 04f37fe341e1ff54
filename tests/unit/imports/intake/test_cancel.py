"""Cancelling: nothing is begun any more, what was copied stays, and the counts sum."""

from collections.abc import Callable

import pytest

from service.domain.batching import PART_CLIPS
from service.domain.clips import ClipStatus
from service.domain.codes import ImportCode
from service.domain.errors import AlreadyEnded, NotFound
from service.domain.jobs import Counts, Job, JobStatus
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.uris import Location
from service.imports.completion.finish import finish
from service.imports.intake.cancel import cancel
from service.imports.intake.drop_bucket import accept_uploads
from service.imports.planning.context import PlanCursor
from service.imports.planning.plan import plan
from tests.builders import PROJECT, World, always, an_upload


def ask(world: World, job: Job, project: str = PROJECT) -> Job:
    return cancel(job.id, project=project, jobs=world.jobs, workflow=world.workflow, clock=world.clock)


def upload_job(world: World, count: int) -> Job:
    accept_uploads([an_upload(f"{n}.zip", sequencer=f"{n:04d}") for n in range(count)], world.upload_ports)
    [job] = world.jobs.rows.values()
    return job


def statuses(entries: list[ManifestEntry]) -> list[ClipStatus]:
    return [entry.status for entry in entries]


def test_cancelling_twice_is_cancelling_once(world: World) -> None:
    job = world.planned_list(world.put_sources(2))
    first = ask(world, job)
    assert (first.cancel_requested, first.status) == (True, JobStatus.COPYING)
    assert ask(world, job) == first


def test_an_ended_job_cannot_be_cancelled(world: World) -> None:
    job = world.run(world.submit_list(world.put_sources(2)).id)
    with pytest.raises(AlreadyEnded, match="COMPLETED"):
        ask(world, job)
    assert world.job(job.id) == job


def test_another_projects_job_is_not_there(world: World) -> None:
    job = world.submit_list(world.put_sources(1))
    with pytest.raises(NotFound):
        ask(world, job, project="other")
    assert not world.job(job.id).cancel_requested


def test_a_list_that_is_cancelled_before_planning_is_not_inspected(world: World) -> None:
    keys = world.put_sources(3)
    job = world.submit_list([*keys, keys[0]])
    ask(world, job)
    ended = world.run(job.id)
    assert world.storage.stats.total() == 0
    assert ended.status is JobStatus.CANCELLED
    assert ended.counts == Counts(total=4, cancelled=3, skipped=1)
    assert [entry.code for entry in world.manifest(job.id)] == ["CANCELLED"] * 3 + ["DUPLICATE"]


@pytest.mark.parametrize("rounds", [False, True])
def test_a_list_that_is_cancelled_while_planning_is_inspected_no_further(world: World, rounds: bool) -> None:
    job = world.submit_list(world.put_sources(PART_CLIPS * 2 + 5))
    stat = world.storage.stat

    def stat_and_cancel(at: Location, **access: str | None) -> ListedObject:
        if at.key.endswith("000007.zip"):
            ask(world, job)
        return stat(at, **access)

    world.storage.stat = stat_and_cancel  # type: ignore[method-assign]
    world.plan(job.id, out_of_time=always if rounds else lambda: False)
    assert sum(count for key, count in world.storage.stats.items() if key.startswith("p/")) == PART_CLIPS
    entries = world.manifest(job.id)
    assert [entry.ordinal for entry in entries] == list(range(PART_CLIPS * 2 + 5))
    assert statuses(entries) == [ClipStatus.PENDING] * PART_CLIPS + [ClipStatus.CANCELLED] * (PART_CLIPS + 5)
    for batch in world.batches(job.id):
        world.copy(batch)
    assert finish(job.id, error=None, ports=world.finish_ports).status is JobStatus.CANCELLED
    assert world.job(job.id).counts == Counts(total=PART_CLIPS * 2 + 5, cancelled=PART_CLIPS * 2 + 5)
    assert not world.storage.copies


def test_a_prefix_that_is_cancelled_while_planning_ends_with_what_was_listed(world: World) -> None:
    world.put_sources(PART_CLIPS * 3)
    job = world.submit_prefix()
    first = plan(job.id, PlanCursor(), out_of_time=always, ports=world.plan_ports)
    assert first.cursor
    ask(world, job)
    listed = len(world.storage.listed_after)
    planned = plan(job.id, first.cursor, out_of_time=always, ports=world.plan_ports)
    assert planned.cursor is None
    assert len(world.storage.listed_after) == listed
    assert world.job(job.id).counts.total == PART_CLIPS
    for batch in world.batches(job.id):
        world.copy(batch)
    finish(job.id, error=None, ports=world.finish_ports)
    ended = world.job(job.id)
    assert (ended.status, ended.code) == (JobStatus.CANCELLED, ImportCode.CUT_SHORT)
    assert ended.counts == Counts(total=PART_CLIPS, cancelled=PART_CLIPS)


def test_a_prefix_that_is_cancelled_before_planning_ends_cancelled_and_empty(world: World) -> None:
    world.put_sources(3)
    job = world.submit_prefix(validate=False)
    ask(world, job)
    ended = world.run(job.id)
    assert (ended.status, ended.code, ended.counts) == (JobStatus.CANCELLED, ImportCode.CUT_SHORT, Counts())
    assert world.storage.listed_after == []


def test_uploads_that_still_gather_when_they_are_cancelled_are_cancelled_clips(world: World) -> None:
    job = upload_job(world, 3)
    ask(world, job)
    ended = world.run(job.id)
    assert (ended.status, ended.counts) == (JobStatus.CANCELLED, Counts(total=3, cancelled=3))


@pytest.mark.parametrize("kind", ["list", "prefix", "upload"])
def test_a_cancelled_job_whose_planning_breaks_down_is_cancelled(world: World, kind: str) -> None:
    keys = world.put_sources(3)
    make: dict[str, Callable[[], Job]] = {
        "list": lambda: world.submit_list(keys),
        "prefix": world.submit_prefix,
        "upload": lambda: upload_job(world, 3),
    }
    job = make[kind]()
    ask(world, job)
    assert finish(job.id, error="States.Timeout", ports=world.finish_ports).status is JobStatus.CANCELLED
    assert world.job(job.id).counts == (Counts() if kind == "prefix" else Counts(total=3, cancelled=3))


def test_an_upload_that_comes_after_a_cancel_is_not_cancelled_with_it(world: World) -> None:
    accept_uploads([an_upload("inbox/demo/a.zip")], world.upload_ports)
    (cancelled,) = world.jobs.rows
    cancel(cancelled, project=PROJECT, jobs=world.jobs, workflow=world.workflow, clock=world.clock)
    accept_uploads([an_upload("inbox/demo/b.zip")], world.upload_ports)
    (other,) = set(world.jobs.rows) - {cancelled}
    for key in ("inbox/demo/a.zip", "inbox/demo/b.zip"):
        world.storage.put("drop", key)
    assert world.run(cancelled).counts.cancelled == 1
    done = world.run(other)
    assert (done.counts.total, done.counts.cancelled) == (1, 0)
