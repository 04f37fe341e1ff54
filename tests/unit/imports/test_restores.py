"""`archived: restore`: planning requests the restores, the import waits without an execution, then copies."""

from dataclasses import replace

import pytest

from service.domain.clips import ClipStatus
from service.domain.errors import AccessDenied, FinishIncomplete, SourceUnavailable
from service.domain.ids import execution_name
from service.domain.jobs import Job, JobStatus
from service.domain.requests import (
    Archived,
    ImportRequest,
    ImportSettings,
    OnExisting,
    Restore,
    RestoreTier,
    Tolerance,
)
from service.domain.restores import SHORTEST_WAIT_SECONDS, look_seconds
from service.imports.completion.finish import finish
from service.imports.completion.sweep import Swept, sweep
from service.imports.intake.cancel import cancel
from service.ports.delivery import ExecutionState
from tests.builders import (
    CLIPS_BUCKET,
    PROJECT,
    SOURCE_BUCKET,
    World,
    a_set,
    always,
    import_list,
    import_prefix,
    import_sets,
)

RESTORE = ImportSettings(archived=Archived.RESTORE)
PREFIX = import_prefix(f"s3://{SOURCE_BUCKET}/p/", settings=RESTORE)
HOUR = 3_600.0


def archive(world: World, *names: str, archive: str = "GLACIER") -> None:
    bucket = world.storage.buckets[SOURCE_BUCKET]
    for name in names:
        bucket[f"p/{name}.zip"] = replace(bucket[f"p/{name}.zip"], archive=archive)


def with_sources(world: World, *archived: str, names: str = "abcd") -> None:
    for name in names:
        world.storage.put(SOURCE_BUCKET, f"p/{name}.zip")
    archive(world, *archived)


def begun(world: World, request: ImportRequest = PREFIX) -> Job:
    """Run the import's first execution."""
    return world.run(world.submit(request).id)


def restored(world: World, *names: str) -> None:
    for name in names:
        world.storage.restored(SOURCE_BUCKET, f"p/{name}.zip")


def resumed(world: World, job: Job) -> Job:
    """Let the sweep start the next execution when it is due, and run it."""
    assert job.resume_at is not None
    assert job.resume_at > world.clock()
    world.clock.advance(2 * HOUR)
    name = execution_name(job.id, job.run, job.resumes)
    assert sweep(world.sweep_ports).resumed == [job.id]
    assert name in world.workflow.started
    found = world.run(job.id)
    world.workflow.states[name] = ExecutionState.ENDED
    return found


def clips(world: World, job: Job) -> list[tuple[str, str | None]]:
    rows = sorted(world.clips.rows[job.id].items())
    return [(row.status.value, row.code) for _, row in rows]


def test_clips_wait_for_their_restore_while_the_others_are_copied(world: World) -> None:
    with_sources(world, "b", "d")
    job = begun(world)
    assert (job.status, job.counts.copied, job.counts.pending) == (JobStatus.COPYING, 2, 2)
    assert world.storage.restores == {"p/b.zip": Restore(), "p/d.zip": Restore()}
    assert job.restores
    assert (job.restores.requested, job.restores.waiting, job.restores.hours) == (2, 2, 12)
    assert world.storage.stats.total() == 0, "the first execution does not look at what waits"
    job = resumed(world, job)
    assert (job.status, job.counts.pending, job.resumes) == (JobStatus.COPYING, 2, 2)
    restored(world, "b")
    job = resumed(world, job)
    assert (job.restores and job.restores.waiting, job.counts.pending) == (1, 2)
    assert f"demo/-/{SOURCE_BUCKET}/p/b.zip" in world.visible()
    restored(world, "d")
    job = resumed(world, job)
    assert (job.status, job.counts.copied, job.resume_at) == (JobStatus.COMPLETED, 4, None)
    assert set(world.storage.copies.values()) == {1}, "no clip is copied twice"
    (end,) = world.ends.open()
    assert end.resumes == 3, "so the sweep knows which execution concludes it"


