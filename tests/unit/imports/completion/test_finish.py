"""Completing a job: every clip is accounted for, and the terminal status is set once, from any state of the job."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest

from service.domain.batching import PART_CLIPS
from service.domain.clips import Clip, ClipRow, ClipStatus
from service.domain.errors import FinishIncomplete
from service.domain.jobs import Counts, Job, JobStatus, Tally
from service.domain.state_keys import batches_key
from service.imports.completion.finish import Ended, finish
from service.imports.copying.batch import copy_batch
from service.imports.intake.drop_bucket import accept_uploads
from service.imports.planning.context import PlanCursor
from service.imports.planning.plan import plan
from service.imports.queries.status import clips_page
from tests.builders import World, always, an_upload, fates, import_list, import_prefix, never, summing
from tests.fakes.faults import CrashError


def end(world: World, job: Job, error: str | None = None) -> JobStatus | None:
    return finish(job.id, run=world.job(job.id).run, error=error, ports=world.finish_ports).status


def clips(world: World, job: Job) -> list[Clip]:
    page = clips_page(world.job(job.id), limit=1_000, cursor=None, status=None, ports=world.status_ports)
    return list(page.items)


def rows_and_counts_agree(world: World, job: Job) -> bool:
    counts, rows = world.job(job.id).counts, list(world.clips.rows[job.id].values())
    found = [row.status for row in rows]
    expected = Counts(
        total=len(rows),
        copied=found.count(ClipStatus.COPIED),
        skipped=found.count(ClipStatus.SKIPPED),
        failed=found.count(ClipStatus.FAILED),
        cancelled=found.count(ClipStatus.CANCELLED),
        bytes=sum(row.size or 0 for row in rows if row.status is ClipStatus.COPIED),
    )
    return summing(counts) and counts == expected


def test_a_job_whose_batches_all_reported_ends_by_its_counts(world: World) -> None:
    keys = world.put_sources(3)
    assert world.run(world.submit_list(keys).id).status is JobStatus.COMPLETED
    mixed = world.run(world.submit_list([*keys, "missing"]).id)
    assert (mixed.status, mixed.code, mixed.message) == (
        JobStatus.COMPLETED_WITH_ERRORS,
        "CLIPS_FAILED",
        "1 of 4 clips failed",
    )
    assert world.run(world.submit_list(["missing"]).id).status is JobStatus.FAILED


def test_an_ended_job_says_when_and_is_no_longer_active(world: World) -> None:
    job = world.run(world.submit_list(world.put_sources(1)).id)
    assert job.completed_at == job.updated_at
    assert job.completed_at
    assert job.completed_at > job.created_at
    assert (job.code, job.message) == (None, None)
    assert list(world.jobs.active()) == []


def test_batches_that_reported_are_not_read_again(world: World) -> None:
    job = world.planned_list(world.put_sources(3))
    copy_batch(world.batches(job.id)[0], attempt=0, ports=world.copy_ports)
    world.faults.calls.clear()
    end(world, job)
    assert not world.faults.calls["clips.get"]
    assert not world.faults.calls["state.get_range"]


def test_an_unknown_job_is_nobodys_problem(world: World) -> None:
    assert finish("ij_unknown", error=None, ports=world.finish_ports) == Ended(None)


def test_a_prefix_with_nothing_under_it_completes_and_says_so(world: World) -> None:
    job = world.run(world.submit_prefix("nothing/").id)
    assert (job.status, job.code) == (JobStatus.COMPLETED, "NO_CLIPS")
    assert job.message == "there is nothing to import in s3://source/nothing/"
    assert job.counts == Counts()


# --- lost batches ----------------------------------------------------------------------------------------------------


def test_a_batch_that_never_reported_becomes_failed_rows() -> None:
    world = World(batch_clips=2)
    job = world.planned_list(world.put_sources(6))
    first, *_ = world.batches(job.id)
    copy_batch(first, attempt=0, ports=world.copy_ports)
    assert end(world, job, "States.Timeout") is JobStatus.COMPLETED_WITH_ERRORS
    assert world.job(job.id).counts == Counts(total=6, copied=2, failed=4, bytes=20)
    assert fates(clips(world, job)) == [(ClipStatus.COPIED, None)] * 2 + [(ClipStatus.FAILED, "RETRIES_EXHAUSTED")] * 4
    assert "States.Timeout" in (clips(world, job)[5].message or "")
    assert rows_and_counts_agree(world, job)


def test_of_a_partly_written_batch_the_rows_stay_and_the_rest_failed(world: World) -> None:
    job = world.planned_list(world.put_sources(4))
    copied = ClipRow(ordinal=1, status=ClipStatus.COPIED, size=10, etag="e")
    world.clips.put(job.id, [copied])
    assert end(world, job) is JobStatus.COMPLETED_WITH_ERRORS
    assert world.clips.rows[job.id][1] == copied
    assert world.job(job.id).counts == Counts(total=4, copied=1, failed=3, bytes=10)
    assert rows_and_counts_agree(world, job)


def test_clips_with_a_result_from_planning_keep_it_if_their_batch_is_lost(world: World) -> None:
    world.put_sources(1, prefix="")
    job = world.submit(import_list(["s3://source/000000.zip", "s3://source/missing", "s3://source/000000.zip"]))
    world.plan(job.id)
    end(world, job)
    assert [code for _, code in fates(clips(world, job))] == ["RETRIES_EXHAUSTED", "NOT_FOUND", "DUPLICATE"]
    assert world.job(job.id).counts == Counts(total=3, failed=2, skipped=1)


@pytest.mark.parametrize("lost", ["written again", "removed"])
def test_where_the_manifest_is_lost_the_job_still_ends(lost: str) -> None:
    world = World(batch_clips=2)
    job = world.planned_list(world.put_sources(4))
    first, second = world.batches(job.id)
    copy_batch(first, attempt=0, ports=world.copy_ports)
    if lost == "removed":
        del world.state.files[second.part_key]
    else:
        world.state.put(second.part_key, b"x" * 10_000)
    assert end(world, job) is JobStatus.COMPLETED_WITH_ERRORS
    rows = world.clips.rows[job.id]
    assert [rows[n].code for n in range(4)] == [None, None, "MANIFEST_LOST", "MANIFEST_LOST"]
    assert rows_and_counts_agree(world, job)
    page = clips_page(world.job(job.id), limit=10, cursor=None, status=ClipStatus.FAILED, ports=world.status_ports)
    assert [clip.code for clip in page.items] == ["MANIFEST_LOST", "MANIFEST_LOST"]


def test_the_lost_clips_of_a_cancelled_job_are_cancelled() -> None:
    world = World(batch_clips=2)
    job = world.planned_list(world.put_sources(4))
    copy_batch(world.batches(job.id)[0], attempt=0, ports=world.copy_ports)
    world.jobs.request_cancel(job.id, world.clock())
    assert end(world, job) is JobStatus.CANCELLED
    assert world.job(job.id).counts == Counts(total=4, copied=2, cancelled=2, bytes=20)
    assert rows_and_counts_agree(world, job)


def test_a_job_that_is_cancelled_when_all_is_copied_is_completed(world: World) -> None:
    job = world.planned_list(world.put_sources(2))
    copy_batch(world.batches(job.id)[0], attempt=0, ports=world.copy_ports)
    world.jobs.request_cancel(job.id, world.clock())
    assert end(world, job) is JobStatus.COMPLETED


def test_a_batch_that_reports_while_the_job_ends_counts_once(world: World) -> None:
    job = world.planned_list(world.put_sources(2))
    (batch,) = world.batches(job.id)
    world.jobs.record_batch(job.id, batch.number, Tally(copied=2, bytes=20), world.clock())
    end(world, job)
    assert world.job(job.id).counts == Counts(total=2, copied=2, bytes=20)


def test_a_worker_that_outlives_its_job_does_not_change_what_was_counted(world: World) -> None:
    job = world.planned_list(world.put_sources(2))
    (batch,) = world.batches(job.id)
    end(world, job, "States.Timeout")
    copy_batch(batch, attempt=0, ports=world.copy_ports)
    assert world.job(job.id).status is JobStatus.FAILED
    assert rows_and_counts_agree(world, job)


# --- planning that failed --------------------------------------------------------------------------------------------


def test_where_planning_of_a_list_broke_down_every_clip_says_so(world: World) -> None:
    uris = [f"s3://source/{n}" for n in range(1_500)]
    job = world.submit(import_list(uris))
    assert end(world, job, "Lambda.Unknown") is JobStatus.FAILED
    assert world.job(job.id).counts == Counts(total=1_500, failed=1_500)
    shown = clips(world, job)
    assert [clip.source_uri for clip in shown] == uris[:1_000]
    assert set(fates(shown)) == {(ClipStatus.FAILED, "PLANNING_FAILED")}
    assert shown[0].message == "planning did not complete: Lambda.Unknown"
    assert shown[0].destination == ""
    assert rows_and_counts_agree(world, job)


def test_where_planning_of_a_list_broke_down_in_a_later_round_every_clip_says_so(world: World) -> None:
    job = world.submit_list(world.put_sources(2_100))
    plan(job.id, PlanCursor(), out_of_time=always, ports=world.plan_ports)
    assert end(world, job, "Lambda.Unknown") is JobStatus.FAILED
    assert world.job(job.id).counts == Counts(total=2_100, failed=2_100)
    assert rows_and_counts_agree(world, job)


def test_where_planning_of_a_prefix_broke_down_the_job_says_so(world: World) -> None:
    job = world.submit(import_prefix("s3://source/p/", validate=False))
    assert end(world, job, "Lambda.Unknown") is JobStatus.FAILED
    ended = world.job(job.id)
    assert (ended.code, ended.message) == ("PLANNING_FAILED", "planning did not complete: Lambda.Unknown")
    assert ended.counts == Counts()
    assert clips(world, job) == []


def test_where_planning_of_uploads_broke_down_every_upload_says_so(world: World) -> None:
    accept_uploads([an_upload("a.zip"), an_upload("b.zip")], world.upload_ports)
    (job,) = world.jobs.rows.values()
    assert end(world, job, "Lambda.Unknown") is JobStatus.FAILED
    assert {clip.source_uri for clip in clips(world, job)} == {"s3://drop/a.zip", "s3://drop/b.zip"}
    assert set(fates(clips(world, job))) == {(ClipStatus.FAILED, "PLANNING_FAILED")}


def test_uploads_that_come_while_planning_is_given_up_make_a_new_job(world: World) -> None:
    accept_uploads([an_upload("a.zip")], world.upload_ports)
    (job,) = world.jobs.rows.values()
    world.faults.plan("jobs.end", [CrashError("here")])
    with pytest.raises(CrashError):
        end(world, job, "Lambda.Unknown")
    accept_uploads([an_upload("b.zip")], world.upload_ports)
    end(world, job, "Lambda.Unknown")
    assert world.job(job.id).counts == Counts(total=1, failed=1)
    assert len(world.jobs.rows) == 2


def test_the_reason_that_planning_gave_stays(world: World) -> None:
    job = world.submit(import_prefix("s3://private/p/", validate=False))
    world.plan(job.id)
    assert end(world, job) is JobStatus.FAILED
    assert world.job(job.id).code == "CANNOT_ACCESS"


# --- repeats and crashes ---------------------------------------------------------------------------------------------


def test_a_second_end_changes_nothing(world: World) -> None:
    job = world.planned_list(world.put_sources(2))
    end(world, job)
    before = world.job(job.id)
    assert end(world, job, "another error") is before.status
    assert world.job(job.id) == before


def lost_batches(world: World) -> Job:
    world.batch_clips = 2
    job = world.planned_list([*world.put_sources(5), "missing"])
    copy_batch(world.batches(job.id)[0], attempt=0, ports=world.copy_ports)
    return job


def planning_failed(world: World) -> Job:
    return world.submit_list(["a", "b"])


def planning_of_uploads_failed(world: World) -> Job:
    accept_uploads([an_upload("a.zip"), an_upload("b.zip")], world.upload_ports)
    (job,) = world.jobs.rows.values()
    return job


def fates_of(world: World, job: Job) -> dict[int, ClipRow]:
    """The rows without the job's random id."""
    return {ordinal: replace(row, keys=None) for ordinal, row in world.clips.rows[job.id].items()}


