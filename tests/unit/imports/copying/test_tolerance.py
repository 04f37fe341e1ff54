"""`tolerated_failures`: past it the import copies nothing more and is FAILED; what was copied stays and is counted."""

import pytest

from service.domain.errors import AccessDenied
from service.domain.jobs import Counts, Job, JobStatus, Tally
from service.domain.progress import too_many_failures
from service.domain.requests import ImportSettings, Tolerance
from service.imports.completion.finish import finish
from service.imports.copying.batch import copy_batch
from tests.builders import World, always, summing


def tolerating(world: World, good: int, bad: int, tolerance: Tolerance, *, bad_first: bool = True) -> Job:
    """A planned job of readable and of forbidden sources."""
    readable = world.put_sources(good, prefix="good/")
    forbidden = world.put_sources(bad, prefix="bad/")
    for key in forbidden:
        world.storage.fail_copy[key] = [AccessDenied("no", operation="copy", uri=key)]
    keys = [*forbidden, *readable] if bad_first else [*readable, *forbidden]
    return world.planned_list(keys, settings=ImportSettings(tolerated_failures=tolerance))


def run(world: World, job: Job) -> Job:
    for batch in world.batches(job.id):
        world.copy(batch)
    finish(job.id, error=None, ports=world.finish_ports)
    return world.job(job.id)


@pytest.mark.parametrize(
    ("tolerated", "failed", "total", "exceeded"),
    [
        (None, 10, 10, False),
        (Tolerance(count=0), 0, 10, False),
        (Tolerance(count=0), 1, 10, True),
        (Tolerance(count=3), 3, 10, False),
        (Tolerance(count=3), 4, 10, True),
        (Tolerance(percent=10), 1, 10, False),
        (Tolerance(percent=10), 2, 10, True),
        (Tolerance(percent=0.1), 1, 1_000, False),
        (Tolerance(percent=0.1), 1, 999, True),
        (Tolerance(percent=100), 10, 10, False),
        (Tolerance(percent=50), 0, 0, False),
    ],
)
def test_more_than_what_is_tolerated_is_too_many(
    tolerated: Tolerance | None, failed: int, total: int, exceeded: bool
) -> None:
    assert (too_many_failures(tolerated, failed=failed, total=total) is not None) is exceeded


def test_an_import_stops_within_the_batch_in_which_too_many_fail(world: World) -> None:
    job = run(world, tolerating(world, good=5, bad=4, tolerance=Tolerance(count=2)))
    assert job.counts == Counts(total=9, failed=3, cancelled=6)
    assert (job.status, job.code) == (JobStatus.FAILED, "TOO_MANY_FAILURES")
    assert job.message == "3 clips failed, 2 are tolerated"
    rows = world.clips.rows[job.id]
    assert {rows[n].code for n in range(3, 9)} == {"TOO_MANY_FAILURES"}
    assert "3 clips failed, 2 are tolerated" in (rows[8].message or "")
    assert not world.storage.copies


def test_failures_of_other_batches_count() -> None:
    world = World(batch_clips=2)
    job = run(world, tolerating(world, good=6, bad=2, tolerance=Tolerance(count=1)))
    assert job.counts == Counts(total=8, failed=2, cancelled=6)
    assert job.code == "TOO_MANY_FAILURES"


def test_what_was_copied_before_stays_and_is_counted() -> None:
    world = World(batch_clips=4)
    job = run(world, tolerating(world, good=5, bad=5, tolerance=Tolerance(percent=20), bad_first=False))
    assert job.counts == Counts(total=10, copied=5, failed=3, cancelled=2, bytes=50)
    assert job.message == "3 of 10 clips failed, 20 percent are tolerated"
    assert summing(job.counts)


def test_up_to_what_is_tolerated_the_import_goes_on(world: World) -> None:
    job = run(world, tolerating(world, good=5, bad=2, tolerance=Tolerance(count=2)))
    assert (job.status, job.code) == (JobStatus.COMPLETED_WITH_ERRORS, "CLIPS_FAILED")
    assert job.counts.copied == 5


def test_failures_found_while_planning_count() -> None:
    world = World(batch_clips=2)
    keys = world.put_sources(4)
    settings = ImportSettings(tolerated_failures=Tolerance(count=0))
    job = run(world, world.planned_list(["missing", "gone", *keys], settings=settings))
    assert job.counts == Counts(total=6, failed=2, cancelled=4)


def test_failures_found_while_planning_count_before_the_first_copy_of_their_batch(world: World) -> None:
    keys = world.put_sources(4)
    settings = ImportSettings(tolerated_failures=Tolerance(count=1))
    job = run(world, world.planned_list([*keys, "missing", "gone"], settings=settings))
    assert job.counts == Counts(total=6, failed=2, cancelled=4)
    assert not world.storage.copies


def test_a_failure_counts_once(world: World) -> None:
    keys = world.put_sources(4)
    settings = ImportSettings(tolerated_failures=Tolerance(count=2))
    job = run(world, world.planned_list(["missing", *keys, "gone"], settings=settings))
    assert job.counts == Counts(total=6, failed=2, copied=4, bytes=40)


def test_too_many_failures_in_the_last_batch_fail_the_import_too(world: World) -> None:
    job = run(world, tolerating(world, good=3, bad=1, tolerance=Tolerance(count=0), bad_first=False))
    assert (job.status, job.code, job.counts.copied) == (JobStatus.FAILED, "TOO_MANY_FAILURES", 3)


def test_failures_of_an_earlier_round_count(world: World) -> None:
    job = tolerating(world, good=3, bad=2, tolerance=Tolerance(count=1))
    (batch,) = world.batches(job.id)
    copy_batch(batch, attempt=0, out_of_time=always, ports=world.copy_ports)
    tally = copy_batch(batch, attempt=0, round_number=1, ports=world.copy_ports)
    assert tally == Tally(failed=2, cancelled=3)


def test_of_a_cancelled_import_the_cancel_is_the_end(world: World) -> None:
    job = tolerating(world, good=3, bad=3, tolerance=Tolerance(count=0))
    world.jobs.request_cancel(job.id, world.clock())
    assert run(world, job).status is JobStatus.CANCELLED


def test_an_upload_by_parts_is_stopped_between_parts() -> None:
    world = World(batch_clips=1, multipart_threshold=20, part_bytes=10)
    world.storage.put("source", "large.zip", 95)
    settings = ImportSettings(tolerated_failures=Tolerance(count=0))
    job = world.planned_list(["large.zip", "missing"], settings=settings)
    large, missing = world.batches(job.id)

    def the_other_fails(_entry: object, number: int) -> None:
        if number == 4:
            world.copy(missing)

    world.storage.before_part = the_other_fails
    world.copy(large)
    finish(job.id, error=None, ports=world.finish_ports)
    assert world.job(job.id).counts == Counts(total=2, failed=1, cancelled=1)
    assert sum(world.storage.parts_copied.values()) == 4
    assert not world.storage.multiparts
    assert not world.large.rows