def test_nothing_of_it_runs_while_it_waits(world: World) -> None:
    with_sources(world, "b")
    job = begun(world)
    world.workflow.states[job.id] = ExecutionState.ENDED
    world.clock.advance(look_seconds(12) - 60)
    assert sweep(world.sweep_ports) == Swept()


@pytest.mark.parametrize(
    ("archive_class", "tier", "hours"),
    [
        ("GLACIER", RestoreTier.EXPEDITED, 1),
        ("GLACIER", RestoreTier.STANDARD, 5),
        ("DEEP_ARCHIVE", RestoreTier.STANDARD, 12),
        ("DEEP_ARCHIVE", RestoreTier.BULK, 48),
        ("ARCHIVE_ACCESS", RestoreTier.STANDARD, 5),
        ("DEEP_ARCHIVE_ACCESS", RestoreTier.BULK, 48),
    ],
)
def test_the_time_between_two_looks_fits_archive_and_tier(
    world: World, archive_class: str, tier: RestoreTier, hours: int
) -> None:
    with_sources(world)
    archive(world, "b", archive=archive_class)
    job = begun(world, replace(PREFIX, settings=replace(RESTORE, restore=Restore(tier=tier, days=5))))
    assert world.storage.restores == {"p/b.zip": Restore(tier=tier, days=5)}
    assert job.restores
    assert job.restores.hours == hours
    assert look_seconds(hours) == max(SHORTEST_WAIT_SECONDS, hours * 150)


@pytest.mark.parametrize("archive_class", ["DEEP_ARCHIVE", "DEEP_ARCHIVE_ACCESS"])
def test_a_tier_that_s3_does_not_offer_fails_the_clip_without_a_request(world: World, archive_class: str) -> None:
    with_sources(world)
    archive(world, "b", archive=archive_class)
    settings = replace(RESTORE, restore=Restore(tier=RestoreTier.EXPEDITED))
    job = begun(world, replace(PREFIX, settings=settings))
    assert (job.status, job.counts.failed) == (JobStatus.COMPLETED_WITH_ERRORS, 1)
    assert clips(world, job)[1] == ("FAILED", "ARCHIVED")
    assert not world.storage.restores


def test_a_refused_request_fails_its_clip(world: World) -> None:
    with_sources(world, "b", "c")
    refusal = AccessDenied("it needs s3:RestoreObject", operation="restore", uri="s3://source/p/b.zip")
    world.storage.fail_restore["p/b.zip"] = [refusal]
    job = begun(world)
    assert clips(world, job)[1] == ("FAILED", "CANNOT_ACCESS")
    assert (job.counts.failed, job.counts.pending) == (1, 1)


def test_a_restore_that_takes_too_long_fails_its_clip_and_a_retry_copies_it(world: World) -> None:
    with_sources(world, "b")
    job = begun(world)
    for _ in range(100):
        if job.status.terminal:
            break
        job = resumed(world, job)
    assert clips(world, job)[1] == ("FAILED", "RESTORE_TIMEOUT")
    assert (job.counts.copied, job.counts.failed) == (3, 1)
    assert job.restores
    assert world.clock() >= job.restores.until
    restored(world, "b")
    world.retry(job.id)
    job = world.run(job.id)
    assert (job.status, job.counts.copied, job.restores, job.resumes) == (JobStatus.COMPLETED, 4, None, 0)


def test_a_batch_that_never_reports_does_not_keep_the_import_waiting(world: World) -> None:
    with_sources(world, "b")
    job = begun(world)
    world.clock.advance(62 * HOUR)
    finish(job.id, error=None, ports=world.finish_ports)
    assert world.job(job.id).counts.failed == 1


def test_a_cancel_starts_the_next_execution_at_once(world: World) -> None:
    with_sources(world, "b", "d")
    job = begun(world)
    cancel(job.id, project=PROJECT, jobs=world.jobs, workflow=world.workflow, clock=world.clock)
    assert execution_name(job.id, 0, 1) in world.workflow.started
    job = world.run(job.id)
    assert (job.status, job.counts.copied, job.counts.cancelled) == (JobStatus.CANCELLED, 2, 2)
    restored(world, "b")
    world.retry(job.id)
    job = world.run(job.id)
    assert (job.counts.copied, job.counts.pending) == (3, 1), (
        "the retry copies what is restored, and waits for the rest"
    )


