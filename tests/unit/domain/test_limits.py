"""Every field of a row is bounded, for any input of callers and clips."""

import json
from dataclasses import replace
from typing import Any

import pytest

from service.aws.dynamodb.job_rows import job_row
from service.aws.dynamodb.json_attribute import TextJSONAttribute
from service.domain.clips import ClipStatus, Content, Verification
from service.domain.codes import ClipCode
from service.domain.errors import InvalidRequest
from service.domain.fates import Fate
from service.domain.filters import selection
from service.domain.jobs import Counts, Door, JobStatus, Retry
from service.domain.limits import (
    MAX_FACTS_BYTES,
    MAX_MESSAGE,
    MAX_REQUEST_BYTES,
    MAX_SETTINGS_BYTES,
    MAX_SHOWN_URI,
    bounded,
    bounded_facts,
    json_bytes,
)
from service.domain.objects import Copied
from service.domain.progress import MAX_RUNS, runs_after
from service.domain.projects import Actor
from service.domain.requests import Filters, ImportSettings
from service.formats.facts import ClipFacts, Verdict
from service.formats.failures import ContentUnchecked, Reason
from service.imports.completion.finish import finish
from service.imports.intake.submit import submit
from service.imports.results.clip_rows import copied_row, row_for
from service.projects.presets import ExecutionSettingsRequest, replace_saved, save
from tests.builders import PROJECT, World, a_set, an_entry, import_list, import_prefix, import_sets

ROW_BYTES = 400 * 1024
"""Maximum bytes of an item in DynamoDB."""
LARGE = import_prefix(
    "s3://source/",
    filters=Filters(include=tuple(f"{n:02d}{'😀' * 510}" for n in range(50))),
    labels=tuple("😀" * 126 + f"{n:02d}" for n in range(50)),
)
"""Each of its patterns and labels is as long as it may be."""


@pytest.mark.parametrize(
    "text", ["nul\0", "line\nbreak", "\x7f", "\x85", "\u2028", "\u2029", "", "x" * 129, "half \ud800"]
)
@pytest.mark.parametrize("field", ["labels", "run_name_prefix", "test_run_group_name", "folder"])
def test_texts_that_a_row_or_a_report_cannot_hold_are_refused(world: World, field: str, text: str) -> None:
    request = import_list(["s3://source/a"], **{field: (text,) if field == "labels" else text})
    with pytest.raises(InvalidRequest, match=field):
        world.submit(request)
    assert not world.jobs.rows


@pytest.mark.parametrize("name", ["nul\0", "x" * 129, ""])
def test_a_sets_name_is_bounded_too(world: World, name: str) -> None:
    with pytest.raises(InvalidRequest, match=r"sets\[0\]\.name"):
        world.submit(import_sets(a_set("a", "b", name=name)))


def test_only_so_many_labels_are_taken(world: World) -> None:
    with pytest.raises(InvalidRequest, match="51 labels, the limit is 50"):
        world.submit(import_list(["s3://source/a"], labels=tuple(f"l{n}" for n in range(51))))


def test_a_time_has_few_characters() -> None:
    assert selection(Filters(modified_after="2026-11-22T17:00:00.000000Z")).needs_time
    with pytest.raises(InvalidRequest, match=r"filters.modified_after has 400,021 characters, the limit is 40"):
        selection(Filters(modified_after=f"2026-11-22T17:00:00.{'0' * 400_000}Z"))


def test_filters_settings_and_labels_have_a_limit_together(world: World) -> None:
    patterns = tuple(f"{n:02d}{'😀' * 510}" for n in range(50))
    allowed = import_prefix(
        "s3://source/", filters=Filters(include=patterns), labels=tuple("😀" * n for n in range(1, 51))
    )
    world.submit(allowed)
    settings = ImportSettings(storage_class="x" * MAX_REQUEST_BYTES)
    with pytest.raises(InvalidRequest, match="filters, settings and labels take"):
        world.submit(import_prefix("s3://source/", settings=settings))


def test_a_job_that_ran_fifty_times_still_fits_into_its_row(world: World) -> None:
    settings = ImportSettings(storage_class="😀" * 8_500)  # with the filters and labels nearly `MAX_REQUEST_BYTES`
    job = replace(
        world.submit(replace(LARGE, settings=settings)),
        status=JobStatus.FAILED,
        completed_at="2026-11-22T17:44:05.123Z",
        message=bounded("😀" * 100_000),
    )
    for run in range(1, MAX_RUNS + 10):
        asked = Retry(at=job.created_at, key_id="k" * 24, idempotency="0" * 64, digest="0" * 64)
        job = replace(job, runs=runs_after(job), run=run, retry=asked, counts=Counts(total=10**6, failed=10**6))
    assert len(job.runs) == MAX_RUNS
    stored = [(name, value) for name, typed in job_row(job).serialize().items() for value in typed.values()]
    assert sum(len(f"{name}{value}".encode()) for name, value in stored) < ROW_BYTES


