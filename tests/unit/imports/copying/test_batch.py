"""Copying a batch: every clip gets a fate, every fate a row, every batch counts once."""

import itertools
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.domain.clips import ClipKeys, ClipRow, ClipStatus, Verification
from service.domain.errors import (
    AccessDenied,
    BatchIncomplete,
    ChecksumMismatch,
    NotFound,
    ObjectError,
    ObjectRejected,
    SourceChanged,
    SourceUnavailable,
)
from service.domain.jobs import Counts, Job, Tally
from service.domain.manifest import Batch, ManifestEntry
from service.domain.requests import ContentValidation, ImportSettings
from service.domain.search_keys import search_key
from service.imports.copying import content
from service.imports.copying.batch import Restoring, Unfinished, copy_batch
from service.imports.copying.watch import WATCH_SECONDS
from service.imports.lifecycle.turns import Wait
from tests.builders import World, import_list, summing
from tests.paths import DATA


def error(kind: type[ObjectError]) -> ObjectError:
    return kind("because", operation="copy", uri="s3://source/k")


def planned(world: World, count: int = 5, **changes: object) -> tuple[Job, Batch]:
    """A list job of one batch, and that batch."""
    job = world.planned_list(world.put_sources(count), **changes)
    (batch,) = world.batches(job.id)
    return job, batch


def copy(world: World, batch: Batch, attempt: int = 0) -> Tally | None:
    tally = copy_batch(batch, attempt=attempt, ports=world.copy_ports)
    assert not isinstance(tally, Unfinished | Restoring | Wait)
    return tally


def statuses(world: World, job: Job) -> list[ClipStatus]:
    return [row.status for _, row in sorted(world.clips.rows[job.id].items())]


def test_every_clip_lands_at_its_destination_and_has_a_row(world: World) -> None:
    job, batch = planned(world, 3)
    assert copy(world, batch) == Tally(copied=3, bytes=30)
    for ordinal, entry in enumerate(world.manifest(job.id)):
        landed = world.storage.buckets["clips"][entry.destination]
        assert world.clips.rows[job.id][ordinal] == ClipRow(
            ordinal=ordinal,
            status=ClipStatus.COPIED,
            size=10,
            etag=landed.etag,
            verified=Verification.ETAG,
            source_uri=entry.source_uri,
            destination=entry.destination,
            keys=ClipKeys(
                clip=search_key("demo", f"{ordinal:06d}"),
                url=search_key("demo", entry.source_uri),
                position=f"{job.created_at}#{job.id}#{ordinal:010d}",
            ),
        )
    assert world.job(job.id).counts == Counts(total=3, copied=3, bytes=30)


@pytest.mark.parametrize("kind", [AccessDenied, ObjectRejected])
def test_a_clips_own_failure_is_a_row_that_says_why(world: World, kind: type[ObjectError]) -> None:
    job, batch = planned(world, 3)
    world.storage.fail_copy["p/000001.zip"] = [error(kind)]
    assert copy(world, batch) == Tally(copied=2, failed=1, bytes=20)
    row = world.clips.rows[job.id][1]
    assert (row.status, row.code) == (ClipStatus.FAILED, kind.code)
    assert row.message == "cannot copy s3://source/k: because"
    entry = world.manifest(job.id)[1]
    assert (row.source_uri, row.destination, row.size) == (entry.source_uri, entry.destination, entry.size)


def test_what_planning_failed_is_written_and_counted_without_a_copy(world: World) -> None:
    world.put_sources(1, prefix="")
    job = world.submit(import_list(["s3://source/000000.zip", "s3://source/missing", "s3://source/000000.zip"]))
    world.plan(job.id)
    (batch,) = world.batches(job.id)
    assert copy(world, batch) == Tally(copied=1, failed=1, bytes=10)
    assert statuses(world, job) == [ClipStatus.COPIED, ClipStatus.FAILED]
    assert world.clips.rows[job.id][1].code == "NOT_FOUND"
    assert world.faults.calls["storage.copy"] == 1


def test_a_source_that_changed_since_it_was_planned_is_a_failed_clip(world: World) -> None:
    job, batch = planned(world, 2)
    world.storage.put("source", "p/000000.zip", 99)
    assert copy(world, batch) == Tally(copied=1, failed=1, bytes=10)
    assert world.clips.rows[job.id][0].code == "SOURCE_CHANGED"
    assert "demo/-/source/p/000000.zip" not in world.storage.buckets["clips"]