def test_a_cancel_that_could_not_start_it_is_made_up_for_by_the_sweep(world: World) -> None:
    with_sources(world, "b")
    job = begun(world)
    world.jobs.request_cancel(job.id, world.clock())
    world.clock.advance(130)
    assert sweep(world.sweep_ports).resumed == [job.id]


def test_a_cancel_before_the_first_wait_ends_the_import(world: World) -> None:
    with_sources(world, "b")
    job = world.submit(PREFIX)
    world.plan(job.id)
    world.jobs.request_cancel(job.id, world.clock())
    assert world.run(job.id).status is JobStatus.CANCELLED


def test_a_cancel_between_the_look_and_the_wait_is_not_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with_sources(world, "b")
    job = world.submit(PREFIX)
    world.plan(job.id)
    recorded = world.jobs.recorded_batches

    def cancelled_meanwhile(job_id: str, *, run: int = 0) -> set[int]:
        world.jobs.request_cancel(job_id, world.clock())
        return recorded(job_id, run=run)

    monkeypatch.setattr(world.jobs, "recorded_batches", cancelled_meanwhile)
    with pytest.raises(FinishIncomplete):
        finish(job.id, error=None, ports=world.finish_ports)
    assert world.job(job.id).resume_at is None


def test_a_repeated_finish_waits_once(world: World) -> None:
    with_sources(world, "b")
    job = begun(world)
    assert finish(job.id, error=None, ports=world.finish_ports).at is None
    assert world.job(job.id) == job


def test_a_set_waits_for_all_of_its_views(world: World) -> None:
    with_sources(world, "b", "d")
    sets = [a_set("p/a.zip", "p/b.zip"), a_set("p/c.zip", "p/d.zip")]
    job = begun(world, import_sets(*sets, settings=RESTORE))
    assert (job.counts.pending, world.visible()) == (4, set())
    restored(world, "b")
    job = resumed(world, job)
    assert (len(world.visible()), job.restores and job.restores.waiting) == (2, 2)
    restored(world, "d")
    assert resumed(world, job).counts.copied == 4


def test_a_set_whose_restore_is_refused_fails_and_does_not_wait(world: World) -> None:
    with_sources(world, "a", "b")
    world.storage.fail_restore["p/b.zip"] = [AccessDenied("no", operation="restore", uri="s3://source/p/b.zip")]
    job = begun(world, import_sets(a_set("p/a.zip", "p/b.zip"), settings=RESTORE))
    assert clips(world, job) == [("FAILED", "SET_INCOMPLETE"), ("FAILED", "CANNOT_ACCESS")]
    assert job.status is JobStatus.FAILED


def test_a_set_that_waited_too_long_fails_as_a_whole(world: World) -> None:
    with_sources(world, "b")
    job = begun(world, import_sets(a_set("p/a.zip", "p/b.zip"), settings=RESTORE))
    world.clock.advance(60 * HOUR)
    job = world.run(job.id)
    assert clips(world, job) == [("FAILED", "SET_INCOMPLETE"), ("FAILED", "RESTORE_TIMEOUT")]


def test_too_many_failures_end_the_wait(world: World) -> None:
    with_sources(world, "b")
    world.storage.fail_copy["p/a.zip"] = [AccessDenied("no", operation="copy", uri="s3://source/p/a.zip")]
    settings = replace(RESTORE, tolerated_failures=Tolerance(count=0))
    job = begun(world, replace(PREFIX, settings=settings))
    assert job.resume_at is not None
    assert job.resume_at <= world.clock(), "the next execution is due at once"
    job = world.run(job.id)
    assert (job.status, clips(world, job)[1]) == (JobStatus.FAILED, ("CANCELLED", "TOO_MANY_FAILURES"))


