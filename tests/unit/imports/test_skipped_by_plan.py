"""Clips that planning skipped: the plan is their result, without a row, a batch or a copy function (decision 91)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from service.domain.clips import Clip, ClipStatus
from service.domain.errors import NothingToRetry
from service.domain.fates import SUPERSEDED
from service.domain.ids import clip_id
from service.domain.jobs import Job, JobStatus
from service.domain.progress import eta_seconds, rate
from service.domain.requests import Archived, ImportSettings, OnExisting
from service.domain.state_keys import batches_key, report_key, skipped_key
from service.imports.completion.finish import finish
from service.imports.copying.batch import copy_batch
from service.imports.manifest import skipped
from service.imports.planning.context import PlanCursor, writer_at
from service.imports.planning.plan import plan
from service.imports.queries import find_skipped
from service.imports.queries.delete_video import remove
from service.imports.queries.find import Wanted, find_clips
from service.imports.queries.status import clips_page
from service.imports.queries.videos import get_video, videos_page
from tests.builders import PROJECT, World, a_set, always, an_entry, import_list, never


def again(world: World, count: int = 3, **changes: Any) -> Job:
    """The second import of a prefix that did not change."""
    world.put_sources(count)
    world.run(world.submit_prefix().id)
    return world.run(world.submit_prefix(**changes).id)


def clips(world: World, job: Job, status: ClipStatus | None = None, *, limit: int = 1_000) -> Sequence[Clip]:
    return clips_page(world.job(job.id), limit=limit, cursor=None, status=status, ports=world.status_ports).items


def found(world: World, *, limit: int = 1_000, **wanted: str) -> list[str]:
    """Ids of the clips on all pages."""
    ids: list[str] = []
    cursor = None
    while True:
        page = find_clips(PROJECT, Wanted(**wanted), limit=limit, cursor=cursor, ports=world.status_ports)
        assert len(page.items) <= limit
        ids += [one.clip.id for one in page.items]
        cursor = page.next_cursor
        if not cursor:
            return ids


# --- the import ------------------------------------------------------------------------------------------------------


def test_an_unchanged_prefix_takes_no_row_no_batch_and_no_copy(world: World) -> None:
    copied = world.faults.calls["storage.copy"]
    job = again(world)
    assert (job.status, job.counts.total, job.counts.skipped, job.counts.pending) == (JobStatus.COMPLETED, 3, 3, 0)
    assert world.clips.rows[job.id] == {}
    assert world.batches(job.id) == []
    assert world.faults.calls["storage.copy"] == copied + 3


def test_a_page_shows_what_a_row_would(world: World) -> None:
    job = again(world)
    first, *_ = clips(world, job)
    assert (first.status, first.code) == (ClipStatus.SKIPPED, "UNCHANGED")
    assert first.message == "the same clip is at the destination already"
    assert (first.source_uri, first.destination) == (
        "s3://source/p/000000.zip",
        "s3://clips/demo/-/source/p/000000.zip",
    )
    assert (first.size, first.etag) == (10, world.storage.buckets["clips"]["demo/-/source/p/000000.zip"].etag)
    by_status = {status: len(clips(world, job, status)) for status in ClipStatus}
    assert by_status == {status: 3 * (status is ClipStatus.SKIPPED) for status in ClipStatus}


def test_the_report_has_them(world: World) -> None:
    job = again(world)
    world.conclude(job.id)
    assert job.completed_at is not None
    lines = world.files.files[report_key(job.id, job.completed_at, "jsonl")].splitlines()
    assert [(line["status"], line["code"]) for line in map(json.loads, lines)] == 3 * [("SKIPPED", "UNCHANGED")]
    summary = json.loads(world.files.files[report_key(job.id, job.completed_at, "summary")])
    assert summary["by_code"] == {"UNCHANGED": 3}
    assert summary["counts"]["skipped"] == 3


def test_a_batch_holds_only_the_clips_to_copy_and_those_that_failed() -> None:
    world = World(batch_clips=2)
    keys = world.put_sources(6)
    world.run(world.submit_list(keys[::2]).id)
    job = world.planned_list([*keys, "missing.zip"])
    assert [(batch.first, batch.count) for batch in world.batches(job.id)] == [(1, 2), (5, 2)]
    assert (job.counts.skipped, job.counts.pending) == (3, 4)
    assert [clip.status for clip in clips(world, job)] == 3 * [ClipStatus.SKIPPED, ClipStatus.PENDING] + [
        ClipStatus.PENDING
    ]
    for batch in world.batches(job.id):
        world.copy(batch)
    finish(job.id, error=None, ports=world.finish_ports)
    assert [clip.status.value[0] for clip in clips(world, job)] == list("SCSCSCF")
    assert sorted(world.clips.rows[job.id]) == [1, 3, 5, 6]
    assert [entry.ordinal for entry in world.manifest(job.id)] == list(range(7))


def test_the_rate_counts_what_is_copied_only(world: World) -> None:
    keys = world.put_sources(4)
    world.run(world.submit_list(keys[:2]).id)
    job = world.planned_list(keys)
    world.clock.advance(10)
    now = world.clock()
    speed = rate(job, now)
    assert speed is not None
    assert speed.clips == 0
    assert eta_seconds(job, now) is None


def test_sets_and_imports_with_extrapolation_keep_their_rows(world: World) -> None:
    keys = [f"{n}.mp4" for n in range(4)]
    for key in keys:
        world.storage.put("source", key)
    asked = ImportSettings(stationary_extrapolation=True)
    world.run(world.submit_list(keys).id)
    extrapolated = world.run(world.submit_list(keys, settings=asked).id)
    in_sets = world.planned_sets(a_set(*keys[:2]), a_set(*keys[2:]))
    for job in (extrapolated, world.run(in_sets.id)):
        assert job.counts.skipped == len(world.clips.rows[job.id]) == 4
        assert job.skipped_by_plan == 0


def test_planned_failures_keep_their_rows_so_that_a_retry_finds_them(world: World) -> None:
    job = again(world, settings=ImportSettings(on_existing=OnExisting.FAIL))
    assert (job.status, job.counts.failed, len(world.clips.rows[job.id])) == (JobStatus.FAILED, 3, 3)
    world.retry(job.id)
    assert world.run(job.id).counts.failed == 3


# --- crashes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("out_of_time", [never, always])
def test_they_count_once_however_often_planning_is_repeated(world: World, out_of_time: Callable[[], bool]) -> None:
    world.put_sources(2_500)
    world.run(world.submit_prefix().id)
    job = world.submit_prefix()
    world.plan(job.id, out_of_time=out_of_time)
    assert (world.job(job.id).counts.skipped, world.job(job.id).status) == (2_500, JobStatus.COPYING)
    files = dict(world.state.files)
    planned = plan(job.id, PlanCursor(), out_of_time=never, ports=world.plan_ports)
    assert (planned.batches, planned.batches_key) == (0, batches_key(job.id))
    assert world.state.files == files, "what was planned stays"
    assert (world.job(job.id).counts.skipped, world.job(job.id).status) == (2_500, JobStatus.COPYING)


def test_a_plan_that_ended_is_given_again_when_its_answer_was_lost(world: World) -> None:
    keys = world.put_sources(3)
    world.run(world.submit_list(keys[:1]).id)
    job = world.submit_list(keys)
    planned = world.plan(job.id)
    world.storage.put("source", keys[0], 99)
    assert world.plan(job.id) == planned
    (batch,) = world.batches(job.id)
    world.copy(batch)
    assert world.plan(job.id) == planned, "also where a late call meets copies"
    finish(job.id, error=None, ports=world.finish_ports)
    assert (world.job(job.id).counts.copied, world.job(job.id).counts.skipped) == (2, 1)


def test_they_stay_skipped_where_the_list_of_batches_is_lost() -> None:
    world = World(batch_clips=2)
    keys = world.put_sources(4)
    world.run(world.submit_list(keys[:2]).id)
    job = world.planned_list(keys)
    del world.state.files[batches_key(job.id)]
    finish(job.id, error=None, ports=world.finish_ports)
    done = world.job(job.id)
    assert (done.counts.skipped, done.counts.failed, done.status) == (2, 2, JobStatus.COMPLETED_WITH_ERRORS)
    assert [clip.code for clip in clips(world, job)] == 2 * ["UNCHANGED"] + 2 * ["MANIFEST_LOST"]


def test_a_cancelled_import_keeps_what_planning_skipped(world: World) -> None:
    keys = world.put_sources(3)
    world.run(world.submit_list(keys[:2]).id)
    job = world.planned_list(keys)
    world.jobs.request_cancel(job.id, world.clock())
    (batch,) = world.batches(job.id)
    copy_batch(batch, attempt=0, ports=world.copy_ports)
    finish(job.id, error=None, ports=world.finish_ports)
    done = world.job(job.id)
    assert (done.status, done.counts.skipped, done.counts.cancelled) == (JobStatus.CANCELLED, 2, 1)


# --- retries ---------------------------------------------------------------------------------------------------------


def test_a_retry_leaves_them_as_they_are(world: World) -> None:
    keys = world.put_sources(2)
    world.run(world.submit_list(keys).id)
    job = world.run(world.submit_list([*keys, "p/late.zip"]).id)
    assert (job.counts.skipped, job.counts.failed) == (2, 1)
    world.storage.put("source", "p/late.zip")
    world.retry(job.id, clips=[0, 2])
    done = world.run(job.id)
    assert (done.status, done.counts.skipped, done.counts.copied) == (JobStatus.COMPLETED, 2, 1)
    assert [clip.status for clip in clips(world, job)] == 2 * [ClipStatus.SKIPPED] + [ClipStatus.COPIED]
    with pytest.raises(NothingToRetry, match="none of these 2 clips"):
        world.retry(job.id, clips=[0, 1])


def test_a_retried_clip_that_is_skipped_then_has_a_row(world: World) -> None:
    job = world.run(world.submit_list(["p/000000.zip"]).id)
    world.put_sources(1)
    world.run(world.submit_list(["p/000000.zip"]).id)
    world.retry(job.id)
    done = world.run(job.id)
    assert (done.counts.skipped, done.skipped_by_plan) == (1, 0)
    assert world.clips.rows[job.id][0].code == "UNCHANGED"


# --- videos ----------------------------------------------------------------------------------------------------------


def test_a_skipped_video_is_deleted_like_another(world: World) -> None:
    job = again(world, 2)
    ports = world.status_ports
    remove(get_video(clip_id(job.id, 0), project=PROJECT, ports=ports), ports=world.remove_ports)
    shown = videos_page(world.job(job.id), limit=10, cursor=None, offset=None, ports=ports)
    assert [video.clip.id for video in shown.videos] == [clip_id(job.id, 1)]
    assert "demo/-/source/p/000000.zip" not in world.visible()
    assert (world.job(job.id).removed_landed, world.job(job.id).counts.skipped) == (1, 2)
    assert [clip.deleted_at is None for clip in clips(world, job)] == [False, True]
    assert clip_id(job.id, 0) not in found(world, clip_id="000000")


def test_deleting_a_video_whose_source_is_archived_keeps_the_copy_of_another_import(world: World) -> None:
    (key,) = world.put_sources(1)
    world.run(world.submit_prefix().id)
    source = world.storage.buckets["source"]
    source[key] = replace(source[key], archive="GLACIER")
    settings = ImportSettings(archived=Archived.SKIP, on_existing=OnExisting.OVERWRITE)
    job = world.run(world.submit_prefix(settings=settings).id)
    assert [clip.code for clip in clips(world, job)] == ["ARCHIVED"]
    remove(get_video(clip_id(job.id, 0), project=PROJECT, ports=world.status_ports), ports=world.remove_ports)
    assert f"demo/-/source/{key}" in world.storage.buckets["clips"]
    assert clips(world, job)[0].deleted_at


def test_a_repeated_uri_has_the_result_of_its_first_also_on_another_page(world: World) -> None:
    keys = world.put_sources(1)
    world.run(world.submit_list(keys).id)
    job = world.run(world.submit(import_list([f"s3://source/{key}" for key in (*keys, "missing", *keys)])).id)
    page = videos_page(job, limit=1, cursor=clip_id(job.id, 1), offset=None, ports=world.status_ports)
    (video,) = page.videos
    assert (video.clip.status, video.clip.code) == (ClipStatus.SKIPPED, "UNCHANGED")


# --- finds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [{"clip_id": "000001"}, {"original_clipgt_url": "s3://source/p/000001.zip"}])
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_every_import_that_skipped_a_clip_is_found_newest_first(
    world: World, wanted: dict[str, str], limit: int
) -> None:
    again(world)
    world.run(world.submit_list(["p/missing.zip"]).id)
    again(world)
    jobs = sorted(world.jobs.rows.values(), key=lambda job: job.created_at, reverse=True)
    assert found(world, limit=limit, **wanted) == [clip_id(job.id, 1) for job in jobs if job.counts.total == 3]


def test_files_and_imports_are_searched_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skipped, "FILE_CLIPS", 1_000)
    monkeypatch.setattr(find_skipped, "FILE_CLIPS", 1_000)
    keys = [f"p/{n:04d}/front.zip" for n in range(2_500)]
    for key in keys:
        world.storage.put("source", key)
    jobs = [world.run(world.submit_prefix().id) for _ in range(3)]
    expected = [clip_id(job.id, n) for job in reversed(jobs) for n in reversed(range(2_500))]
    assert found(world, clip_id="front") == expected
    monkeypatch.setattr(find_skipped, "CLIPS_SEARCHED", 1_000)
    monkeypatch.setattr(find_skipped, "JOBS_SEARCHED", 1)
    monkeypatch.setattr(find_skipped, "PARTS_READ", 1)
    assert found(world, clip_id="front", limit=700) == expected
    assert found(world, original_clipgt_url="s3://source/p/1700/front.zip") == [
        clip_id(job.id, 1_700) for job in reversed(jobs)
    ]
    assert found(world, original_clipgt_url="s3://source/elsewhere/front.zip") == []


def test_a_round_that_ends_within_a_file_is_continued(world: World) -> None:
    keys = world.put_sources(2_500)
    world.run(world.submit_prefix().id)
    job = world.submit_prefix()
    world.plan(job.id, out_of_time=always)
    assert all(clip_id(job.id, n) in found(world, clip_id=keys[n][2:8]) for n in (0, 999, 1_000, 2_499))


def test_a_round_without_skipped_clips_leaves_the_file_of_an_earlier_one(world: World) -> None:
    keys = world.put_sources(2_500)
    world.run(world.submit_prefix().id)
    for key in keys[1_000:]:
        world.storage.put("source", key, 7)
    job = world.submit_prefix()
    world.plan(job.id, out_of_time=always)
    assert len(world.job(job.id).plan_rounds) > 1
    assert clip_id(job.id, 999) in found(world, clip_id=keys[999][2:8])


def test_a_late_planner_leaves_the_files_of_the_plan_that_counts(world: World) -> None:
    """It still saw nothing at the destinations, so it skipped no clip."""
    keys = world.put_sources(3)
    world.run(world.submit_prefix().id)
    job = world.submit_prefix()
    late = writer_at(PlanCursor(), job, world.plan_ports)
    late.write_part([an_entry(0), an_entry(1), an_entry(2).with_fate(SUPERSEDED)])
    world.run(job.id)
    assert late.end().skipped == 3
    assert clip_id(job.id, 0) in found(world, clip_id=keys[0][2:8])


def test_the_files_of_older_imports_have_no_token(world: World) -> None:
    job = again(world)
    for key in [key for key in world.state.files if "/skipped/" in key]:
        world.state.files[key.rpartition("-")[0]] = world.state.files.pop(key)
    assert clip_id(job.id, 1) in found(world, clip_id="000001")


def test_two_texts_with_one_hash_are_told_apart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skipped, "_hash", lambda _: 7)
    job = again(world)
    first = min(world.jobs.rows.values(), key=lambda job: job.created_at)
    assert found(world, clip_id="000002") == [clip_id(job.id, 2), clip_id(first.id, 2)]
    assert found(world, clip_id="other") == []


def test_a_hash_across_two_places_is_no_hit(world: World) -> None:
    rounds = (("token", 0),)
    files = skipped.SkippedFiles(world.state, "ij_1", rounds)
    files.add([an_entry(1)])
    files.store()
    key, uri = skipped_key("ij_1", "url", 0, "token"), an_entry(1).source_uri

    def ordinals() -> list[int]:
        return list(skipped.possible_ordinals(world.state, "ij_1", "url", 0, rounds, uri, before=10))

    assert ordinals() == [1]
    world.state.put(key, b"\0" + world.state.get(key) + b"\0\0\0")
    assert ordinals() == []


def test_their_labels_count_and_an_expired_manifest_hides_them(world: World) -> None:
    job = again(world, labels=("night",))
    assert found(world, clip_id="000000", label="night") == [clip_id(job.id, 0)]
    del world.state.files[world.part_key(job.id, 0)]
    assert found(world, clip_id="000000", label="night") == []