def test_a_source_that_vanished_since_it_was_planned_is_a_failed_clip(world: World) -> None:
    job, batch = planned(world, 2)
    del world.storage.buckets["source"]["p/000000.zip"]
    assert copy(world, batch) == Tally(copied=1, failed=1, bytes=10)
    assert world.clips.rows[job.id][0].code == "NOT_FOUND"


def test_empty_objects_are_clips_like_others(world: World) -> None:
    world.storage.put("source", "empty.zip", 0)
    job = world.submit_list(["empty.zip"])
    done = world.run(job.id)
    assert (done.counts.copied, done.counts.bytes) == (1, 0)


def test_clips_that_take_nothing_but_a_copy_go_together(world: World) -> None:
    job, batch = planned(world, 6)
    world.storage.streamed = {"p/000001.zip", "p/000004.zip"}
    assert copy(world, batch) == Tally(copied=6, bytes=60)
    assert world.storage.together == [0, 2, 3, 5]
    assert sorted(world.clips.rows[job.id]) == list(range(6))


@pytest.mark.parametrize(("depth", "together"), [("structure", 20), ("deep", 0)])
def test_structure_is_checked_where_plain_copies_run_and_deep_in_threads(depth: str, together: int) -> None:
    world = World(concurrency=8)
    job, batch = planned(world, 20, settings=ImportSettings(content_validation=ContentValidation(depth)))
    for number in range(20):
        world.storage.bodies["source", f"p/{number:06d}.zip"] = b"not a zip!"
    assert copy(world, batch) == Tally(failed=20)
    assert len(world.storage.together) == together
    assert {row.status for row in world.clips.rows[job.id].values()} == {ClipStatus.FAILED}