def test_what_is_at_its_destination_is_not_restored(world: World) -> None:
    with_sources(world, "b")
    found = world.storage.buckets[SOURCE_BUCKET]["p/b.zip"]
    key = f"demo/-/{SOURCE_BUCKET}/p/b.zip"
    world.storage.buckets[CLIPS_BUCKET][key] = replace(found, key=key, archive=None)
    job = begun(world)
    assert (job.status, job.counts.skipped, world.storage.restores) == (JobStatus.COMPLETED, 1, {})


def test_a_line_that_pins_its_object_is_looked_at(world: World) -> None:
    with_sources(world, "b")
    etag = world.storage.buckets[SOURCE_BUCKET]["p/b.zip"].etag
    line = f'{{"uri": "s3://{SOURCE_BUCKET}/p/b.zip", "size": 10, "etag": "{etag}"}}\n'
    world.storage.put_body(SOURCE_BUCKET, "m.jsonl", line.encode())
    job = begun(world, ImportRequest(manifest_uri=f"s3://{SOURCE_BUCKET}/m.jsonl", settings=RESTORE))
    restored(world, "b")
    assert resumed(world, job).counts.copied == 1


def test_a_cancelled_import_requests_no_restore(world: World) -> None:
    with_sources(world, "b")
    uris = [f"s3://{SOURCE_BUCKET}/p/{name}.zip" for name in "ab"]
    job = world.submit(import_list(uris, settings=RESTORE))
    look = world.storage.stat

    def cancelled_meanwhile(*args: object, **options: object) -> object:
        world.jobs.request_cancel(job.id, world.clock())
        return look(*args, **options)  # type: ignore[arg-type]

    world.storage.stat = cancelled_meanwhile  # type: ignore[method-assign, assignment]
    ended = world.run(job.id)
    assert (ended.status, world.storage.restores) == (JobStatus.CANCELLED, {})


def test_planning_in_rounds_requests_each_restore_once(world: World) -> None:
    names = [f"{number:04d}" for number in range(2_500)]
    for name in names:
        world.storage.put(SOURCE_BUCKET, f"p/{name}.zip")
    archive(world, *names[1::2])
    job = world.submit(replace(PREFIX, settings=replace(RESTORE, on_existing=OnExisting.OVERWRITE)))
    planned = world.plan(job.id, out_of_time=always)
    batches = world.batches(job.id)
    assert sum(batch.count for batch in batches if batch.restore_hours) == 1_250
    assert planned.batches == sum(not batch.restore_hours for batch in batches)
    assert world.faults.calls["storage.restore"] == 1_250
    restores = world.job(job.id).restores
    assert restores
    assert (restores.requested, restores.waiting) == (1_250, 1_250)
    restored(world, *names[1::2])
    world.run(job.id)
    world.clock.advance(HOUR)
    ended = world.run(job.id)
    assert (ended.status, ended.counts.copied) == (JobStatus.COMPLETED, 2_500)


def test_a_source_that_does_not_answer_is_looked_at_again(world: World) -> None:
    with_sources(world, "b")
    job = begun(world)
    restored(world, "b")
    slow = SourceUnavailable("slow", operation="inspect", uri="s3://source/p/b.zip")
    world.storage.fail_stat["p/b.zip"] = [slow]
    job = resumed(world, job)
    assert job.counts.pending == 1
    assert resumed(world, job).counts.copied == 4


def test_what_only_the_copy_finds_archived_is_restored_by_a_retry(world: World) -> None:
    """A listing does not show the archive tier of an INTELLIGENT_TIERING object."""
    with_sources(world)
    job = world.submit(PREFIX)
    world.plan(job.id)
    archive(world, "b", archive="ARCHIVE_ACCESS")
    job = world.run(job.id)
    assert clips(world, job)[1] == ("FAILED", "ARCHIVED")
    world.retry(job.id)
    job = world.run(job.id)
    assert (job.status, job.counts.pending, set(world.storage.restores)) == (JobStatus.COPYING, 1, {"p/b.zip"})
    restored(world, "b")
    job = resumed(world, job)
    assert (job.status, job.counts.copied) == (JobStatus.COMPLETED, 4)


