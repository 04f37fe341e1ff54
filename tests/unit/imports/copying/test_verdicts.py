"""Verdicts of content validation on the rows of clips."""

import csv
import io
import json
from collections.abc import Generator
from typing import Any, cast

import pytest

from service.domain.clips import ClipStatus, Content
from service.domain.errors import IdempotencyConflict, InvalidRequest, NothingToRetry
from service.domain.jobs import Job
from service.domain.requests import ContentValidation, ImportSettings
from service.domain.state_keys import report_key
from service.formats import check
from service.formats.facts import ClipFacts, Verdict
from service.formats.failures import ContentUnchecked, Note, Reason
from service.formats.reader import Range
from service.imports.completion.report import write_report
from service.imports.planning.retry import INDEX_LAG_SECONDS
from service.imports.queries.status import clips_page
from tests.builders import SOURCE_BUCKET, World, a_set, import_sets, never
from tests.paths import DATA

GOOD = "0b1734b6-2bf0-5e42-8f62-0d5a07cb8c3a.zip"
STRUCTURE = ImportSettings(content_validation=ContentValidation.STRUCTURE)


def imported(world: World, *, settings: ImportSettings = STRUCTURE) -> Job:
    world.storage.put_body(SOURCE_BUCKET, GOOD, (DATA / "clipgt" / GOOD).read_bytes())
    world.storage.put_body(SOURCE_BUCKET, "broken.zip", b"<html>")
    world.storage.put_body(SOURCE_BUCKET, "notes.txt", b"notes")
    return world.run(world.submit_list([GOOD, "broken.zip", "notes.txt", "missing.zip"], settings=settings).id)


def rows(world: World, job: Job) -> list[tuple[ClipStatus, str | None, Content | None]]:
    page = clips_page(world.job(job.id), limit=100, cursor=None, status=None, ports=world.status_ports)
    return [(clip.status, clip.code, clip.content) for clip in page.items]


def test_each_clip_says_how_its_check_came_out(world: World) -> None:
    job = imported(world)
    assert rows(world, job) == [
        (ClipStatus.COPIED, None, Content.VALID),
        (ClipStatus.FAILED, "NOT_A_ZIP", Content.INVALID),
        (ClipStatus.FAILED, "UNKNOWN_FORMAT", Content.INVALID),
        (ClipStatus.FAILED, "NOT_FOUND", None),
    ]


def test_without_a_check_there_is_no_verdict(world: World) -> None:
    job = imported(world, settings=ImportSettings())
    assert [content for _, _, content in rows(world, job)] == [None] * 4