def test_a_check_that_reads_much_moves_to_a_thread(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hold up all copies of the event loop."""
    monkeypatch.setattr(content, "LOOP_BYTES", 10_000)
    film = (DATA / "video/set01/front.mp4").read_bytes()
    for key, body in {"film.mp4": film, "page.mp4": b"<html>"}.items():
        world.storage.put_body("source", key, body)
    settings = ImportSettings(content_validation=ContentValidation.STRUCTURE)
    job = world.planned_list(["film.mp4", "page.mp4"], settings=settings)
    (batch,) = world.batches(job.id)
    assert copy(world, batch) == Tally(copied=1, failed=1, bytes=len(film))
    rows = world.clips.rows[job.id]
    assert [(rows[n].content, rows[n].code) for n in (0, 1)] == [("valid", None), ("invalid", "NOT_AN_MP4")]
    assert world.storage.read == {"film.mp4": 2, "page.mp4": 1}
    assert list(world.storage.copies.values()) == [1]


def test_threads_copy_all_clips_once() -> None:
    world = World(concurrency=8)
    _, batch = planned(world, 100)
    world.storage.streamed = {f"p/{number:06d}.zip" for number in range(100)}
    assert copy(world, batch) == Tally(copied=100, bytes=1_000)
    assert world.storage.together == []
    assert set(world.storage.copies.values()) == {1}


# --- passing faults --------------------------------------------------------------------------------------------------


def test_a_passing_fault_keeps_the_settled_rows_and_raises(world: World) -> None:
    job, batch = planned(world, 4)
    world.storage.fail_copy["p/000002.zip"] = [error(SourceUnavailable)]
    with pytest.raises(BatchIncomplete, match=r"1 of 4 clips .* because"):
        copy(world, batch)
    assert sorted(world.clips.rows[job.id]) == [0, 1, 3]
    assert world.job(job.id).counts == Counts(total=4)


def test_a_second_attempt_copies_only_the_rest(world: World) -> None:
    job, batch = planned(world, 4)
    world.storage.fail_copy["p/000002.zip"] = [error(SourceUnavailable), None]
    world.storage.fail_copy["p/000003.zip"] = [error(AccessDenied), None]
    with pytest.raises(BatchIncomplete):
        copy(world, batch, attempt=0)
    assert copy(world, batch, attempt=1) == Tally(copied=3, failed=1, bytes=30)
    assert set(world.storage.copies.values()) == {1}
    assert world.clips.rows[job.id][3].status is ClipStatus.FAILED, "a fate that was settled stays"
    assert set(world.clips.writes.values()) == {1}
    assert world.job(job.id).counts == Counts(total=4, copied=3, failed=1, bytes=30)


def test_an_attempt_after_a_crash_before_the_count_counts_once(world: World) -> None:
    job, batch = planned(world, 3)
    world.faults.plan("jobs.record_batch", [RuntimeError("throttled")])
    with pytest.raises(RuntimeError):
        copy(world, batch)
    assert copy(world, batch, attempt=1) == Tally(copied=3, bytes=30)
    assert set(world.storage.copies.values()) == {1}
    assert world.job(job.id).counts.copied == 3


def test_an_attempt_after_one_that_was_recorded_does_nothing(world: World) -> None:
    job, batch = planned(world, 3)
    copy(world, batch)
    assert copy(world, batch, attempt=1) is None
    assert set(world.storage.copies.values()) == {1}
    assert world.job(job.id).counts.copied == 3


def test_the_first_attempt_reads_no_rows(world: World) -> None:
    _, batch = planned(world, 3)
    copy(world, batch)
    assert not world.faults.calls["clips.get"]


def test_a_clip_that_ends_the_call_does_not_take_the_rows_of_the_others_with_it(world: World) -> None:
    job, batch = planned(world, 4)
    world.storage.streamed = {"p/000003.zip"}

    def end_the_call(entry: ManifestEntry) -> None:
        if entry.ordinal == 3:
            raise RuntimeError("the function's time is over")

    world.storage.before_copy = end_the_call
    with pytest.raises(RuntimeError):
        copy(world, batch)
    assert sorted(world.clips.rows[job.id]) == [0, 1, 2]
    world.storage.before_copy = lambda _entry: None
    assert copy(world, batch, attempt=1) == Tally(copied=4, bytes=40)
    assert set(world.storage.copies.values()) == {1}


# --- at-least-once delivery ------------------------------------------------------------------------------------------


def test_a_batch_that_is_delivered_twice_counts_once(world: World) -> None:
    job, batch = planned(world, 3)
    assert copy(world, batch) == Tally(copied=3, bytes=30)
    assert copy(world, batch) is None
    assert world.job(job.id).counts == Counts(total=3, copied=3, bytes=30)


def test_a_second_delivery_leaves_the_rows_that_were_counted(world: World) -> None:
    job, batch = planned(world, 3)
    copy(world, batch)
    del world.storage.buckets["source"]["p/000000.zip"]
    copy(world, batch)
    assert statuses(world, job).count(ClipStatus.COPIED) == world.job(job.id).counts.copied == 3


def test_a_delivery_that_is_overtaken_by_another_writes_nothing(world: World) -> None:
    job, batch = planned(world, 3)
    now = world.monotonic

    def the_other_is_faster() -> float:
        if world.storage.copies:
            world.monotonic = now
            copy(world, batch)
            world.storage.buckets["source"].clear()
        return now()

    world.monotonic = lambda: the_other_is_faster() if world.monotonic is not now else now()
    assert copy(world, batch) is None
    # The other found the first clip's copy and no row of it: S3 does not tell whose copy that is.
    assert statuses(world, job) == [ClipStatus.SKIPPED, ClipStatus.COPIED, ClipStatus.COPIED]
    assert set(world.clips.writes.values()) == {1}
    assert world.job(job.id).counts == Counts(total=3, copied=2, skipped=1, bytes=20)


def test_a_batch_of_a_job_that_is_gone_copies_nothing(world: World) -> None:
    job, batch = planned(world, 3)
    del world.jobs.rows[job.id]
    with suppress(NotFound):  # from the count, which has nowhere to go
        copy(world, batch)
    assert not world.storage.copies


def test_a_manifest_that_was_written_again_is_not_read(world: World) -> None:
    _, batch = planned(world, 3)
    world.state.put(batch.part_key, b"x" * 10_000)
    with pytest.raises(SourceChanged):
        copy(world, batch)
    assert not world.storage.copies


# --- cancel ----------------------------------------------------------------------------------------------------------


def test_a_cancelled_job_copies_nothing_more(world: World) -> None:
    job, batch = planned(world, 3)
    world.jobs.request_cancel(job.id, world.clock())
    assert copy(world, batch) == Tally(cancelled=3)
    assert {row.code for row in world.clips.rows[job.id].values()} == {"CANCELLED"}
    assert not world.storage.copies
    assert world.job(job.id).counts.pending == 0


def test_a_cancel_in_the_middle_keeps_what_was_copied(world: World) -> None:
    job, batch = planned(world, 5)

    def cancel_at_the_second(entry: ManifestEntry) -> None:
        if entry.ordinal == 1:
            world.jobs.request_cancel(job.id, world.clock())

    world.storage.before_copy = cancel_at_the_second
    assert copy(world, batch) == Tally(copied=2, cancelled=3, bytes=20)
    assert statuses(world, job) == [ClipStatus.COPIED] * 2 + [ClipStatus.CANCELLED] * 3
    assert summing(world.job(job.id).counts)


def test_clips_that_planning_settled_keep_their_fate_in_a_cancelled_job(world: World) -> None:
    job = world.planned_list(["missing.zip"])
    world.jobs.request_cancel(job.id, world.clock())
    (batch,) = world.batches(job.id)
    assert copy(world, batch) == Tally(failed=1)


def test_the_state_of_the_batch_is_read_again_only_after_a_while() -> None:
    ticks = itertools.count(0.0, WATCH_SECONDS / 10)
    world = World(monotonic=ticks.__next__)
    _, batch = planned(world, 100)
    copy(world, batch)
    assert 10 <= world.faults.calls["jobs.batch_state"] <= 12


# --- settings --------------------------------------------------------------------------------------------------------

GOOD = "clipgt/0b1734b6-2bf0-5e42-8f62-0d5a07cb8c3a.zip"
DEPTHS = (ContentValidation.STRUCTURE, ContentValidation.DEEP)


def with_content(world: World, files: dict[str, str], depth: ContentValidation) -> tuple[Job, Batch]:
    """A planned list job of these keys, each with the bytes of a file of the data set."""
    for key, file in files.items():
        world.storage.put_body("source", key, (DATA / file).read_bytes())
    job = world.planned_list(files, settings=ImportSettings(content_validation=depth))
    (batch,) = world.batches(job.id)
    return job, batch


def test_clips_are_copied_with_their_jobs_settings(world: World) -> None:
    settings = ImportSettings(storage_class="STANDARD_IA", keep_metadata=False, keep_tags=False)
    _, batch = planned(world, 2, settings=settings)
    copy(world, batch)
    assert world.storage.copied_with == [settings] * 2


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("clipgt_bad/bomb.zip", "ZIP_BOMB"),
        ("clipgt_bad/empty.zip", "EMPTY_FILE"),
        ("clipgt_bad/encrypted.zip", "ZIP_ENCRYPTED"),
        ("clipgt_bad/html.zip", "NOT_A_ZIP"),
        ("clipgt_bad/missing_ego.zip", "CLIPGT_MISSING_LAYER"),
        ("clipgt_bad/mixed.zip", "CLIPGT_MIXED_CLIPS"),
        ("clipgt_bad/notparquet.zip", "PARQUET_INVALID"),
        ("clipgt_bad/truncated.zip", "ZIP_TRUNCATED"),
        ("video_bad/audio_only.mp4", "MP4_NO_VIDEO"),
        ("video_bad/html.mp4", "NOT_AN_MP4"),
    ],
)
def test_a_broken_clip_is_refused_with_its_reason_and_never_copied(
    world: World, file: str, reason: str, depth: ContentValidation
) -> None:
    job, batch = with_content(world, {file: file, GOOD: GOOD}, depth)
    size = (DATA / GOOD).stat().st_size
    assert copy(world, batch) == Tally(copied=1, failed=1, bytes=size)
    row = world.clips.rows[job.id][0]
    assert (row.status, row.code, row.facts, row.verified) == (ClipStatus.FAILED, reason, None, None)
    assert row.message
    assert row.source_uri == f"s3://source/{file}"
    assert set(world.storage.copies) == {f"demo/-/source/{GOOD}"}
    assert world.faults.calls["storage.copy"] == 1


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_valid_clip_is_copied_and_its_row_has_the_facts(world: World, depth: ContentValidation) -> None:
    film = "video/set01/front.mp4"
    job, batch = with_content(world, {GOOD: GOOD, "FILM.MP4": film}, depth)
    tally = copy(world, batch)
    assert tally
    assert tally.copied == 2
    clip, video = (world.clips.rows[job.id][n].facts for n in (0, 1))
    assert clip
    assert video
    assert (clip["format"], clip["clip_id"]) == ("clipgt", Path(GOOD).stem)
    assert {"layers", "rows", "cameras", "fingerprint"} <= set(clip)
    assert (video["format"], video["codec"], video["tracks"]) == ("mp4", "avc1", ("vide",))
    assert None not in [*clip.values(), *video.values()], "what does not apply is left out"
    assert json.loads(json.dumps(clip))["rows"] == clip["rows"], "a row stores them as JSON"


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("key", ["p/notes.txt", "p/clip", "p/clip.zip.gz", "p.zip/clip"])
def test_a_name_of_no_known_format_is_refused_before_any_byte_is_read(
    world: World, key: str, depth: ContentValidation
) -> None:
    job, batch = with_content(world, {key: GOOD}, depth)
    world.storage.bodies["source", key] = b""
    assert copy(world, batch) == Tally(failed=1)
    row = world.clips.rows[job.id][0]
    assert (row.code, row.source_uri) == ("UNKNOWN_FORMAT", f"s3://source/{key}")
    assert not world.storage.copies


def test_without_validation_nothing_is_read_and_all_is_copied(world: World) -> None:
    files = {"broken.zip": "clipgt_bad/html.zip", "notes.txt": GOOD}
    job, batch = with_content(world, files, ContentValidation.NONE)
    assert copy(world, batch) == Tally(copied=2, bytes=sum((DATA / file).stat().st_size for file in files.values()))
    assert not world.storage.read
    assert [row.facts for row in world.clips.rows[job.id].values()] == [None, None]


def test_clips_that_planning_skipped_are_not_read(world: World) -> None:
    """Also where they need rows."""
    files = {GOOD: GOOD}
    _, first = with_content(world, files, ContentValidation.STRUCTURE)
    copy(world, first)
    world.storage.read.clear()
    asked = ImportSettings(content_validation=ContentValidation.DEEP, stationary_extrapolation=True)
    again = world.planned_list([*files, *files], settings=asked)
    (batch,) = world.batches(again.id)
    assert copy(world, batch) == Tally(skipped=2)
    assert not world.storage.read


@dataclass
class FailingReader:
    """An object of 1 MB of which no byte can be read."""

    fault: ObjectError
    size: int = 1_000_000

    def read(self, *_: int) -> bytes:
        raise self.fault


@pytest.mark.parametrize("kind", [AccessDenied, SourceChanged, ObjectRejected])
def test_a_clip_that_cannot_be_read_fails_with_the_stores_reason(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: type[ObjectError]
) -> None:
    job, batch = with_content(world, {GOOD: GOOD}, ContentValidation.STRUCTURE)
    monkeypatch.setattr(world.storage, "reader", lambda _entry: FailingReader(error(kind)))
    assert copy(world, batch) == Tally(failed=1)
    assert world.clips.rows[job.id][0].code == kind.code
    assert not world.storage.copies


def test_a_passing_fault_of_a_read_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job, batch = with_content(world, {GOOD: GOOD}, ContentValidation.STRUCTURE)
    with monkeypatch.context() as patch:
        patch.setattr(world.storage, "reader", lambda _entry: FailingReader(error(SourceUnavailable)))
        with pytest.raises(BatchIncomplete, match="because"):
            copy(world, batch)
    assert not world.clips.rows[job.id]
    tally = copy(world, batch, attempt=1)
    assert tally
    assert tally.copied == 1


def test_a_copy_that_is_not_its_source_is_a_failed_clip(world: World) -> None:
    job, batch = planned(world, 2)
    world.storage.fail_copy["p/000001.zip"] = [error(ChecksumMismatch)]
    assert copy(world, batch) == Tally(copied=1, failed=1, bytes=10)
    row = world.clips.rows[job.id][1]
    assert (row.code, row.verified) == ("CHECKSUM_MISMATCH", None)


def test_a_listed_key_that_no_uri_has_fails_its_clip_alone(world: World) -> None:
    world.put_sources(2)
    world.storage.put("source", "p/" + "é" * 600)
    job = world.run(world.submit_prefix().id)
    assert job.counts == Counts(total=3, copied=2, failed=1, bytes=20)
    row = world.clips.rows[job.id][2]
    assert (row.status, row.code, row.destination) == (ClipStatus.FAILED, "INVALID_URI", "")
    assert "the key has 1,202 bytes, S3 allows 1,024" in str(row.message)
    world.retry(job.id)
    assert world.run(job.id).counts == job.counts