def test_a_source_that_is_gone_when_the_import_looks_fails_its_clip(world: World) -> None:
    with_sources(world, "b", names="ab")
    job = begun(world)
    del world.storage.buckets[SOURCE_BUCKET]["p/b.zip"]
    job = resumed(world, job)
    assert (job.counts.failed, clips(world, job)[1]) == (1, (ClipStatus.FAILED.value, "NOT_FOUND"))


def lost(world: World, name: str, archive: str = "GLACIER") -> None:
    """Let the restore be lost, or its copy expire: the object is archived, and no restore is under way."""
    bucket = world.storage.buckets[SOURCE_BUCKET]
    bucket[f"p/{name}.zip"] = replace(bucket[f"p/{name}.zip"], archive=archive, restoring=False)
    world.storage.restores.pop(f"p/{name}.zip", None)


def test_a_restore_that_was_lost_is_requested_again_and_one_under_way_is_not(world: World) -> None:
    with_sources(world, "b", "d")
    how = Restore(tier=RestoreTier.STANDARD, days=5)
    job = begun(world, replace(PREFIX, settings=replace(RESTORE, restore=how)))
    world.storage.restores.clear()
    lost(world, "b")
    job = resumed(world, job)
    assert world.storage.restores == {"p/b.zip": how}
    assert job.restores
    assert (job.status, job.restores.waiting) == (JobStatus.COPYING, 2)
    world.storage.restores["p/d.zip"] = how
    restored(world, "b", "d")
    assert resumed(world, job).counts.copied == 4


def test_a_refused_second_request_fails_its_clip(world: World) -> None:
    with_sources(world, "b", "d")
    job = begun(world)
    lost(world, "b")
    refusal = AccessDenied("it needs s3:RestoreObject", operation="restore", uri="s3://source/p/b.zip")
    world.storage.fail_restore["p/b.zip"] = [refusal]
    job = resumed(world, job)
    assert clips(world, job)[1] == ("FAILED", "CANNOT_ACCESS")
    restored(world, "d")
    job = resumed(world, job)
    assert (job.status, job.counts.copied, job.counts.failed) == (JobStatus.COMPLETED_WITH_ERRORS, 3, 1)


def test_a_second_request_that_gets_no_answer_is_made_at_the_next_look(world: World) -> None:
    with_sources(world, "b")
    job = begun(world)
    lost(world, "b")
    world.storage.fail_restore["p/b.zip"] = [SourceUnavailable("busy", operation="restore", uri="s3://source/p/b.zip")]
    job = resumed(world, job)
    assert (job.counts.pending, world.storage.restores) == (1, {})
    job = resumed(world, job)
    assert (job.counts.pending, set(world.storage.restores)) == (1, {"p/b.zip"})


def test_a_view_whose_restored_copy_expires_while_its_set_waits_is_restored_again(world: World) -> None:
    with_sources(world, "b")
    job = begun(world, import_sets(a_set("p/a.zip", "p/b.zip"), settings=RESTORE))
    restored(world, "b")
    lost(world, "a")
    job = resumed(world, job)
    assert (job.counts.pending, world.visible(), world.storage.restores.keys() >= {"p/a.zip"}) == (2, set(), True)
    restored(world, "a")
    assert resumed(world, job).counts.copied == 2


def test_a_set_with_a_refused_second_request_fails_as_a_whole(world: World) -> None:
    with_sources(world, "a", "b")
    job = begun(world, import_sets(a_set("p/a.zip", "p/b.zip"), settings=RESTORE))
    lost(world, "b")
    world.storage.fail_restore["p/b.zip"] = [AccessDenied("no", operation="restore", uri="s3://source/p/b.zip")]
    job = resumed(world, job)
    assert clips(world, job) == [("FAILED", "SET_INCOMPLETE"), ("FAILED", "CANNOT_ACCESS")]