@pytest.fixture
def uncheckable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every zip has a directory beyond the limits, and a note."""

    def checking(*_: object, **_depth: object) -> Generator[Any, Any, Verdict]:
        yield Range(0, 1)
        return Verdict(
            content=Content.UNCHECKED,
            facts=ClipFacts(format="clipgt", notes=(Note.ZIP_TRAILER,)),
            finding=ContentUnchecked(Reason.ZIP_DIRECTORY_TOO_LARGE, "the directory is 5 MiB"),
        )

    monkeypatch.setattr(check, "checking", checking)


@pytest.mark.usefixtures("uncheckable")
@pytest.mark.parametrize("depth", [ContentValidation.STRUCTURE, ContentValidation.DEEP])
def test_an_unchecked_clip_is_copied_and_its_row_and_report_say_why(world: World, depth: ContentValidation) -> None:
    world.storage.put_body(SOURCE_BUCKET, GOOD, b"PK")
    job = world.run(world.submit_list([GOOD], settings=ImportSettings(content_validation=depth)).id)
    (row,) = world.clips.rows[job.id].values()
    assert (row.status, row.code, row.content) == (ClipStatus.COPIED, None, Content.UNCHECKED)
    assert (row.content_code, row.content_message) == ("ZIP_DIRECTORY_TOO_LARGE", "the directory is 5 MiB")
    assert row.facts
    assert list(cast("Any", row.facts["notes"])) == ["ZIP_TRAILER"]
    write_report(job, {}, out_of_time=never, ports=world.conclude_ports)
    assert job.completed_at
    (line,) = world.files.files[report_key(job.id, job.completed_at, "jsonl")].splitlines()
    told = json.loads(line)
    assert (told["content"], told["content_code"]) == ("unchecked", "ZIP_DIRECTORY_TOO_LARGE")
    assert told["facts"]["notes"] == ["ZIP_TRAILER"]
    table = world.files.files[report_key(job.id, job.completed_at, "csv")].decode()
    header, cells = csv.reader(io.StringIO(table, newline=""))
    assert header[-7:-3] == ["content", "content_code", "content_message", "overruled"]
    assert header[-8] == "original_clipgt_url", "what scripts count on comes where it came before"
    assert cells[-7:-3] == ["unchecked", "ZIP_DIRECTORY_TOO_LARGE", "the directory is 5 MiB", ""]


# --- the last word ---------------------------------------------------------------------------------------------------

NOTHING = ContentValidation.NONE


def test_a_retry_overrules_all_failed_checks_and_no_other_failure(world: World) -> None:
    job = imported(world)
    world.retry(job.id, content_validation=NOTHING)
    world.clock.advance(INDEX_LAG_SECONDS)
    ended = world.run(job.id)
    assert (ended.run, ended.settings.content_validation) == (1, ContentValidation.STRUCTURE)
    assert rows(world, job)[1:] == [
        (ClipStatus.COPIED, None, Content.INVALID),
        (ClipStatus.COPIED, None, Content.INVALID),
        (ClipStatus.FAILED, "NOT_FOUND", None),
    ]
    broken, notes = (world.clips.rows[job.id][n].overruled for n in (1, 2))
    assert broken
    assert notes
    assert (broken.code, notes.code) == ("NOT_A_ZIP", "UNKNOWN_FORMAT")
    assert broken.message


def test_only_the_named_clips_are_overruled(world: World) -> None:
    job = imported(world)
    world.retry(job.id, clips=[1, 3], content_validation=NOTHING)
    world.run(job.id)
    assert [status for status, _, _ in rows(world, job)] == [ClipStatus.COPIED] * 2 + [ClipStatus.FAILED] * 2
    assert world.clips.rows[job.id][3].overruled is None, "nothing looked into it"


def test_a_check_that_fails_again_stays_the_verdict(world: World) -> None:
    job = imported(world)
    world.retry(job.id, clips=[1], content_validation=ContentValidation.DEEP)
    world.run(job.id)
    row = world.clips.rows[job.id][1]
    assert (row.status, row.code, row.content, row.overruled) == (ClipStatus.FAILED, "NOT_A_ZIP", Content.INVALID, None)


def test_a_fault_in_between_loses_no_verdict(world: World) -> None:
    job = imported(world)
    world.storage.buckets[SOURCE_BUCKET].pop("broken.zip")
    world.retry(job.id, clips=[1], content_validation=NOTHING)
    world.run(job.id)
    row = world.clips.rows[job.id][1]
    assert (row.code, row.content) == ("NOT_FOUND", Content.INVALID)
    world.storage.put_body(SOURCE_BUCKET, "broken.zip", b"<html>")
    world.retry(job.id, content_validation=NOTHING)
    world.clock.advance(INDEX_LAG_SECONDS)
    world.run(job.id)
    row = world.clips.rows[job.id][1]
    assert row.overruled
    assert (row.status, row.overruled.code) == (ClipStatus.COPIED, "NOT_A_ZIP")


def test_a_plain_retry_checks_again(world: World) -> None:
    job = imported(world)
    world.retry(job.id, clips=[1], content_validation=NOTHING)
    world.run(job.id)
    world.retry(job.id)
    world.run(job.id)
    assert rows(world, job)[2] == (ClipStatus.FAILED, "UNKNOWN_FORMAT", Content.INVALID)


def test_a_set_is_overruled_as_a_whole(world: World) -> None:
    film = (DATA / "video/set01/front.mp4").read_bytes()
    for name, body in (("front", film), ("left", b"<html>")):
        world.storage.put_body(SOURCE_BUCKET, f"{name}.mp4", body)
    views = a_set("front.mp4", "left.mp4", roles=("front", "left"))
    job = world.run(world.submit(import_sets(views, settings=STRUCTURE)).id)
    assert [code for _, code, _ in rows(world, job)] == ["SET_INCOMPLETE", "NOT_AN_MP4"]
    world.retry(job.id, content_validation=NOTHING)
    world.clock.advance(INDEX_LAG_SECONDS)
    world.run(job.id)
    assert [status for status, _, _ in rows(world, job)] == [ClipStatus.COPIED] * 2
    overruled = [world.clips.rows[job.id][n].overruled for n in (0, 1)]
    assert [one.code if one else None for one in overruled] == [None, "NOT_AN_MP4"]


def test_without_a_failed_check_there_is_nothing_to_overrule(world: World) -> None:
    job = world.run(world.submit_list(["missing.zip"]).id)
    with pytest.raises(NothingToRetry, match="failed its check"):
        world.retry(job.id, content_validation=NOTHING)


def test_one_idempotency_key_overrules_once(world: World) -> None:
    job = imported(world)
    first = world.retry(job.id, content_validation=NOTHING, key="k")
    assert world.retry(job.id, content_validation=NOTHING, key="k").run == first.run
    with pytest.raises(IdempotencyConflict):
        world.retry(job.id, content_validation=ContentValidation.DEEP, key="k")


# --- by their codes --------------------------------------------------------------------------------------------------


def test_clips_with_the_given_codes_run_again_and_no_others(world: World) -> None:
    job = imported(world)
    for key in ("missing.zip", "broken.zip", "notes.txt"):
        world.storage.put_body(SOURCE_BUCKET, key, (DATA / "clipgt" / GOOD).read_bytes())
    world.retry(job.id, codes=["NOT_FOUND", "NOT_A_ZIP"])
    world.clock.advance(INDEX_LAG_SECONDS)
    world.run(job.id)
    assert [(status, code) for status, code, _ in rows(world, job)] == [
        (ClipStatus.COPIED, None),
        (ClipStatus.COPIED, None),
        (ClipStatus.FAILED, "UNKNOWN_FORMAT"),
        (ClipStatus.COPIED, None),
    ]
    assert set(world.storage.copies.values()) == {1}


def test_a_retry_by_code_overrules_the_failed_checks_with_that_code_only(world: World) -> None:
    job = imported(world)
    world.retry(job.id, codes=["NOT_A_ZIP", "NOT_FOUND"], content_validation=NOTHING)
    world.clock.advance(INDEX_LAG_SECONDS)
    world.run(job.id)
    assert [(status, code) for status, code, _ in rows(world, job)][1:] == [
        (ClipStatus.COPIED, None),
        (ClipStatus.FAILED, "UNKNOWN_FORMAT"),
        (ClipStatus.FAILED, "NOT_FOUND"),
    ]


def test_a_set_with_one_of_the_codes_runs_again_as_a_whole(world: World) -> None:
    film = (DATA / "video/set01/front.mp4").read_bytes()
    world.storage.put_body(SOURCE_BUCKET, "front.mp4", film)
    views = a_set("front.mp4", "left.mp4", roles=("front", "left"))
    job = world.run(world.submit(import_sets(views)).id)
    assert [code for _, code, _ in rows(world, job)] == ["SET_INCOMPLETE", "NOT_FOUND"]
    world.storage.put_body(SOURCE_BUCKET, "left.mp4", film)
    world.retry(job.id, codes=["NOT_FOUND"])
    world.clock.advance(INDEX_LAG_SECONDS)
    world.run(job.id)
    assert [status for status, _, _ in rows(world, job)] == [ClipStatus.COPIED] * 2


def test_without_a_clip_of_the_code_there_is_nothing_to_retry(world: World) -> None:
    job = imported(world)
    with pytest.raises(NothingToRetry, match="has the code ARCHIVED or EXISTS"):
        world.retry(job.id, codes=["EXISTS", "ARCHIVED"])
    with pytest.raises(InvalidRequest, match="clip_ids or codes"):
        world.retry(job.id, clips=[1], codes=["NOT_A_ZIP"])


def test_one_idempotency_key_asks_for_one_list_of_codes(world: World) -> None:
    job = imported(world)
    first = world.retry(job.id, codes=["NOT_A_ZIP", "NOT_FOUND"], key="k")
    assert world.retry(job.id, codes=["NOT_FOUND", "NOT_A_ZIP", "NOT_FOUND"], key="k").run == first.run
    with pytest.raises(IdempotencyConflict):
        world.retry(job.id, codes=["NOT_A_ZIP"], key="k")
