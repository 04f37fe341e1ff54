"""The extrapolation of a copied batch: what it makes, what it leaves, what is seen of it."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, repeat

import pytest

from service.domain.clips import Clip, ClipStatus, Extrapolation, ExtrapolationStatus
from service.domain.errors import BatchIncomplete, LayerUnusable, ObjectRejected, SourceUnavailable
from service.domain.jobs import Job
from service.domain.requests import ImportSettings, OnExisting
from service.domain.state_keys import report_key
from service.imports.completion.finish import finish
from service.imports.copying.batch import copy_batch
from service.imports.extrapolation import batch as extrapolate_module
from service.imports.extrapolation.batch import Progress, extrapolate_batch
from service.imports.extrapolation.result import Extrapolated
from service.imports.extrapolation.status import result_key
from service.imports.intake.cancel import cancel
from service.imports.queries.status import clips_page
from tests.builders import CLIPS_BUCKET, PROJECT, SOURCE_BUCKET, World, always, never
from tests.fakes.faults import CrashError
from tests.unit.formats.making import CLIP, clip_files, members, write_zip

ASKED = ImportSettings(stationary_extrapolation=True)
BROKEN = b"PK no zip"


def put_clips(world: World, *bodies: bytes, extension: str = "zip") -> list[str]:
    keys = [f"c/{number:02d}.{extension}" for number in range(len(bodies))]
    for key, body in zip(keys, bodies, strict=True):
        world.storage.put_body(SOURCE_BUCKET, key, body)
    return keys


def copied(world: World, *bodies: bytes, settings: ImportSettings = ASKED) -> Job:
    """A job whose one batch was copied."""
    job = world.planned_list(put_clips(world, *bodies), settings=settings)
    for batch in world.batches(job.id):
        world.copy(batch)
    return world.job(job.id)


def see_to(world: World, job: Job, *, in_time: int | None = None) -> Progress:
    """One round; `in_time`: how often there is time yet."""
    out_of_time: Iterator[bool] = chain(repeat(False, in_time), repeat(True)) if in_time is not None else repeat(False)
    (batch,) = world.batches(job.id)
    return extrapolate_batch(batch, out_of_time=lambda: next(out_of_time), ports=world.extrapolate_ports)


def shown(world: World, job: Job) -> list[Clip]:
    return list(clips_page(world.job(job.id), limit=100, cursor=None, status=None, ports=world.status_ports).items)


def seen(world: World, job: Job) -> list[tuple[str, str | None] | None]:
    found = [clip.extrapolation for clip in shown(world, job)]
    return [(one.status.value, one.code) if one else None for one in found]


def results(world: World) -> list[str]:
    return sorted(key for key in world.visible() if key.endswith(".stationary.parquet"))


def test_a_result_lies_beside_the_clip_and_is_on_its_row(world: World) -> None:
    job = copied(world, CLIP)
    before = shown(world, job)[0]
    assert see_to(world, job) == Progress(done=1)
    after = shown(world, job)[0]
    key = result_key(before.destination.removeprefix(f"s3://{CLIPS_BUCKET}/"))
    assert key == f"{PROJECT}/-/{SOURCE_BUCKET}/c/00.zip.stationary.parquet"
    made = Extrapolation(status=ExtrapolationStatus.DONE, key=key, tracks=2, stationary=1, rows=30, added=20)
    assert after == replace(before, extrapolation=made)
    obstacle = next(body for name, body in clip_files().items() if ".obstacle." in name)
    assert world.storage.bodies[CLIPS_BUCKET, key] == b"extended " + obstacle


def test_only_clipgt_clips_that_landed_have_one(world: World) -> None:
    keys = [*put_clips(world, CLIP, CLIP), *put_clips(world, b"film", extension="mp4"), "missing.zip"]
    job = world.planned_list([*keys, keys[0]], settings=ASKED)
    assert seen(world, job) == [None] * 5, "their fate is open"
    (batch,) = world.batches(job.id)
    world.copy(batch)
    assert seen(world, job) == [("PENDING", None), ("PENDING", None), None, None, None]
    assert [clip.status for clip in shown(world, job)][3:] == [ClipStatus.FAILED, ClipStatus.SKIPPED]
    assert see_to(world, job) == Progress(done=2)
    assert seen(world, job) == [("DONE", None), ("DONE", None), None, None, None]
    assert len(results(world)) == 2


def test_imports_that_do_not_ask_for_it_show_none(world: World) -> None:
    job = copied(world, CLIP, settings=ImportSettings())
    assert seen(world, world.run(job.id)) == [None]
    assert not results(world)


@pytest.mark.parametrize("asks", [True, False])
def test_planning_tells_whether_it_is_asked_for_also_in_a_retry(world: World, asks: bool) -> None:
    job = world.submit_list(["missing.zip"], settings=ImportSettings(stationary_extrapolation=asks))
    assert world.plan(job.id).extrapolate is asks
    finish(job.id, error=None, ports=world.finish_ports)
    world.retry(job.id)
    put_clips(world, CLIP)
    assert world.plan(job.id).extrapolate is asks


def test_a_clip_that_a_retry_brings_gets_one_too(world: World) -> None:
    keys = put_clips(world, CLIP)
    job = world.run(world.submit_list([*keys, "late.zip"], settings=ASKED).id)
    assert seen(world, job) == [("DONE", None), None]
    world.storage.put_body(SOURCE_BUCKET, "late.zip", CLIP)
    world.retry(job.id)
    assert seen(world, world.run(job.id)) == [("DONE", None), ("DONE", None)]
    assert world.faults.calls["results.put"] == 2


def without(layer: str) -> bytes:
    return write_zip([raw for raw in members() if f".{layer}." not in raw.name.decode()])


def too_large(*_layers: object) -> Extrapolated:
    raise MemoryError


def unusable(*_layers: object) -> Extrapolated:
    raise LayerUnusable("obstacle: no")


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (BROKEN, "NOT_A_ZIP", "not a zip"),
        (without("obstacle"), "NO_OBSTACLES", "the clip has no obstacle.parquet"),
        (without("egomotion_estimate"), "CLIPGT_MISSING_LAYER", "no egomotion_estimate.parquet"),
    ],
)
def test_what_is_wrong_with_a_clip_is_on_its_row_and_changes_no_fate(
    world: World, body: bytes, code: str, said: str
) -> None:
    job = copied(world, body, CLIP)
    assert see_to(world, job) == Progress(done=1, failed=1)
    assert seen(world, job) == [("FAILED", code), ("DONE", None)]
    bad = shown(world, job)[0]
    assert bad.extrapolation is not None
    assert said in (bad.extrapolation.message or "")
    assert (bad.status, bad.code) == (ClipStatus.COPIED, None)
    finish(job.id, error=None, ports=world.finish_ports)
    assert world.job(job.id).status == "COMPLETED"


def test_what_the_rule_refuses_is_on_the_row(world: World) -> None:
    job = copied(world, CLIP)
    world.extrapolator = unusable
    assert see_to(world, job) == Progress(failed=1)
    assert seen(world, job) == [("FAILED", "LAYER_UNUSABLE")]


def test_a_large_layer_is_not_unpacked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extrapolate_module, "MAX_LAYER_BYTES", 9_000)
    job = copied(world, CLIP)
    see_to(world, job)
    (clip,) = shown(world, job)
    assert clip.extrapolation is not None
    assert clip.extrapolation.code == "LAYER_TOO_LARGE"
    assert "egomotion_estimate unpacks to 10,835 bytes, at most 9,000" in (clip.extrapolation.message or "")


def test_a_clip_that_fills_the_memory_is_tried_alone_before_it_counts_as_too_large(world: World) -> None:
    job = copied(world, CLIP, CLIP)
    calls = iter([MemoryError(), MemoryError(), MemoryError(), None])

    def sometimes(obstacle: bytes, _egomotion: bytes, _distance: float) -> Extrapolated:
        error = next(calls)
        if error:
            raise error
        return Extrapolated(body=obstacle, tracks=1, stationary=0, rows=1, added=0)

    world.extrapolator = sometimes
    assert see_to(world, job) == Progress(done=1, failed=1)
    assert seen(world, job) == [("FAILED", "LAYER_TOO_LARGE"), ("DONE", None)]


def test_a_second_delivery_touches_nothing(world: World) -> None:
    job = copied(world, CLIP, BROKEN)
    see_to(world, job)
    before = dict(world.clips.rows[job.id])
    calls = world.faults.calls["results.find"]
    assert see_to(world, job) == Progress()
    assert world.clips.rows[job.id] == before
    assert world.faults.calls["results.find"] == calls


@pytest.mark.parametrize("take_effect", [True, False])
def test_wherever_it_crashes_the_next_delivery_makes_it_whole_and_nothing_is_stored_twice(take_effect: bool) -> None:
    calls = 1
    while True:
        world = World()
        job = copied(world, CLIP, BROKEN, CLIP)
        world.faults.crash_in(calls, take_effect=take_effect)
        try:
            see_to(world, job)
        except CrashError:
            world.faults.revive()
            see_to(world, job)
        else:
            break
        assert seen(world, job) == [("DONE", None), ("FAILED", "NOT_A_ZIP"), ("DONE", None)]
        stored = [item for key in results(world) for item in world.storage.marks[key]]
        assert len(stored) == 2
        calls += 1
    assert calls > 8


def test_a_clip_that_is_there_already_gets_one_by_the_object_that_is_there(world: World) -> None:
    first = world.run(copied(world, CLIP, settings=ImportSettings()).id)
    destination = shown(world, first)[0].destination.removeprefix(f"s3://{CLIPS_BUCKET}/")
    # An upload in parts has another ETag; its age shows that it is the copy of this source.
    there = replace(world.storage.put_body(CLIPS_BUCKET, destination, CLIP), modified="2026-01-01T01:00:00.000Z")
    world.storage.buckets[CLIPS_BUCKET][destination] = there
    again = world.run(world.submit_list(["c/00.zip"], settings=ASKED).id)
    (clip,) = shown(world, again)
    assert (clip.status, clip.code) == (ClipStatus.SKIPPED, "UNCHANGED")
    assert seen(world, again) == [("DONE", None)]
    (note,) = world.results.notes.values()
    assert f'"of":"{there.etag}"' in note


def test_a_result_of_the_same_clip_is_taken_as_it_is(world: World) -> None:
    world.run(copied(world, CLIP).id)
    job = world.run(world.submit_list(["c/00.zip"], settings=ASKED).id)
    first = world.run(world.submit_list(["c/00.zip"], settings=ASKED).id)
    assert shown(world, job)[0].extrapolation == shown(world, first)[0].extrapolation
    assert seen(world, job) == [("DONE", None)]
    assert world.faults.calls["results.put"] == 1


def test_a_result_of_another_clip_or_rule_is_made_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run(copied(world, CLIP).id)
    monkeypatch.setattr(extrapolate_module, "RULE", 2)
    world.run(world.submit_list(["c/00.zip"], settings=ASKED).id)
    assert world.faults.calls["results.put"] == 2
    overwriting = replace(ASKED, on_existing=OnExisting.OVERWRITE)
    put_clips(world, CLIP)  # another ETag
    job = world.run(world.submit_list(["c/00.zip"], settings=overwriting).id)
    assert seen(world, job) == [("DONE", None)]
    assert world.faults.calls["results.put"] == 3
    assert len(results(world)) == 1


@pytest.mark.parametrize("note", [None, "", "{", "[]", "{}", '{"tracks":"2","stationary":1,"rows":1,"added":1}'])
def test_an_object_of_somebody_else_in_the_way_stays(world: World, note: str | None) -> None:
    job = copied(world, CLIP)
    key = result_key(f"{PROJECT}/-/{SOURCE_BUCKET}/c/00.zip")
    theirs = world.storage.put_body(CLIPS_BUCKET, key, b"mine")
    if note is not None:
        world.results.notes[theirs.etag] = note
    assert see_to(world, job) == Progress(failed=1)
    assert seen(world, job) == [("FAILED", "RESULT_KEY_TAKEN")]
    assert world.storage.bodies[CLIPS_BUCKET, key] == b"mine"


def test_passing_faults_leave_the_clip_for_the_next_try(world: World) -> None:
    job = copied(world, CLIP, CLIP)
    fault = SourceUnavailable("slow down", operation="store", uri="u")
    world.faults.plan("results.put", [fault])
    with pytest.raises(BatchIncomplete, match=r"1 clips failed with transient errors, first: .*slow down"):
        see_to(world, job)
    assert seen(world, job) == [("PENDING", None), ("DONE", None)]
    assert see_to(world, job) == Progress(done=1)


def test_a_store_that_refuses_for_good_is_on_the_row(world: World) -> None:
    job = copied(world, CLIP)
    world.faults.plan("results.put", [ObjectRejected("key too long", operation="store", uri="u")])
    see_to(world, job)
    assert seen(world, job) == [("FAILED", "OBJECT_REJECTED")]


def test_a_round_without_time_sees_to_one_clip_and_leaves_the_rest(world: World) -> None:
    job = copied(world, CLIP, CLIP, CLIP)
    assert see_to(world, job, in_time=0) == Progress(done=1, left=2)
    assert see_to(world, job, in_time=1) == Progress(done=2)


def test_rounds_go_on_until_all_is_done(world: World) -> None:
    job = copied(world, CLIP, BROKEN, CLIP)
    (batch,) = world.batches(job.id)
    assert len(world.extrapolate(batch, out_of_time=always)) == 3
    assert seen(world, job) == [("DONE", None), ("FAILED", "NOT_A_ZIP"), ("DONE", None)]


def test_a_passing_fault_in_a_round_without_time_is_for_the_next_one(world: World) -> None:
    job = copied(world, CLIP, CLIP, CLIP)
    fault = SourceUnavailable("slow down", operation="store", uri="u")
    world.faults.plan("results.put", [fault])
    with pytest.raises(BatchIncomplete):
        see_to(world, job, in_time=0)
    assert see_to(world, job, in_time=1) == Progress(done=2, left=1)


def test_a_cancel_stops_it(world: World) -> None:
    job = copied(world, CLIP, CLIP)
    see_to(world, job, in_time=0)
    cancel(job.id, project=PROJECT, jobs=world.jobs, workflow=world.workflow, clock=world.clock)
    assert see_to(world, job) == Progress()
    finish(job.id, error=None, ports=world.finish_ports)
    assert seen(world, job) == [("DONE", None), ("CANCELLED", "CANCELLED")]


def test_what_was_lost_is_seen_when_the_import_has_ended(world: World) -> None:
    job = copied(world, CLIP)
    finish(job.id, error=None, ports=world.finish_ports)
    assert seen(world, job) == [("FAILED", "EXTRAPOLATION_LOST")]
    assert see_to(world, job) == Progress(), "an ended import is not touched any more"
    assert seen(world, job) == [("FAILED", "EXTRAPOLATION_LOST")]
    again = world.run(world.submit_list(["c/00.zip"], settings=ASKED).id)
    assert seen(world, again) == [("DONE", None)]


def test_the_report_has_what_became_of_each(world: World) -> None:
    job = world.run(copied(world, CLIP, BROKEN).id)
    world.conclude(job.id)
    assert job.completed_at is not None
    lines = world.files.files[report_key(job.id, job.completed_at, "jsonl")].splitlines()
    told = [json.loads(line)["extrapolation"] for line in lines]
    assert [(one["status"], one["code"]) for one in told] == seen(world, job)
    rows = csv.DictReader(io.StringIO(world.files.files[report_key(job.id, job.completed_at, "csv")].decode()))
    assert [json.loads(row["extrapolation"]) for row in rows] == told


def test_a_batch_of_an_earlier_run_does_nothing(world: World) -> None:
    job = copied(world, CLIP, BROKEN)
    (batch,) = world.batches(job.id)
    world.jobs.rows[job.id] = replace(world.job(job.id), run=1)
    assert extrapolate_batch(batch, out_of_time=never, ports=world.extrapolate_ports) == Progress()
    assert not results(world)


def test_a_job_that_is_gone_gets_no_row(world: World) -> None:
    job = copied(world, CLIP)
    (batch,) = world.batches(job.id)
    del world.jobs.rows[job.id]
    assert extrapolate_batch(batch, out_of_time=never, ports=world.extrapolate_ports) == Progress()


def test_copying_again_after_it_leaves_the_rows_alone(world: World) -> None:
    job = copied(world, CLIP)
    see_to(world, job)
    (batch,) = world.batches(job.id)
    assert copy_batch(batch, attempt=0, ports=world.copy_ports) is None
    assert seen(world, job) == [("DONE", None)]
