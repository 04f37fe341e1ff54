"""Running the failed and cancelled clips of an ended import again: only those, counted once, with their history."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from service.domain.batching import PART_CLIPS
from service.domain.clips import Clip, ClipStatus
from service.domain.errors import (
    FinishIncomplete,
    IdempotencyConflict,
    InvalidRequest,
    NotEnded,
    NotFound,
    NothingToRetry,
    SelectionIncomplete,
    SourceUnavailable,
    WorkflowUnavailable,
)
from service.domain.ids import clip_id
from service.domain.jobs import Counts, Job, JobStatus, Retry
from service.domain.objects import ListedObject
from service.domain.progress import MAX_RUNS, rate
from service.domain.requests import ImportSettings, OnExisting
from service.domain.state_keys import batches_key, run_plan_key
from service.imports.completion.context import CHILD_SECONDS
from service.imports.completion.delete import delete
from service.imports.completion.finish import Ended, finish
from service.imports.completion.sweep import Swept, sweep
from service.imports.copying.batch import copy_batch
from service.imports.intake.drop_bucket import accept_uploads
from service.imports.planning import retry as rerun
from service.imports.planning.context import PlanCursor
from service.imports.planning.plan import plan
from service.imports.queries.status import clips_page
from service.ports.delivery import ExecutionState
from tests.builders import DROP_BUCKET, PROJECT, SOURCE_BUCKET, World, always, an_upload, fates, never, summing
from tests.fakes.faults import CrashError


def clips(world: World, job: Job, status: ClipStatus | None = None) -> list[Clip]:
    page = clips_page(world.job(job.id), limit=1_000, cursor=None, status=status, ports=world.status_ports)
    return list(page.items)


def half_failed(world: World, count: int = 6) -> Job:
    """Every second clip of the list is missing."""
    keys = [f"p/{n:06d}.zip" for n in range(count)]
    for key in keys[::2]:
        world.storage.put(SOURCE_BUCKET, key)
    return world.run(world.submit_list(keys).id)


def heal(world: World, count: int = 6) -> None:
    for n in range(1, count, 2):
        world.storage.put(SOURCE_BUCKET, f"p/{n:06d}.zip", size=20)


def rows_and_counts_agree(world: World, job: Job) -> bool:
    counts, found = world.job(job.id).counts, [row.status for row in world.clips.rows[job.id].values()]
    expected = (len(found), *(found.count(status) for status in ClipStatus))
    shown = (counts.total, counts.pending, counts.copied, counts.skipped, counts.failed, counts.cancelled)
    return summing(counts) and shown == expected


# --- what a retry does -----------------------------------------------------------------------------------------------


def test_what_failed_runs_again_and_lands(world: World) -> None:
    first = half_failed(world)
    heal(world)
    world.retry(first.id)
    ended = world.run(first.id)
    assert (ended.status, ended.code, ended.run) == (JobStatus.COMPLETED, None, 1)
    assert ended.counts == Counts(total=6, copied=6, bytes=90)
    assert fates(clips(world, ended)) == [(ClipStatus.COPIED, None)] * 6
    assert [clip.size for clip in clips(world, ended)] == [10, 20] * 3
    assert set(world.storage.copies.values()) == {1}
    assert rows_and_counts_agree(world, ended)


@pytest.mark.parametrize("etag", ["0" * 32, f"{'0' * 32}-2"], ids=["one part", "uploaded in parts"])
@pytest.mark.parametrize("by", ["this import", "another one"])
def test_fail_knows_what_an_earlier_attempt_copied_though_no_row_says_so(world: World, etag: str, by: str) -> None:
    """The table took no rows for so long that the batch was lost."""
    settings = ImportSettings(on_existing=OnExisting.FAIL)
    (key,) = world.put_sources(1)
    world.storage.buckets[SOURCE_BUCKET][key] = replace(world.storage.buckets[SOURCE_BUCKET][key], etag=etag)
    job, other = (world.planned_list([key], settings=settings) for _ in range(2))
    copier = job if by == "this import" else other
    world.storage.copy(world.manifest(copier.id)[0], settings, mark=clip_id(copier.id, 0))
    finish(job.id, error="States.Timeout", ports=world.finish_ports)
    assert fates(clips(world, job)) == [(ClipStatus.FAILED, "RETRIES_EXHAUSTED")]
    world.retry(job.id)
    ended = world.run(job.id)
    expected = (ClipStatus.COPIED, None) if copier is job else (ClipStatus.FAILED, "EXISTS")
    assert fates(clips(world, ended)) == [expected]
    assert world.storage.copies.total() == 1


def test_the_run_before_is_kept_with_its_end(world: World) -> None:
    first = half_failed(world)
    again = world.retry(first.id)
    assert (again.status, again.completed_at, again.code, again.message) == (JobStatus.PENDING, None, None, None)
    (ended,) = again.runs
    assert (ended.run, ended.started_at, ended.completed_at) == (0, first.created_at, first.completed_at)
    assert (ended.status, ended.counts, ended.key_id) == (JobStatus.COMPLETED_WITH_ERRORS, first.counts, "key_1")
    assert (ended.code, ended.message) == ("CLIPS_FAILED", "3 of 6 clips failed")
    world.run(first.id)
    second = world.retry(first.id).runs[1]
    assert again.retry
    assert (second.run, second.started_at, second.key_id) == (1, again.retry.at, "key_2")
    assert world.workflow.started == [first.id, f"{first.id}-r1", f"{first.id}-r2"]


def test_the_history_is_bounded(world: World) -> None:
    job = world.run(world.submit_list(["missing"]).id)
    for _ in range(MAX_RUNS + 2):
        world.retry(job.id)
        world.run(job.id)
    runs = world.job(job.id).runs
    assert (len(runs), runs[0].run, runs[-1].run) == (MAX_RUNS, 2, MAX_RUNS + 1)


def test_rows_of_other_clips_are_neither_read_nor_written(world: World) -> None:
    job = half_failed(world)
    heal(world)
    before = dict(world.clips.writes)
    read: list[int] = []
    get = world.clips.get
    world.clips.get = lambda job_id, ordinals: read.extend(ordinals) or get(job_id, ordinals)  # type: ignore[method-assign,func-returns-value]
    world.retry(job.id)
    world.run(job.id)
    assert {ordinal for (_, ordinal), count in world.clips.writes.items() if count > before[job.id, ordinal]} == {
        1,
        3,
        5,
    }
    assert set(read) <= {1, 3, 5}
    assert not any(world.storage.stats[f"p/{n:06d}.zip"] > 1 for n in (0, 2, 4))


def test_chosen_clips_alone_run_again(world: World) -> None:
    job = half_failed(world)
    heal(world)
    world.retry(job.id, clips=[3, 0, 3])
    ended = world.run(job.id)
    assert (ended.status, ended.counts.copied, ended.counts.failed) == (JobStatus.COMPLETED_WITH_ERRORS, 4, 2)
    assert [clip.status for clip in clips(world, job)].index(ClipStatus.FAILED, 2) == 5
    assert set(world.storage.copies.values()) == {1}, "a chosen clip that landed stays as it is"


def test_a_clip_that_waits_for_its_second_turn_is_pending_and_no_failure(world: World) -> None:
    job = half_failed(world)
    heal(world)
    world.retry(job.id)
    assert fates(clips(world, job))[1] == (ClipStatus.FAILED, "NOT_FOUND")
    assert world.job(job.id).counts == job.counts
    world.plan(job.id)
    assert world.job(job.id).counts == Counts(total=6, copied=3, bytes=30)
    shown = clips(world, job)
    assert fates(shown)[1] == (ClipStatus.PENDING, None)
    assert (shown[1].size, shown[1].destination) == (20, "s3://clips/demo/-/source/p/000001.zip")
    assert clips(world, job, ClipStatus.FAILED) == []
    assert len(clips(world, job, ClipStatus.PENDING)) == 3


def test_a_clip_that_fails_again_says_why_it_did_this_time(world: World) -> None:
    job = half_failed(world)
    heal(world)
    world.storage.fail_copy["p/000001.zip"] = [SourceUnavailable("slow down", operation="copy", uri="u")] * 9
    world.retry(job.id)
    ended = world.run(job.id)
    assert (ended.counts.copied, ended.counts.failed) == (5, 1)
    assert fates(clips(world, job, ClipStatus.FAILED)) == [(ClipStatus.FAILED, "RETRIES_EXHAUSTED")]
    assert rows_and_counts_agree(world, job)


def test_sources_are_pinned_anew_and_destinations_looked_at_again(world: World) -> None:
    job = world.planned_list(world.put_sources(2))
    changed = world.storage.put(SOURCE_BUCKET, "p/000000.zip", 33)
    for batch in world.batches(job.id):
        world.copy(batch)
    finish(job.id, error=None, ports=world.finish_ports)
    assert fates(clips(world, job))[0] == (ClipStatus.FAILED, "SOURCE_CHANGED")
    world.retry(job.id)
    assert world.run(job.id).status is JobStatus.COMPLETED
    assert (clips(world, job)[0].size, clips(world, job)[0].etag) == (33, changed.etag)


def test_what_came_to_the_destination_since_is_skipped(world: World) -> None:
    job = half_failed(world, 2)
    found = world.storage.put(SOURCE_BUCKET, "p/000001.zip")
    world.storage.buckets["clips"]["demo/-/source/p/000001.zip"] = ListedObject(key="k", size=10, etag=found.etag)
    world.retry(job.id)
    assert world.run(job.id).counts == Counts(total=2, copied=1, skipped=1, bytes=10)
    assert fates(clips(world, job))[1] == (ClipStatus.SKIPPED, "UNCHANGED")


def test_a_cancelled_job_goes_on_where_it_was(world: World) -> None:
    world.batch_clips = 2
    job = world.planned_list(world.put_sources(6))
    copy_batch(world.batches(job.id)[0], attempt=0, ports=world.copy_ports)
    world.jobs.request_cancel(job.id, world.clock())
    finish(job.id, error=None, ports=world.finish_ports)
    again = world.retry(job.id)
    assert not again.cancel_requested
    ended = world.run(job.id)
    assert (ended.status, ended.counts.copied) == (JobStatus.COMPLETED, 6)
    assert set(world.storage.copies.values()) == {1}


@pytest.mark.parametrize("planned", [False, True])
def test_a_retry_can_be_cancelled(world: World, planned: bool) -> None:
    job = half_failed(world)
    heal(world)
    world.retry(job.id)
    if planned:
        world.plan(job.id)
    world.jobs.request_cancel(job.id, world.clock())
    if planned:
        finish(job.id, run=1, error=None, ports=world.finish_ports)
    else:
        world.run(job.id)
    ended = world.job(job.id)
    assert (ended.status, ended.counts.cancelled, ended.counts.copied) == (JobStatus.CANCELLED, 3, 3)
    assert rows_and_counts_agree(world, job)


def test_the_rate_is_that_of_the_run(world: World) -> None:
    job = half_failed(world)
    heal(world)
    assert rate(world.retry(job.id), world.clock()) is None
    world.plan(job.id)
    started = world.job(job.id)
    assert (started.settled_before, started.bytes_before) == (3, 30)
    world.clock.advance(10)
    for batch in world.batches(job.id):
        world.copy(batch)
    speed = rate(world.job(job.id), world.clock())
    assert speed
    assert 0.29 < speed.clips < 0.3
    assert 5.9 < speed.bytes < 6.0


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_job_must_have_ended_and_something_must_have_failed(world: World) -> None:
    job = world.submit_list(world.put_sources(2))
    with pytest.raises(NotEnded, match="PENDING"):
        world.retry(job.id)
    world.run(job.id)
    with pytest.raises(NothingToRetry):
        world.retry(job.id)
    with pytest.raises(NothingToRetry):
        world.retry(job.id, clips=[0, 1])
    empty = world.run(world.submit_prefix("nothing/").id)
    with pytest.raises(NothingToRetry):
        world.retry(empty.id)


def test_clips_that_are_not_of_the_job_are_named(world: World) -> None:
    job = half_failed(world)
    for stranger in (6, -1, 10**12):
        with pytest.raises(InvalidRequest, match=f"{job.id}-{stranger}' is not a clip"):
            world.retry(job.id, clips=[1, stranger])
    assert world.job(job.id) == job
    assert not [key for key in world.state.files if "/runs/" in key]


def test_two_retries_at_once_are_one_run(world: World) -> None:
    job = half_failed(world)
    store = world.jobs.retry

    def faster(job: Job, retry: Retry, *, max_active: int | None = None) -> Job | None:
        world.jobs.retry = store  # type: ignore[method-assign]
        world.retry(job.id, clips=[3])
        return store(job, retry, max_active=max_active)

    world.jobs.retry = faster  # type: ignore[method-assign]
    with pytest.raises(NotEnded, match="another request"):
        world.retry(job.id, clips=[1])
    heal(world)
    world.run(job.id)
    assert [clip.status for clip in clips(world, job)][1::2] == [
        ClipStatus.FAILED,
        ClipStatus.COPIED,
        ClipStatus.FAILED,
    ]


def test_a_job_that_is_deleted_meanwhile_is_not_retried(world: World) -> None:
    job = half_failed(world)
    store = world.jobs.retry

    def too_late(job: Job, retry: Retry, *, max_active: int | None = None) -> Job | None:
        delete(job.id, project=PROJECT, jobs=world.jobs, clock=world.clock)
        return store(job, retry, max_active=max_active)

    world.jobs.retry = too_late  # type: ignore[method-assign]
    with pytest.raises(NotFound):
        world.retry(job.id)
    assert len(world.workflow.started) == 1


# --- idempotency -----------------------------------------------------------------------------------------------------


def test_a_repeated_key_starts_no_other_run(world: World) -> None:
    job = half_failed(world)
    first = world.retry(job.id, clips=[3, 1], key="k")
    assert world.retry(job.id, clips=[1, 3], key="k") == first
    ended = world.run(job.id)
    assert world.retry(job.id, clips=[1, 3], key="k") == ended
    world.retry(job.id, key="l")
    ended = world.run(job.id)
    assert world.retry(job.id, clips=[1, 3], key="k") == ended, "the history knows it"
    for chosen in ([1], None):
        with pytest.raises(IdempotencyConflict):
            world.retry(job.id, clips=chosen, key="k")
    assert world.job(job.id).run == 2


def test_a_start_that_was_lost_is_made_up_for_by_the_sweep_or_the_same_key(world: World) -> None:
    job = half_failed(world)
    world.faults.plan("workflow.start", [WorkflowUnavailable("throttled")])
    world.retry(job.id, key="k")
    assert world.workflow.started == [job.id]
    world.clock.advance(120)
    assert sweep(world.sweep_ports) == Swept(started=[job.id])
    assert world.workflow.started == [job.id, f"{job.id}-r1"]
    world.workflow.waits.clear()
    world.retry(job.id, key="k")
    assert world.workflow.started == [f"{job.id}-r1"]


# --- jobs that were never planned ------------------------------------------------------------------------------------


def test_a_prefix_that_was_never_planned_is_planned_from_scratch(world: World) -> None:
    job = world.submit_prefix(validate=False)
    finish(job.id, error="Lambda.Unknown", ports=world.finish_ports)
    with pytest.raises(InvalidRequest):
        world.retry(job.id, clips=[0])
    world.put_sources(3)
    world.retry(job.id)
    ended = world.run(job.id)
    assert (ended.status, ended.counts.copied, ended.code) == (JobStatus.COMPLETED, 3, None)
    assert len(clips(world, job)) == 3
    assert rows_and_counts_agree(world, job)


def test_planning_from_scratch_that_is_repeated_after_its_end_plans_the_same(world: World) -> None:
    job = world.submit_prefix(validate=False)
    finish(job.id, error="Lambda.Unknown", ports=world.finish_ports)
    world.put_sources(3)
    world.retry(job.id)
    assert world.plan(job.id) == world.plan(job.id)
    ended = world.run(job.id)
    assert (ended.status, ended.counts.copied) == (JobStatus.COMPLETED, 3)


@pytest.mark.parametrize("planned", [False, True])
def test_a_prefix_that_was_cancelled_before_it_was_listed_is_listed(world: World, planned: bool) -> None:
    world.put_sources(3)
    job = world.submit_prefix()
    world.jobs.request_cancel(job.id, world.clock())
    if planned:
        world.run(job.id)
    else:
        finish(job.id, error="States.Timeout", ports=world.finish_ports)
    world.retry(job.id)
    ended = world.run(job.id)
    assert (ended.status, ended.counts.copied, ended.code) == (JobStatus.COMPLETED, 3, None)


def test_a_prefix_that_was_cut_short_says_so_after_its_retry(world: World) -> None:
    world.put_sources(PART_CLIPS * 2)
    job = world.submit_prefix()
    first = plan(job.id, PlanCursor(), out_of_time=always, ports=world.plan_ports)
    assert first.cursor
    world.jobs.request_cancel(job.id, world.clock())
    plan(job.id, first.cursor, out_of_time=never, ports=world.plan_ports)
    finish(job.id, error=None, ports=world.finish_ports)
    assert world.job(job.id).status is JobStatus.CANCELLED
    world.retry(job.id)
    ended = world.run(job.id)
    assert (ended.status, ended.code, ended.counts.copied) == (JobStatus.COMPLETED, "CUT_SHORT", PART_CLIPS)


def test_a_list_whose_planning_broke_down_is_planned_properly(world: World) -> None:
    keys = world.put_sources(3)
    job = world.submit_list([*keys, keys[0], "missing"])
    finish(job.id, error="Lambda.Unknown", ports=world.finish_ports)
    assert world.job(job.id).counts.failed == 5
    world.retry(job.id)
    ended = world.run(job.id)
    assert ended.counts == Counts(total=5, copied=3, skipped=1, failed=1, bytes=30)
    shown = clips(world, job)
    assert [code for _, code in fates(shown)] == [None, None, None, "DUPLICATE", "NOT_FOUND"]
    assert [clip.destination for clip in shown[:3]] == [f"s3://clips/demo/-/source/{key}" for key in keys]


def test_uploads_whose_planning_broke_down_are_planned_properly(world: World) -> None:
    items = [world.storage.put(DROP_BUCKET, key, version=v) for key, v in (("a", "1"), ("a", "2"), ("b", "3"))]
    uploads = [
        an_upload(item.key, sequencer=f"0{n}", etag=item.etag, version=item.version) for n, item in enumerate(items)
    ]
    accept_uploads(uploads, world.upload_ports)
    (job,) = world.jobs.rows.values()
    finish(job.id, error="Lambda.Unknown", ports=world.finish_ports)
    world.retry(job.id)
    ended = world.run(job.id)
    assert (ended.status, ended.counts.copied, ended.counts.skipped) == (JobStatus.COMPLETED, 2, 1)


def failed_upload(world: World) -> Job:
    item = world.storage.put(DROP_BUCKET, "a.zip", version="1")
    accept_uploads([an_upload("a.zip", etag=item.etag, version="1")], world.upload_ports)
    (job,) = world.jobs.rows.values()
    world.storage.fail_copy["a.zip"] = [SourceUnavailable("slow down", operation="copy", uri="u")] * 3
    return world.run(job.id)


def test_an_upload_stays_the_version_that_its_event_told_of(world: World) -> None:
    job = failed_upload(world)
    del world.storage.buckets[DROP_BUCKET]["a.zip"]
    world.retry(job.id)
    assert world.run(job.id).status is JobStatus.COMPLETED


def test_an_upload_does_not_replace_a_later_one(world: World) -> None:
    job = failed_upload(world)
    world.storage.put(DROP_BUCKET, "a.zip", version="2")
    world.retry(job.id)
    assert world.run(job.id).counts.skipped == 1
    assert fates(clips(world, job)) == [(ClipStatus.SKIPPED, "SUPERSEDED")]
    assert not world.storage.copies


def test_a_retry_takes_no_uploads(world: World) -> None:
    job = failed_upload(world)
    world.retry(job.id)
    item = world.storage.put(DROP_BUCKET, "b.zip", version="1")
    accept_uploads([an_upload("b.zip", etag=item.etag, version="1")], world.upload_ports)
    assert len(world.jobs.rows) == 2
    assert world.run(job.id).counts.total == 1


# --- rounds, lost things, late comers --------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", [False, True])
def test_a_large_retry_takes_rounds(world: World, chosen: bool) -> None:
    count = PART_CLIPS * 2 + 7
    keys = [f"p/{n:06d}.zip" for n in range(count)]
    job = world.run(world.submit_list(keys).id)
    world.put_sources(count)
    world.retry(job.id, clips=range(count) if chosen else None)
    rounds, cursor = 0, PlanCursor()
    while True:
        planned = plan(job.id, cursor, run=1, out_of_time=always, ports=world.plan_ports)
        assert world.job(job.id).counts == (job.counts if planned.cursor else Counts(total=count))
        rounds += 1
        if planned.cursor is None:
            break
        cursor = planned.cursor
    assert rounds == 5, "two for the first two parts, one that ends them and opens, two more that open"
    assert (planned.batches, planned.batches_key) == (21, batches_key(job.id, run=1))
    for batch in world.batches(job.id):
        world.copy(batch)
    finish(job.id, run=1, error=None, ports=world.finish_ports)
    assert world.job(job.id).counts == Counts(total=count, copied=count, bytes=10 * count)
    assert rows_and_counts_agree(world, job)


def test_planning_that_is_repeated_after_its_end_plans_the_same(world: World) -> None:
    job = half_failed(world)
    heal(world)
    world.retry(job.id)
    first = world.plan(job.id)
    state, counts = dict(world.state.files), world.job(job.id).counts
    assert world.plan(job.id) == first
    assert (world.state.files, world.job(job.id).counts) == (state, counts)
    assert world.job(job.id).status is JobStatus.COPYING


def test_an_index_that_is_behind_is_waited_for_but_not_forever(world: World) -> None:
    job = half_failed(world)
    heal(world)
    world.retry(job.id)
    failures = world.clips.failures
    world.clips.failures = lambda *args, **kwargs: failures(*args, **kwargs)[:2]  # type: ignore[method-assign]
    with pytest.raises(SelectionIncomplete, match="2 of 3"):
        world.plan(job.id)
    assert world.job(job.id).counts == job.counts
    world.clock.advance(rerun.INDEX_LAG_SECONDS)
    ended = world.run(job.id)
    assert (ended.counts.copied, ended.counts.failed) == (5, 1)
    assert rows_and_counts_agree(world, job)


def test_planning_that_broke_down_before_it_touched_anything_leaves_all_as_it_was(world: World) -> None:
    job = half_failed(world)
    rows = dict(world.clips.rows[job.id])
    world.retry(job.id)
    assert finish(job.id, run=1, error="Lambda.Unknown", ports=world.finish_ports).now
    ended = world.job(job.id)
    assert (ended.status, ended.code, ended.counts) == (job.status, "PLANNING_FAILED", job.counts)
    assert world.clips.rows[job.id] == rows
    heal(world)
    world.retry(job.id)
    assert world.run(job.id).status is JobStatus.COMPLETED


def test_a_retry_that_was_opened_halfway_is_ended_by_the_sweep(world: World) -> None:
    job = half_failed(world)
    heal(world)
    world.retry(job.id)
    world.faults.plan("jobs.reopen", [CrashError("here")])
    with pytest.raises(CrashError):
        world.plan(job.id)
    world.workflow.states[f"{job.id}-r1"] = ExecutionState.ENDED
    world.clock.advance(CHILD_SECONDS)
    assert sweep(world.sweep_ports) == Swept(ended=[job.id])
    assert fates(clips(world, job, ClipStatus.FAILED)) == [(ClipStatus.FAILED, "RETRIES_EXHAUSTED")] * 3
    assert rows_and_counts_agree(world, job)


def test_a_retry_of_many_clips_that_was_opened_halfway_is_opened_in_several_calls(world: World) -> None:
    count = 2 * PART_CLIPS + 500
    job = world.run(world.submit_list([f"{n}.zip" for n in range(count)]).id)
    world.retry(job.id)
    world.faults.plan("jobs.reopen", [CrashError("here")])
    with pytest.raises(CrashError):
        world.plan(job.id)
    opened = []
    while not world.job(job.id).status.terminal:
        before = world.faults.calls["clips._reopen_one"]
        with suppress(FinishIncomplete):
            finish(job.id, run=1, error="Lambda.Unknown", ports=world.finish_ports, out_of_time=always)
        opened.append(world.faults.calls["clips._reopen_one"] - before)
    assert opened[:4] == [PART_CLIPS, PART_CLIPS, 500, 0]
    assert rows_and_counts_agree(world, job)


@pytest.mark.parametrize("take_effect", [False, True])
def test_a_retry_that_crashed_anywhere_ends_the_same_when_it_is_repeated(take_effect: bool) -> None:
    for calls in range(1, 100):
        world = World(batch_clips=2)
        job = half_failed(world)
        heal(world)
        world.faults.crash_in(calls, take_effect=take_effect)
        try:
            world.retry(job.id, key="k")
            world.run(job.id)
        except CrashError:
            world.faults.revive()
            world.retry(job.id, key="k")
            world.run(job.id)
        else:
            break
        assert world.job(job.id).counts == Counts(total=6, copied=6, bytes=90) or calls_hit_an_end(world, job)
        assert rows_and_counts_agree(world, job)
        assert [run.run for run in world.job(job.id).runs] == [0]
    else:
        pytest.fail("it never ran without a crash")
    assert calls > 20


def calls_hit_an_end(world: World, job: Job) -> bool:
    """Clips copied before the crash are found unchanged: nothing else may differ."""
    counts = world.job(job.id).counts
    return counts.copied + counts.skipped == counts.total


def test_a_late_worker_or_end_of_a_run_does_not_touch_the_next(world: World) -> None:
    job = half_failed(world)
    (old,) = world.batches(job.id)
    heal(world)
    world.retry(job.id)
    world.plan(job.id)
    before, rows = world.job(job.id), dict(world.clips.rows[job.id])
    assert copy_batch(old, attempt=1, ports=world.copy_ports) is None
    late = finish(job.id, run=0, error="late", ports=world.finish_ports)
    assert late == Ended(JobStatus.COPYING, at=job.completed_at), "it goes on to conclude its own end"
    assert plan(job.id, PlanCursor(), run=0, out_of_time=never, ports=world.plan_ports).batches == 0
    assert (world.job(job.id), world.clips.rows[job.id]) == (before, rows)


@pytest.mark.parametrize("lost", ["manifest", "batches", "both"])
def test_where_the_files_of_a_retry_are_lost_it_still_ends(world: World, lost: str) -> None:
    world.batch_clips = 2
    job = half_failed(world)
    heal(world)
    world.retry(job.id)
    world.plan(job.id)
    copy_batch(world.batches(job.id)[0], attempt=0, ports=world.copy_ports)
    if lost != "batches":
        del world.state.files[world.part_key(job.id, 0)]
    if lost != "manifest":
        del world.state.files[batches_key(job.id, run=1)]
    finish(job.id, run=1, error=None, ports=world.finish_ports)
    assert fates(clips(world, job, ClipStatus.FAILED)) == [(ClipStatus.FAILED, "MANIFEST_LOST")]
    assert clips(world, job)[5].source_uri == "s3://source/p/000005.zip"
    assert rows_and_counts_agree(world, job)
    world.retry(job.id)
    assert world.run(job.id).status is JobStatus.COMPLETED


def test_a_missing_batch_list_of_an_import_ends_it_too(world: World) -> None:
    world.batch_clips = 2
    job = world.planned_list([*world.put_sources(5), "missing"])
    copy_batch(world.batches(job.id)[0], attempt=0, ports=world.copy_ports)
    del world.state.files[batches_key(job.id)]
    finish(job.id, error=None, ports=world.finish_ports)
    assert [code for _, code in fates(clips(world, job))] == [None, None, *["MANIFEST_LOST"] * 3, "NOT_FOUND"]
    assert rows_and_counts_agree(world, job)


@pytest.mark.parametrize("make", [World.submit_prefix, lambda world: world.submit_list(["p/000000.zip"])])
def test_clips_whose_first_manifest_is_gone_are_known_by_their_rows(make: Callable[[World], Job]) -> None:
    world = World()
    (key,) = world.put_sources(1)
    world.storage.fail_copy[key] = [SourceUnavailable("slow down", operation="copy", uri="u")] * 3
    job = world.run(make(world).id)
    del world.state.files[world.part_key(job.id, 0)]
    world.retry(job.id)
    assert world.run(job.id).status is JobStatus.COMPLETED


def test_a_deleted_job_leaves_nothing_of_its_runs(world: World) -> None:
    job = half_failed(world)
    world.retry(job.id, clips=[1, 3])
    world.run(job.id)
    assert run_plan_key(job.id, 1) in world.state.files
    delete(job.id, project=PROJECT, jobs=world.jobs, clock=world.clock)
    assert world.purge() == [job.id]
    assert not world.state.files
    assert not world.jobs.batches.get(job.id)
    assert not world.clips.rows[job.id]


def test_a_second_end_says_that_it_was_not_the_one(world: World) -> None:
    job = world.planned_list(["missing"])
    end = world.jobs.end

    def slower(*args: object, **kwargs: object) -> bool:
        world.jobs.rows[job.id] = replace(world.job(job.id), status=JobStatus.CANCELLED)
        return end(*args, **kwargs)  # type: ignore[arg-type]

    world.jobs.end = slower  # type: ignore[method-assign]
    assert finish(job.id, error=None, ports=world.finish_ports) == Ended(JobStatus.CANCELLED)
