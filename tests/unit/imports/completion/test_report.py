"""The report of an ended job: what is in its files, and that rounds and repeats make the same."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lambdas.schemas.clips import ClipPage
from service.domain.jobs import Job
from service.domain.requests import ImportSettings
from service.domain.state_keys import report_key
from service.imports.completion.finish import finish
from service.imports.completion.report import MAX_EXTENSIONS, write_report
from service.imports.completion.report_rows import COLUMNS
from service.imports.queries.status import clips_page
from tests.builders import SOURCE_BUCKET, World, always, import_prefix, never
from tests.fakes.faults import CrashError


def ended(world: World, count: int, **changes: Any) -> Job:
    """Every seventh clip is not there."""
    keys = world.put_sources(count)
    uris = [key if n % 7 else f"missing/{n}.mp4" for n, key in enumerate(keys)]
    return world.run(world.submit_list(uris, **changes).id)


def write(world: World, job: Job, *, out_of_time: Callable[[], bool] = never, part_bytes: int = 10**9) -> int:
    """The rounds that it took."""
    rounds = 1
    while (
        write_report(job, {"a": 1}, out_of_time=out_of_time, ports=world.conclude_ports, part_bytes=part_bytes) is None
    ):
        rounds += 1
    return rounds


def file(world: World, job: Job, form: str) -> bytes:
    assert job.completed_at
    return world.files.files[report_key(job.id, job.completed_at, form)]


def pages(world: World, job: Job) -> list[dict[str, Any]]:
    page = clips_page(job, limit=1_000, cursor=None, status=None, ports=world.status_ports)
    return [clip.model_dump(mode="json") for clip in ClipPage.of(page).clips]


def test_the_lines_are_the_clips_as_pages_show_them(world: World) -> None:
    job = ended(world, 20)
    write(world, job)
    assert [json.loads(line) for line in file(world, job, "jsonl").splitlines()] == pages(world, job)
    rows = list(csv.DictReader(io.StringIO(file(world, job, "csv").decode(), newline="")))
    shown = [{k: "" if v is None else str(v) for k, v in clip.items()} for clip in pages(world, job)]
    assert rows == shown
    failures = [{"uri": clip["source_uri"]} for clip in pages(world, job) if clip["status"] == "FAILED"]
    assert [json.loads(line) for line in file(world, job, "failures").splitlines()] == failures
    summary = json.loads(file(world, job, "summary"))
    assert summary == {
        "a": 1,
        "by_code": {"NOT_FOUND": 3},
        "by_extension": {".mp4": {"count": 3, "bytes": 0}, ".zip": {"count": 17, "bytes": 170}},
    }


def test_failures_keep_the_names_that_the_caller_gave(world: World) -> None:
    keys = [*world.put_sources(1), "deep/missing.mp4"]
    job = world.run(world.submit_list(keys, folder="f", settings=ImportSettings(destination="x/{name}")).id)
    write(world, job)
    (line,) = file(world, job, "failures").splitlines()
    assert json.loads(line) == {"uri": "s3://source/deep/missing.mp4", "destination": "x/missing.mp4"}


def test_rounds_and_parts_make_the_same_files_as_one_go(world: World) -> None:
    job = ended(world, 3_500)
    assert write(world, job) == 1
    whole = dict(world.files.files)
    world.files.files.clear()
    assert write(world, job, out_of_time=always, part_bytes=50_000) == 4
    assert world.files.files == whole
    assert world.files.uploads == {}
    assert {world.files.types[report_key(job.id, job.completed_at or "", form)] for form in ("csv",)} == {
        "text/csv; charset=utf-8"
    }


@pytest.mark.parametrize("take_effect", [False, True])
@pytest.mark.no_cover
def test_a_crash_anywhere_costs_a_repeat_and_changes_nothing(world: World, take_effect: bool) -> None:
    job = ended(world, 2_300)
    write(world, job)
    whole, calls = dict(world.files.files), 0
    progress = report_key(job.id, job.completed_at or "", "csv").replace("clips.csv", "progress.json")
    for at in range(1, 200):
        world.files.files.clear()
        world.state.files.pop(progress, None)
        world.faults.crash_in(at, take_effect=take_effect)
        try:
            write(world, job, out_of_time=always, part_bytes=50_000)
        except CrashError:
            calls += 1
        crashed = world.faults.revive()
        write(world, job, out_of_time=always, part_bytes=50_000)
        assert {key: body for key, body in world.files.files.items() if key in whole} == whole
        if not crashed:
            break
    assert calls > 15


def test_nothing_in_a_cell_is_a_formula(world: World) -> None:
    world.storage.put(SOURCE_BUCKET, "=1+1.zip")
    for prefix in ("=", "+", "-", "@", "\t", "\uff1d"):
        submitted = world.submit_list(["=1+1.zip"], folder=f"f{ord(prefix)}")
        # A tab is refused today; rows from before may have one.
        world.jobs.rows[submitted.id] = replace(submitted, run_name_prefix=prefix)
        job = world.run(submitted.id)
        write(world, job)
        (row,) = csv.DictReader(io.StringIO(file(world, job, "csv").decode(), newline=""))
        assert row["run_name"] == f"'{prefix}=1+1"
        assert row["source_uri"] == "s3://source/=1+1.zip"
        (line,) = file(world, job, "jsonl").splitlines()
        assert json.loads(line)["run_name"] == f"{prefix}=1+1", "verbatim for programs"


def test_keys_with_quotes_and_line_breaks_stay_one_cell(world: World) -> None:
    name = 'a "quoted", key\r\nwith lines.zip'
    world.storage.put(SOURCE_BUCKET, name)
    job = world.run(world.submit_list([name]).id)
    write(world, job)
    (row,) = csv.DictReader(io.StringIO(file(world, job, "csv").decode(), newline=""))
    assert row["source_uri"] == f"s3://source/{name}"


def test_a_job_that_could_not_be_planned_has_an_empty_report(world: World) -> None:
    job = world.submit(import_prefix("s3://private/", validate=False))
    world.plan(job.id)
    finish(job.id, error=None, ports=world.finish_ports)
    job = world.job(job.id)
    write(world, job)
    assert file(world, job, "csv").decode().splitlines() == [",".join(COLUMNS)]
    assert (file(world, job, "jsonl"), file(world, job, "failures")) == (b"", b"")


def test_clips_of_a_lost_manifest_are_told_by_their_rows_and_are_no_failures_to_import(world: World) -> None:
    job = world.planned_list(world.put_sources(3))
    del world.state.files[world.part_key(job.id, 0)]
    finish(job.id, error="lost", ports=world.finish_ports)
    job = world.job(job.id)
    write(world, job)
    lines = [json.loads(line) for line in file(world, job, "jsonl").splitlines()]
    assert [(line["status"], line["code"]) for line in lines] == [("FAILED", "MANIFEST_LOST")] * 3
    assert file(world, job, "failures") == b""


def test_after_a_hundred_extensions_the_others_are_counted_together(world: World) -> None:
    keys = [f"a.x{n}" for n in range(MAX_EXTENSIONS + 5)]
    job = world.run(world.submit_list(keys).id)
    write(world, job)
    by_extension = json.loads(file(world, job, "summary"))["by_extension"]
    assert len(by_extension) == MAX_EXTENSIONS + 1
    assert by_extension["other"]["count"] == 5
