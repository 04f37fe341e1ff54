"""Failures by code, and how an import went over time."""

import pytest

from service.domain.clips import ClipRow, ClipStatus, Content
from service.domain.jobs import RecordedBatch, Tally
from service.imports.queries import failures as module
from service.imports.queries.failures import failures_of
from service.imports.queries.timeline import MAX_POINTS, PhaseName, points_of, timeline_of
from tests.builders import World


def failed(ordinal: int, code: str | None, **changes: object) -> ClipRow:
    row = {
        "status": ClipStatus.FAILED,
        "code": code,
        "message": f"why {ordinal}",
        "source_uri": f"s3://b/{ordinal}.zip",
    }
    return ClipRow(ordinal=ordinal, **{**row, **changes})  # type: ignore[arg-type]


def test_failures_are_counted_by_code_the_most_frequent_first_with_the_first_clips() -> None:
    world = World()
    job = world.planned_list(world.put_sources(1))
    invalid = {"content": Content.INVALID}
    world.clips.put(job.id, [failed(n, "NOT_FOUND") for n in range(5)])
    world.clips.put(job.id, [failed(n, "NOT_A_ZIP", **invalid) for n in range(5, 12)])
    world.clips.put(job.id, [failed(12, "CANCELLED", status=ClipStatus.CANCELLED), failed(13, None)])
    world.clips.put(job.id, [failed(14, None, status=ClipStatus.COPIED)])
    found = failures_of(job, world.status_ports)
    assert found.complete
    assert [(one.code, one.status, one.count, one.failed_check) for one in found.groups] == [
        ("NOT_A_ZIP", "FAILED", 7, 7),
        ("NOT_FOUND", "FAILED", 5, 0),
        ("", "FAILED", 1, 0),
        ("CANCELLED", "CANCELLED", 1, 0),
    ]
    assert [clip.source_uri for clip in found.groups[1].examples] == [f"s3://b/{n}.zip" for n in range(3)]


def test_more_failures_than_an_answer_counts_are_at_least_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_READ", 20)
    monkeypatch.setattr(module, "READ_AT_ONCE", 10)
    world = World()
    job = world.planned_list(world.put_sources(1))
    world.clips.put(job.id, [failed(n, "NOT_FOUND") for n in range(20)])
    world.clips.put(job.id, [failed(n, "EXISTS") for n in range(20, 25)])
    found = failures_of(job, world.status_ports)
    assert ([(one.code, one.count) for one in found.groups], found.complete) == ([("NOT_FOUND", 20)], False)


def test_a_timeline_has_the_phases_and_the_sums_after_each_batch() -> None:
    world = World(batch_clips=2)
    job = world.submit_list([*world.put_sources(5), "gone.zip"])
    (waiting,) = timeline_of(job, world.jobs).phases
    assert (waiting.name, waiting.started_at, waiting.ended_at) == (PhaseName.PLANNING, job.created_at, None)
    job = world.run(job.id)
    found = timeline_of(job, world.jobs)
    planning, copying = found.phases
    assert (planning.ended_at, copying.started_at) == (job.copying_since, job.copying_since)
    assert (copying.name, copying.ended_at) == (PhaseName.COPYING, job.completed_at)
    assert [point.done.settled for point in found.points] == [2, 4, 6]
    last = found.points[-1].done
    assert (last.copied, last.failed, last.bytes) == (5, 1, 50)
    assert [point.at for point in found.points] == sorted(point.at for point in found.points)


def test_the_timeline_of_a_retry_is_that_of_its_own_attempt() -> None:
    world = World()
    job = world.run(world.submit_list([*world.put_sources(2), "gone.zip"]).id)
    world.storage.put("source", "gone.zip")
    retried = world.run(world.retry(job.id).id)
    found = timeline_of(retried, world.jobs)
    assert retried.retry
    assert (found.run, found.phases[0].started_at) == (1, retried.retry.at)
    assert [point.done.copied for point in found.points] == [1]


@pytest.mark.parametrize("count", [0, 1, MAX_POINTS, MAX_POINTS + 1, 2_000])
def test_a_plot_gets_so_many_points_and_always_the_last(count: int) -> None:
    batches = [RecordedBatch(at=f"{n:05}", tally=Tally(copied=1)) for n in range(count)]
    points = points_of(batches)
    assert len(points) <= MAX_POINTS
    assert [point.done.copied for point in points[-1:]] == [count][: min(count, 1)]