@pytest.mark.parametrize("take_effect", [False, True])
@pytest.mark.parametrize("make", [lost_batches, planning_failed, planning_of_uploads_failed])
def test_an_end_that_crashed_anywhere_ends_the_same_when_it_is_repeated(make: object, take_effect: bool) -> None:
    assert callable(make)
    straight = World()
    expected = make(straight)
    end(straight, expected, "why")
    for calls in range(1, 60):
        world = World()
        job = make(world)
        world.faults.crash_in(calls, take_effect=take_effect)
        try:
            end(world, job, "why")
        except CrashError:
            world.faults.revive()
            end(world, job, "why")
        else:
            break
        assert world.job(job.id).status is straight.job(expected.id).status
        assert world.job(job.id).counts == straight.job(expected.id).counts
        assert fates_of(world, job) == fates_of(straight, expected)
    else:
        pytest.fail("finish never ran without a crash")
    assert calls > 5


# --- a copy function that is still at work ---------------------------------------------------------------------------


def settling(world: World, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """`meanwhile` happens right before a worker's next row is written: no look at the batch's state comes between."""
    write = world.clips.settle_each

    def late(job_id: str, rows: Sequence[ClipRow], *, run: int = 0) -> Sequence[ClipRow]:
        monkeypatch.setattr(world.clips, "settle_each", write)
        meanwhile()
        return write(job_id, rows, run=run)

    monkeypatch.setattr(world.clips, "settle_each", late)


def test_rows_and_counts_agree_where_the_import_ends_while_a_worker_writes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = world.submit_list(world.put_sources(3))
    world.plan(job.id)
    (batch,) = world.batches(job.id)
    settling(world, monkeypatch, lambda: end(world, job, "States.Timeout"))
    assert copy_batch(batch, attempt=0, ports=world.copy_ports) is None
    done = world.job(job.id)
    assert (done.status, done.counts.failed) == (JobStatus.FAILED, 3)
    assert rows_and_counts_agree(world, job)
    world.retry(job.id)
    again = world.run(job.id)
    assert again.counts.failed == 0
    assert rows_and_counts_agree(world, job)


def test_what_a_late_worker_wrote_first_is_counted_as_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = world.submit_list(world.put_sources(3))
    world.plan(job.id)
    (batch,) = world.batches(job.id)
    settling(world, monkeypatch, lambda: copy_batch(batch, attempt=0, ports=world.copy_ports))
    assert end(world, job, "States.Timeout") is JobStatus.COMPLETED
    assert rows_and_counts_agree(world, job)


def dies_before_it_counts(world: World, work: Callable[[], object]) -> Callable[[], None]:
    """Does the work, but its process ends before the batch is counted."""

    def start() -> None:
        world.faults.plan("jobs.record_batch", [CrashError("killed")])
        with pytest.raises(CrashError):
            work()

    return start


def test_rows_of_a_worker_that_died_before_it_counted_them_count_as_they_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = world.planned_list(world.put_sources(3))
    (batch,) = world.batches(job.id)
    worker = dies_before_it_counts(world, lambda: copy_batch(batch, attempt=0, ports=world.copy_ports))
    settling(world, monkeypatch, worker)
    assert end(world, job, "States.Timeout") is JobStatus.COMPLETED
    assert world.job(job.id).counts == Counts(total=3, copied=3, bytes=30)


def test_rows_of_an_end_that_died_before_it_counted_them_count_as_they_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = world.planned_list(world.put_sources(3))
    (batch,) = world.batches(job.id)
    settling(world, monkeypatch, dies_before_it_counts(world, lambda: end(world, job, "States.Timeout")))
    assert copy_batch(batch, attempt=0, ports=world.copy_ports) == Tally(failed=3)
    assert world.job(job.id).counts == Counts(total=3, failed=3)
    assert rows_and_counts_agree(world, job)


def test_a_worker_of_a_former_attempt_changes_no_row_of_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = world.submit_list(world.put_sources(2))
    world.plan(job.id)
    (batch,) = world.batches(job.id)

    def fail_and_retry() -> None:
        end(world, job, "States.Timeout")
        world.retry(job.id)
        world.plan(job.id)

    settling(world, monkeypatch, fail_and_retry)
    copy_batch(batch, attempt=0, ports=world.copy_ports)
    assert {row.status for row in world.clips.rows[job.id].values()} == {ClipStatus.PENDING}
    assert world.run(job.id).counts.pending == 0
    assert rows_and_counts_agree(world, job)


# --- more than one call has time for ---------------------------------------------------------------------------------


def test_rows_are_counted_in_slices_without_starting_over(world: World) -> None:
    clips_count = 5 * PART_CLIPS
    job = world.submit_list([f"{n}.zip" for n in range(clips_count)])
    world.plan(job.id)
    del world.state.files[batches_key(job.id)]
    calls, read = 0, Counter[int]()
    get = world.clips.get

    def counted(job_id: str, ordinals: Sequence[int]) -> Mapping[int, ClipRow]:
        read[ordinals[0] // PART_CLIPS] += 1
        return get(job_id, ordinals)

    world.clips.get = counted  # type: ignore[method-assign]
    while not world.job(job.id).status.terminal:
        calls += 1
        assert calls < 10, "it starts over"
        with suppress(FinishIncomplete):
            finish(job.id, error="States.Timeout", ports=world.finish_ports, out_of_time=always)
    assert calls == 6
    assert set(read.values()) == {1}
    assert world.job(job.id).counts == Counts(total=clips_count, failed=clips_count)


@pytest.mark.parametrize("take_effect", [False, True])
def test_a_call_that_crashes_while_it_counts_rows_is_continued(world: World, take_effect: bool) -> None:
    job = world.submit_list([f"{n}.zip" for n in range(2_500)])
    world.plan(job.id)
    del world.state.files[batches_key(job.id)]
    calls = 1
    while not world.job(job.id).status.terminal:
        world.faults.crash_in(calls, take_effect=take_effect)
        with suppress(FinishIncomplete, CrashError):
            finish(job.id, error="States.Timeout", ports=world.finish_ports, out_of_time=always)
        world.faults.revive()
        calls += 7
    assert rows_and_counts_agree(world, job)


def test_a_late_planner_makes_no_clip_with_a_result_pending(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = world.run(world.submit_list(["p/000000.zip", "p/000001.zip"]).id)
    world.put_sources(2)
    world.retry(job.id)
    reopen = world.clips.reopen

    def late(job_id: str, rows: Sequence[ClipRow], *, run: int) -> bool:
        monkeypatch.setattr(world.clips, "reopen", reopen)
        world.run(job_id)
        return reopen(job_id, rows, run=run)

    world.clock.advance(60)
    monkeypatch.setattr(world.clips, "reopen", late)
    plan(job.id, PlanCursor(), run=1, out_of_time=never, ports=world.plan_ports)
    assert world.job(job.id).counts == Counts(total=2, copied=2, bytes=20)
    assert rows_and_counts_agree(world, job)