@pytest.mark.parametrize("value", [{"a": "\ud800"}, {"ä": "😀"}, None])
def test_json_in_a_row_is_valid_unicode_and_comes_back(value: object) -> None:
    stored = TextJSONAttribute().serialize(value)
    assert stored is None or stored.encode()
    assert stored is None or json.loads(stored) == value


def test_the_message_of_an_end_and_of_a_clip_is_cut(world: World) -> None:
    job = world.submit(import_prefix("s3://source/p/"))
    finish(job.id, error="x" * 100_000, ports=world.finish_ports)
    assert len(world.job(job.id).message or "") == MAX_MESSAGE
    row = row_for(an_entry(), Fate(ClipStatus.FAILED, ClipCode.NOT_FOUND, "half \ud800" + "y" * 100_000))
    assert len(row.message or "") == MAX_MESSAGE
    assert (row.message or "").encode()


def test_what_a_copy_and_its_check_say_is_cut() -> None:
    found = ContentUnchecked(Reason.ZIP_DIRECTORY_TOO_LARGE, "half \ud800" + "y" * 100_000)
    verdict = Verdict(content=Content.UNCHECKED, facts=ClipFacts(format="clipgt"), finding=found)
    lost = "its metadata " * 10_000
    row = copied_row(an_entry(), verdict, Copied(size=1, etag="e", verified=Verification.ETAG, note=lost))
    for said in (row.message or "", row.content_message or ""):
        assert len(said) == MAX_MESSAGE
        assert said.encode()


def test_a_malformed_uri_of_any_length_is_a_failed_clip(world: World) -> None:
    uris = ["x" * 500_000, "s3://source/\ud800", "s3://source/p/000000.zip"]
    world.put_sources(1)
    request = import_list(uris)
    job = submit(request, project=PROJECT, key_id=None, ports=world.submit_ports, door=Door.NOMADICML)
    world.run(job.id)
    for row in world.clips.rows[job.id].values():
        assert len(row.source_uri or "") <= MAX_SHOWN_URI
        assert (row.source_uri or "").encode()


def test_facts_are_cut_and_say_what_was() -> None:
    small = {"format": "clipgt", "cameras": ["front"]}
    assert bounded_facts(small) == small
    large: dict[str, Any] = {
        "format": "clipgt",
        "clip_id": "c1",
        "cameras": tuple(f"camera {n} {'😀' * 1_000}" for n in range(60_000)),
        "rows": {f"layer {n}": n for n in range(60_000)},
        "codec": "a" * 500_000,
    }
    kept = bounded_facts(large)
    assert json_bytes(kept) <= MAX_FACTS_BYTES
    assert (kept["format"], kept["clip_id"], kept["cut"]) == ("clipgt", "c1", ["cameras", "codec", "rows"])
    facts = ClipFacts(
        format="clipgt",
        clip_id="c1",
        cameras=large["cameras"],
        rows=large["rows"],
        codec=large["codec"],
    )
    verdict = Verdict(content=Content.VALID, facts=facts)
    row = copied_row(an_entry(), verdict, Copied(size=1, etag="e", verified=Verification.ETAG))
    assert row.facts == kept
    assert len(json.dumps(kept, ensure_ascii=False).encode()) * 100 < 4 * 1024**2, "a transaction of DynamoDB"


def test_saved_settings_are_bounded_when_they_are_saved(world: World) -> None:
    by, ports = Actor(door=Door.API), world.execution_settings_ports
    saved = save(
        ExecutionSettingsRequest(name="n", settings={}, in_force=ImportSettings()), project=PROJECT, by=by, ports=ports
    )
    for settings, in_force in (
        ({"destination": "x" * 450_000}, ImportSettings(destination="x" * 450_000)),
        ({"destination": "x" * 1_000}, ImportSettings(destination="x" * 1_000)),
        ({"destination": "{nope}"}, ImportSettings(destination="{nope}")),
        ({"storage_class": "x" * MAX_SETTINGS_BYTES}, ImportSettings()),
    ):
        request = ExecutionSettingsRequest(name="n", settings=settings, in_force=in_force)
        with pytest.raises(InvalidRequest):
            save(request, project=PROJECT, by=by, ports=ports)
        with pytest.raises(InvalidRequest):
            replace_saved(saved.id, request, project=PROJECT, by=by, ports=ports)
