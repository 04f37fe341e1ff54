"""Planning what filters let through, what manifests name, and clips that are named by their caller."""

import csv
import gzip
import io
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

import service.imports.inputs.manifest_file
from service.domain.clips import ClipStatus
from service.domain.errors import (
    AccessDenied,
    CannotAccess,
    InvalidManifest,
    InvalidRequest,
    InvalidUri,
    LimitExceeded,
    ObjectRejected,
    PreflightUnknown,
    SourceUnavailable,
)
from service.domain.jobs import Door, Job, JobStatus, SourceKind, Trigger
from service.domain.projects import Action
from service.domain.requests import Filters, ImportRequest, ImportSettings, OnExisting
from service.imports.completion.finish import finish
from service.imports.completion.report_links import report_link
from service.imports.intake.drop_bucket import accept_uploads
from service.imports.manifest.store import read_batch
from service.imports.planning.context import PlanCursor
from service.imports.planning.duplicates import Ledger, Seen
from service.imports.planning.plan import plan
from service.imports.previews.preview import preview
from tests.builders import PROJECT, World, always, an_upload, import_list, never, state_of
from tests.schema import validate

ZIPS = Filters(include=("*.zip",))
EXISTS = (ClipStatus.FAILED, "EXISTS")
TO_COPY = (ClipStatus.PENDING, None)


def planned_fates(world: World, job: Job) -> list[tuple[ClipStatus, str | None]]:
    return [(entry.status, entry.code) for entry in world.manifest(job.id)]


# --- filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [1, 2, 3, 7, 1_001, 5_000])
def test_filtered_prefixes_have_the_same_manifest_in_many_rounds_as_in_one(world: World, every: int) -> None:
    for number in range(4_200):
        world.storage.put("source", f"p/{number:06d}" + (".zip" if number % every == 0 else ".txt"))
    one, many = (world.submit_prefix(filters=ZIPS) for _ in range(2))
    world.plan(one.id)
    world.plan(many.id, out_of_time=always)
    assert state_of(world, many) == state_of(world, one)
    assert world.job(many.id).counts.total == len(range(0, 4_200, every))
    assert [entry.ordinal for entry in world.manifest(many.id)] == list(range(-(-4_200 // every)))
    assert world.run(many.id).counts.copied == -(-4_200 // every)


def test_a_round_ends_in_time_where_filters_let_nothing_through(world: World) -> None:
    keys = world.put_sources(3_000)
    job = world.submit_prefix(filters=Filters(include=("*.mp4",)))
    first = plan(job.id, PlanCursor(), out_of_time=always, ports=world.plan_ports)
    assert first.cursor
    assert replace(first.cursor, rounds=()) == PlanCursor(round_number=1, start_after=keys[999])
    second = plan(job.id, first.cursor, out_of_time=always, ports=world.plan_ports)
    assert second.cursor
    assert replace(second.cursor, rounds=()) == PlanCursor(round_number=2, start_after=keys[1_999])
    assert world.plan(job.id, out_of_time=always).batches == 0
    assert world.job(job.id).planned


def test_what_is_no_whole_part_is_carried_over(world: World) -> None:
    keys = world.put_sources(1_500)
    world.storage.put("source", "p/000500.mp4")
    job = world.submit_prefix(filters=ZIPS)
    first = plan(job.id, PlanCursor(), out_of_time=always, ports=world.plan_ports)
    assert first.cursor is not None
    assert (first.cursor.ordinal, first.cursor.start_after) == (0, keys[998])
    assert world.state.files[first.cursor.carried].count(b"\n") == 999
    twin = plan(job.id, PlanCursor(), out_of_time=always, ports=world.plan_ports)
    assert twin.cursor
    assert replace(twin.cursor, rounds=first.cursor.rounds) == first.cursor
    again = plan(job.id, first.cursor, out_of_time=never, ports=world.plan_ports)
    assert (again.cursor, world.job(job.id).counts.total) == (None, 1_500)


def test_a_cancel_is_noticed_where_filters_let_nothing_through(world: World) -> None:
    world.put_sources(5_000)
    job = world.submit_prefix(filters=Filters(include=("*.mp4",)), validate=False)
    calls = iter(range(10))

    def cancel_in_time() -> bool:
        if next(calls) == 1:
            world.jobs.request_cancel(job.id, world.clock())
        return False

    world.plan(job.id, out_of_time=cancel_in_time)
    assert (world.job(job.id).cut_short, world.job(job.id).counts.total) == (True, 0)
    assert world.faults.calls["storage.list_page"] <= 4


def test_the_preflight_counts_what_the_filters_let_through() -> None:
    world = World(max_clips=5)
    world.put_sources(6)
    with pytest.raises(LimitExceeded):
        world.submit_prefix()
    assert world.run(world.submit_prefix(filters=Filters(exclude=("*5.zip",))).id).counts.copied == 5


def test_a_second_import_with_filters_copies_nothing(world: World) -> None:
    world.put_sources(30)
    world.run(world.submit_prefix().id)
    done = world.run(world.submit_prefix(filters=Filters(include=("*[05].zip",))).id)
    assert (done.counts.skipped, done.counts.copied) == (6, 0)
    assert not world.storage.stats


def test_filters_are_for_what_is_listed(world: World) -> None:
    with pytest.raises(InvalidRequest, match="filters are for root_path and manifest_uri"):
        world.submit_list(["a"], filters=ZIPS)
    with pytest.raises(InvalidRequest, match=r"filters.include\[0\]"):
        world.submit_prefix(filters=Filters(include=("!a",)))


# --- manifests -------------------------------------------------------------------------------------------------------

NAME = "lists/m.jsonl"


def line(key: str, **fields: Any) -> dict[str, Any]:
    return {"uri": f"s3://source/{key}"} | fields


def json_lines(lines: Iterable[object]) -> bytes:
    return b"".join((text if isinstance(text, bytes) else json.dumps(text).encode()) + b"\n" for text in lines)


def submit_manifest(world: World, body: bytes, name: str = NAME, **changes: Any) -> Job:
    world.storage.put_body("source", name, body)
    return world.submit(ImportRequest(manifest_uri=f"s3://source/{name}", **changes))


def planned(world: World, *lines: object, **changes: Any) -> Job:
    job = submit_manifest(world, json_lines(lines), **changes)
    world.plan(job.id)
    return world.job(job.id)


def test_lines_with_size_and_etag_are_not_inspected(world: World) -> None:
    world.put_sources(3)
    given = line("p/000000.zip", size=10, etag="etag1", version="v1", checksum="CRC32:AAAAAA==")
    job = planned(world, given, line("p/000001.zip"), line("p/000002.zip", size=10))
    first, second, third = world.manifest(job.id)
    assert (first.size, first.etag, first.version, first.checksum) == (10, "etag1", "v1", "CRC32:AAAAAA==")
    assert (second.etag, third.etag) == ("etag2", "etag3")
    assert first.destination == "demo/-/source/p/000000.zip"
    assert (world.storage.stats["p/000000.zip"], world.storage.stats["p/000001.zip"]) == (0, 1)
    assert (job.source.kind, job.source.etag, job.counts.total) == (SourceKind.MANIFEST, "etag4", 3)
    assert job.source.uri == f"s3://source/{NAME}"


def test_every_line_has_its_fate(world: World) -> None:
    world.put_sources(4)
    world.storage.fail_stat["secret.zip"] = [AccessDenied("because", operation="inspect", uri="u")]
    lines = [
        (line("p/000000.zip", destination="d/x.zip"), TO_COPY),
        (b"{", (ClipStatus.FAILED, "INVALID_LINE")),
        (line("p/000000.zip"), (ClipStatus.SKIPPED, "DUPLICATE")),
        (line("p/000001.zip", destination="d/x.zip"), (ClipStatus.FAILED, "DESTINATION_TAKEN")),
        (line("p/000001.zip"), (ClipStatus.SKIPPED, "DUPLICATE")),
        (line("missing.zip"), (ClipStatus.FAILED, "NOT_FOUND")),
        (line("secret.zip"), (ClipStatus.FAILED, "CANNOT_ACCESS")),
        ({"uri": "s3://private/a.zip"}, (ClipStatus.FAILED, "CANNOT_ACCESS")),
        (line("p/000002.zip", size=11), (ClipStatus.FAILED, "SOURCE_CHANGED")),
        (line("p/000003.zip", destination="a/../b"), (ClipStatus.FAILED, "INVALID_DESTINATION")),
        (b"\xff\xfe", (ClipStatus.FAILED, "INVALID_LINE")),
        (b'{"uri": "' + b"x" * 20_000 + b'"}', (ClipStatus.FAILED, "INVALID_LINE")),
        (line("q/x.zip", size=1, etag="e", destination="source/p/000001.zip"), TO_COPY),
    ]
    job = planned(world, *(text for text, _ in lines), b"", b"  ")
    assert planned_fates(world, job) == [fate for _, fate in lines]
    entries = world.manifest(job.id)
    assert entries[1].source_uri == f"s3://source/{NAME}#line=2"
    assert entries[1].message == "line 2: it is not JSON"
    assert all(entry.message for entry in entries if entry.code)
    assert world.run(job.id).counts.copied == 1, "the last line names an object that is not there"
    assert world.clips.rows[job.id][11].source_uri == f"s3://source/{NAME}#line=12"


def test_a_mirrored_destination_can_be_taken_by_a_named_one(world: World) -> None:
    world.put_sources(2)
    job = planned(world, line("p/000001.zip", destination="source/p/000000.zip"), line("p/000000.zip"))
    assert planned_fates(world, job) == [TO_COPY, (ClipStatus.FAILED, "DESTINATION_TAKEN")]


@pytest.mark.parametrize("packed", [False, True])
def test_a_manifest_in_rounds_has_the_clips_of_one_round(world: World, packed: bool) -> None:
    keys = world.put_sources(2_400)
    rows = [line(key, size=10, etag=f"etag{number}") for number, key in enumerate(keys, 1)]
    rows[1_200:1_200] = [line(keys[3], size=10, etag="etag4"), line("gone", size=1, etag="e", destination="x")]
    rows += [line("late", size=1, etag="e", destination="x"), line(keys[1_100], size=10, etag="etag1101")]
    body, name = json_lines([*rows, b"bad"]), NAME
    if packed:
        body, name = gzip.compress(body[:40_000]) + gzip.compress(body[40_000:]) + b"\0" * 9, f"{NAME}.gz"
    one, many = (submit_manifest(world, body, name, filters=Filters(exclude=("*7.zip",))) for _ in range(2))
    one = replace(one, source=many.source)
    world.jobs.rows[one.id] = one
    world.plan(one.id)
    world.plan(many.id, out_of_time=always)
    assert state_of(world, many) == state_of(world, one)
    fates = planned_fates(world, world.job(many.id))
    assert len(fates) == 2_405 - 240
    assert fates.count((ClipStatus.SKIPPED, "DUPLICATE")) == 2
    assert fates[-3:] == [
        (ClipStatus.FAILED, "DESTINATION_TAKEN"),
        (ClipStatus.SKIPPED, "DUPLICATE"),
        (
            ClipStatus.FAILED,
            "INVALID_LINE",
        ),
    ]


def test_blocks_cut_lines_anywhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.imports.inputs.manifest_file, "BLOCK_BYTES", 7)
    rows = [line(f"日本{number}", size=1, etag="e") for number in range(40)]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode("utf-8-sig")
    for name, body in [(NAME, text), (f"{NAME}.gz", gzip.compress(text.replace(b"\n", b"\r\n")))]:
        job = submit_manifest(world, body, name)
        world.plan(job.id)
        assert [entry.source_uri for entry in world.manifest(job.id)] == [row["uri"] for row in rows]


def test_csv_with_a_header_keeps_it_in_later_rounds(world: World) -> None:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["key", "bucket", "size", "etag"])
    rows.writerows([f"k,{number}", "source", 1, "e"] for number in range(2_500))
    job = submit_manifest(world, text.getvalue().encode(), "m.csv")
    world.plan(job.id, out_of_time=always)
    assert [entry.source_uri for entry in world.manifest(job.id)] == [f"s3://source/k,{n}" for n in range(2_500)]


def an_inventory(world: World, count: int, lines: int, **changes: Any) -> bytes:
    for file in range(count):
        rows = "".join(f'"source","{file}/a+{number}","1","e"\n' for number in range(lines))
        world.storage.put_body("source", f"data/{file}.csv.gz", gzip.compress(rows.encode()))
    described = {
        "sourceBucket": "source",
        "destinationBucket": "arn:aws:s3:::source",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size, ETag",
        "files": [{"key": f"data/{file}.csv.gz", "size": 1, "MD5checksum": "x"} for file in range(count)],
    }
    return json.dumps(described | changes).encode()


@pytest.mark.parametrize("lines", [3, 1_000, 1_300])
def test_the_files_of_an_inventory_are_read_one_after_the_other(world: World, lines: int) -> None:
    job = submit_manifest(world, an_inventory(world, 3, lines), "inv/manifest.json")
    world.plan(job.id, out_of_time=always)
    expected = [f"s3://source/{file}/a {number}" for file in range(3) for number in range(lines)]
    assert [entry.source_uri for entry in world.manifest(job.id)] == expected


@pytest.mark.parametrize(
    "changes", [{"fileFormat": "ORC"}, {"fileSchema": "Key"}, {"files": None}, {"files": [{}]}, {"fileFormat": None}]
)
def test_a_manifest_json_that_is_none_is_refused(world: World, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidManifest):
        submit_manifest(world, an_inventory(world, 1, 1, **changes), "manifest.json")


def test_an_inventory_in_a_bucket_that_may_not_be_read_is_refused(world: World) -> None:
    body = an_inventory(world, 1, 1, destinationBucket="arn:aws:s3:::private")
    with pytest.raises(CannotAccess, match="private"):
        submit_manifest(world, body, "manifest.json")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("m.txt", b"uri\n"),
        ("m", b"uri\n"),
        ("m.json", b"{}"),
        ("m.jsonl", b""),
        ("m.jsonl", b"\n"),
        ("m.jsonl", b"<html>"),
        ("m.jsonl", b"\xff\n"),
        ("m.jsonl", b"x" * 20_000),
        ("m.csv", b""),
        ("m.csv", b"a,b\n"),
        ("m.csv.gz", b"uri\n"),
        ("m.csv.gz", b""),
        ("manifest.json", b"[]"),
        ("manifest.json", b"<"),
    ],
)
def test_what_is_no_manifest_is_refused_at_once(world: World, name: str, body: bytes) -> None:
    with pytest.raises(InvalidManifest) as caught:
        submit_manifest(world, body, name)
    assert f"s3://source/{name}" in caught.value.message
    assert not world.jobs.rows


@pytest.mark.parametrize(
    ("uri", "error"), [("m.csv", InvalidUri), ("s3://source/", InvalidUri), ("s3://private/m.csv", CannotAccess)]
)
def test_a_manifest_that_may_not_be_is_refused(world: World, uri: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        world.submit(ImportRequest(manifest_uri=uri))


@pytest.mark.parametrize(
    ("kind", "error"),
    [(AccessDenied, CannotAccess), (SourceUnavailable, SourceUnavailable), (ObjectRejected, PreflightUnknown)],
)
def test_a_manifest_that_cannot_be_read_is_refused(world: World, kind: Any, error: type[Exception]) -> None:
    world.storage.fail_stat[NAME] = [kind("because", operation="inspect", uri="u")] * 99
    with pytest.raises(error):
        submit_manifest(world, json_lines([line("a")]))
    with pytest.raises(CannotAccess):
        world.submit(ImportRequest(manifest_uri="s3://source/missing.csv"))


def test_exactly_one_way_to_ask(world: World) -> None:
    both = ImportRequest(root_path="s3://source/p/", manifest_uri="s3://source/m.csv")
    for request in (ImportRequest(), both):
        with pytest.raises(InvalidRequest, match=r"^Provide exactly one of exact_paths or root_path"):
            world.submit(request)


@pytest.mark.parametrize("damage", ["cut short", "overwritten"])
def test_a_manifest_that_is_damaged_further_on_ends_the_job(
    world: World, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setattr(service.imports.inputs.manifest_file, "BLOCK_BYTES", 1_000)
    packed = gzip.compress(json_lines([line(f"{n}", size=1, etag="e") for n in range(3_000)]), 1)
    packed = packed[:-9] if damage == "cut short" else packed[:-2_000] + b"0123456789" + packed[-1_990:]
    job = submit_manifest(world, packed, f"{NAME}.gz")
    world.plan(job.id)
    ended = world.job(job.id)
    assert (ended.status, ended.code, ended.planned) == (JobStatus.FAILED, "INVALID_MANIFEST", False)


def test_a_manifest_beyond_the_limit_ends_the_job() -> None:
    world = World(max_clips=2)
    job = planned(world, *(line(f"{n}", size=1, etag="e") for n in range(3)))
    assert (job.status, job.code) == (JobStatus.FAILED, "LIMIT_EXCEEDED")


def test_sizes_and_times_filter_a_manifest_too(world: World) -> None:
    world.put_sources(3)
    filters = Filters(min_size=5, modified_before="2026-01-01T00:00:00.003Z", include=("/p/*",))
    rows = [line("p/000000.zip"), line("p/000001.zip"), line("p/000002.zip"), line("p/000000.zip", size=4)]
    job = planned(world, *rows, line("x.zip", size=9, etag="e"), line("p/1", size=9, etag="e"), filters=filters)
    assert [entry.source_uri[-4:] for entry in world.manifest(job.id)][:2] == [".zip", ".zip"]
    assert planned_fates(world, job) == [
        TO_COPY,
        TO_COPY,
        (ClipStatus.SKIPPED, "DUPLICATE"),
        (ClipStatus.FAILED, "NOT_FOUND"),
    ]


def test_what_lies_at_the_destinations_decides(world: World) -> None:
    world.put_sources(2)
    rows = [line("p/000000.zip"), line("p/000001.zip", destination="n")]
    world.run(planned(world, *rows).id)
    again = planned(world, *rows)
    assert planned_fates(world, again) == [(ClipStatus.SKIPPED, "UNCHANGED")] * 2
    refused = planned(
        world,
        *rows,
        line("other", size=1, etag="e", destination="n"),
        settings=ImportSettings(on_existing=OnExisting.FAIL),
    )
    assert planned_fates(world, refused) == [EXISTS] * 3


def test_a_cancelled_manifest_is_cut_short(world: World) -> None:
    job = submit_manifest(world, json_lines([line("a", size=1, etag="e")]))
    world.jobs.request_cancel(job.id, world.clock())
    done = world.run(job.id)
    assert (done.status, done.code, done.counts.total) == (JobStatus.CANCELLED, "CUT_SHORT", 0)


def test_a_preview_takes_filters_and_manifests(world: World) -> None:
    world.put_sources(40)
    prefix = ImportRequest(root_path="s3://source/p/", filters=Filters(include=("*[05].zip",)))
    assert preview(prefix, project="demo", ports=world.preview_ports).count == 8
    rows = [*(line(f"p/{number:06d}.zip") for number in range(40)), line("gone"), line("p/000000.zip")]
    world.storage.put_body("source", NAME, json_lines([*rows, b"bad"]))
    found = preview(ImportRequest(manifest_uri=f"s3://source/{NAME}"), project="demo", ports=world.preview_ports)
    outcome = found.outcome
    assert (found.complete, outcome.to_copy.count, outcome.to_skip.count, outcome.to_fail.count) == (True, 40, 1, 2)
    assert set(outcome.to_fail.by_code) == {"NOT_FOUND", "INVALID_LINE"}


# --- failures of a report ---------------------------------------------------------------------------------------------


def failures_of(world: World, job: Job) -> str:
    """Return the request for another import of the job's failures."""
    world.conclude(job.id)
    link = report_link(job.id, "failures", project=PROJECT, ports=world.ended_ports)
    bucket, _, key = link.uri.removeprefix("s3://").partition("/")
    world.storage.put_body(bucket, key, world.files.files[key])
    return link.uri


def test_failures_are_imported_once_their_cause_is_gone(world: World) -> None:
    world.put_sources(1)
    first = submit_manifest(world, json_lines([line("p/000000.zip"), line("late.zip"), b"no line"]))
    assert world.run(first.id).counts.failed == 2
    uri = failures_of(world, first)
    world.storage.put("source", "late.zip")
    done = world.run(world.submit(ImportRequest(manifest_uri=uri)).id)
    assert (done.status, done.counts.copied, done.counts.total) == (JobStatus.COMPLETED, 1, 1)
    assert preview(ImportRequest(manifest_uri=uri), project=PROJECT, ports=world.preview_ports).count == 1


def test_failures_are_for_their_own_project(world: World) -> None:
    first = world.submit_list(["gone.zip"])
    world.run(first.id)
    uri = failures_of(world, first)
    others = [uri.replace("failures", "clips"), uri.replace(first.id, "ij_" + 24 * "0"), uri + "/failures.jsonl"]
    for project, named in [("other", uri), *((PROJECT, other) for other in others)]:
        for ask in (
            lambda request, project: world.submit(request, project=project),
            lambda request, project: preview(request, project=project, ports=world.preview_ports),
        ):
            with pytest.raises(CannotAccess) as refused:
                ask(ImportRequest(manifest_uri=named), project)
            assert refused.value.message.startswith(f"{named} is not open to this project")


def test_planning_looks_again_whose_failures_they_are(world: World) -> None:
    first = world.submit_list(["gone.zip"])
    world.run(first.id)
    again = world.submit(ImportRequest(manifest_uri=failures_of(world, first)))
    world.jobs.rows[again.id] = replace(again, project="other")
    done = world.run(again.id)
    assert (done.status, done.code) == (JobStatus.FAILED, "CANNOT_ACCESS")


def test_what_follows_the_end_tells_of_manifest_and_filters(world: World) -> None:
    world.put_sources(1)
    job = submit_manifest(world, json_lines([line("p/000000.zip")]), filters=ZIPS)
    world.run(job.id)
    world.conclude(job.id)
    (event,) = world.bus.events
    validate(event)
    assert event["source"] == {"kind": "manifest", "uri": f"s3://source/{NAME}", "count": None}
    filters: Any = event["filters"]
    assert (filters["include"], filters["exclude"], filters["min_size"]) == (["*.zip"], [], None)


# --- dropped manifests -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "jsonl.gz", "csv.gz"])
def test_a_dropped_manifest_becomes_one_job_of_its_own(world: World, suffix: str) -> None:
    world.put_sources(1)
    key = f"inbox/fleet/m.manifest.{suffix}"
    body = json_lines([line("p/000000.zip")]) if "jsonl" in suffix else b"uri\ns3://source/p/000000.zip\n"
    item = world.storage.put_body("drop", key, gzip.compress(body) if suffix.endswith("gz") else body)
    upload = an_upload(key, size=item.size, etag=item.etag)
    for _ in range(3):
        accept_uploads([upload, upload, an_upload("clip.zip")], world.upload_ports)
    first, clip_job = sorted(world.jobs.rows.values(), key=lambda job: job.source.kind)
    assert (first.project, first.trigger, first.source.kind) == ("fleet", Trigger.UPLOAD, SourceKind.MANIFEST)
    assert clip_job.source.kind is SourceKind.UPLOAD
    assert world.workflow.waits[first.id] == 0
    assert world.run(first.id).counts.copied == 1
    entries = [entry for entry in world.jobs.audit if entry.subject == first.id]
    assert [(entry.action, entry.by.door, entry.project) for entry in entries] == [
        (Action.IMPORT_START, Door.UPLOAD, "fleet")
    ]
    assert first.door is Door.UPLOAD
    accept_uploads([upload, replace(upload, identity="another", etag="e2")], world.upload_ports)
    assert len(world.jobs.rows) == 3


def test_a_dropped_manifest_whose_start_was_lost_is_started_by_the_next_delivery(world: World) -> None:
    upload = an_upload("m.manifest.csv")
    world.faults.plan("workflow.start", [ConnectionError("lost")])
    with pytest.raises(ConnectionError):
        accept_uploads([upload], world.upload_ports)
    accept_uploads([upload], world.upload_ports)
    assert world.workflow.started == list(world.jobs.rows)


@pytest.mark.parametrize("body", [b"<html>", b"", b"\n\n"])
def test_a_dropped_manifest_that_is_none_is_a_failed_job_that_says_so(world: World, body: bytes) -> None:
    item = world.storage.put_body("drop", "m.manifest.jsonl", body)
    accept_uploads([an_upload("m.manifest.jsonl", size=item.size, etag=item.etag)], world.upload_ports)
    (job,) = world.jobs.rows.values()
    done = world.run(job.id)
    assert (done.status, done.code) == (JobStatus.FAILED, "INVALID_MANIFEST")
    assert "line 1" in (done.message or "")


# --- names -----------------------------------------------------------------------------------------------------------


def named(template: str, **changes: Any) -> ImportSettings:
    return ImportSettings(destination=template, **changes)


@pytest.mark.parametrize("door", ["prefix", "list", "manifest"])
def test_a_template_names_the_clips_through_every_door(world: World, door: str) -> None:
    for key in ("p/x/a.b.zip", "p/y/c"):
        world.storage.put("source", key)
    settings = named("{bucket}/{ordinal}/{stem}-{name}{extension}/{key}/{job_id}")
    keys = ["p/x/a.b.zip", "p/y/c"]
    job = {
        "prefix": lambda: world.submit_prefix(settings=settings, folder="f"),
        "list": lambda: world.submit_list(keys, settings=settings, folder="f"),
        "manifest": lambda: submit_manifest(world, json_lines(map(line, keys)), settings=settings, folder="f"),
    }[door]()
    world.plan(job.id)
    assert [entry.destination for entry in world.manifest(job.id)] == [
        f"demo/f/source/0/a.b-a.b.zip.zip/p/x/a.b.zip/{job.id}",
        f"demo/f/source/1/c-c/p/y/c/{job.id}",
    ]


@pytest.mark.parametrize("door", ["prefix", "list"])
def test_no_destination_is_taken_twice_in_all_rounds(world: World, door: str) -> None:
    keys = [*world.put_sources(1_100, prefix="a/"), *world.put_sources(1_100, prefix="b/")]
    settings = named("{name}")

    def submit() -> Job:
        return (
            world.submit_prefix("", settings=settings)
            if door == "prefix"
            else world.submit_list(keys, settings=settings)
        )

    one, many = submit(), submit()
    world.plan(one.id)
    world.plan(many.id, out_of_time=always)
    assert state_of(world, many) == state_of(world, one)
    taken = (ClipStatus.FAILED, "DESTINATION_TAKEN")
    assert planned_fates(world, many) == [TO_COPY] * 1_100 + [taken] * 1_100
    world.run(many.id)
    again = world.run(submit().id)
    assert (again.counts.copied, again.counts.skipped, again.counts.failed) == (0, 1_100, 1_100)


def test_uploads_can_be_named_too(world: World) -> None:
    ports = replace(world.upload_ports, settings=named("{name}"))
    accept_uploads([an_upload("a/x.zip"), an_upload("b/x.zip"), an_upload("c/.")], ports)
    (job,) = world.jobs.rows.values()
    world.plan(job.id)
    codes = [code for _, code in planned_fates(world, job)]
    assert sorted(str(code) for code in codes) == ["DESTINATION_TAKEN", "INVALID_DESTINATION", "None"]


@pytest.mark.parametrize(
    "template",
    [
        *("", "/{key}", "{key}/", "../{key}", "a/./{name}", "{foo}", "{}", "{0}", "{key!r}", "{key:>9}", "{key.x}"),
        *("{key", "}", "x" * 513, "\ud800"),
    ],
)
def test_templates_that_can_never_be_are_refused(world: World, template: str) -> None:
    with pytest.raises(InvalidRequest, match=r"settings\.destination"):
        world.submit_list(["a"], settings=named(template))


@pytest.mark.parametrize("key", ["..", "a/..", "x" * 1_020, "a/"])
def test_a_clip_that_a_template_cannot_name_fails_with_a_reason(world: World, key: str) -> None:
    world.storage.put("source", key)
    world.storage.put("source", "ok")
    job = world.submit_list([key, "ok"], settings=named("n/{name}"))
    world.plan(job.id)
    assert planned_fates(world, job) == [(ClipStatus.FAILED, "INVALID_DESTINATION"), TO_COPY]
    assert world.manifest(job.id)[0].message
    assert world.run(job.id).status is JobStatus.COMPLETED_WITH_ERRORS


# --- hashes ----------------------------------------------------------------------------------------------------------


def test_a_set_of_hashes_is_a_set(world: World) -> None:
    seen = Seen()
    texts = [f"t{number}" for number in range(20_000)]
    assert all(seen.add(text) for text in texts)
    assert not any(seen.add(text) for text in texts)
    assert "t7" in seen
    assert "t20000" not in seen
    ledger = Ledger.of("ij_1", 0, (), (), world.state)
    assert ledger.first_of("s3://a/b", None)
    assert ledger.first_of("s3://a/b", "v")
    assert not ledger.first_of("s3://a/b", "v")


# --- long lists ------------------------------------------------------------------------------------------------------


def test_fifteen_thousand_uris_are_one_request(world: World) -> None:
    uris = [f"s3://source/{'k' * 250}/{number:06d}.zip" for number in range(15_000)]
    job = world.submit(import_list(uris))
    world.plan(job.id, out_of_time=always)
    assert (world.job(job.id).counts.total, len(world.batches(job.id))) == (15_000, 150)
    assert [entry.source_uri for entry in world.manifest(job.id)] == uris


# --- retries ---------------------------------------------------------------------------------------------------------


def fates_of(world: World, job: Job) -> list[tuple[str, str | None]]:
    rows = world.clips.rows[job.id]
    return [(rows[ordinal].status.value, rows[ordinal].code) for ordinal in sorted(rows)]


def test_a_retried_line_stays_the_object_that_it_pins(world: World) -> None:
    old = world.storage.put("source", "a.zip", 7)
    job = planned(
        world,
        line("a.zip", size=7, etag=old.etag),
        line("b.zip", size=5),
        line("c.zip", checksum="CRC32:AAAAAA=="),
        {"uri": "nonsense"},
    )
    world.storage.put("source", "a.zip", 8)
    world.run(job.id)
    missing = [("FAILED", "NOT_FOUND")] * 2
    assert fates_of(world, job) == [("FAILED", "SOURCE_CHANGED"), *missing, ("FAILED", "INVALID_LINE")]
    for key in ("b.zip", "c.zip"):
        world.storage.put("source", key, 6)
    world.retry(job.id)
    world.plan(job.id)
    again = {entry.ordinal: entry for batch in world.batches(job.id) for entry in read_batch(world.state, batch)}
    assert (again[0].size, again[0].etag, again[2].checksum) == (7, old.etag, "CRC32:AAAAAA==")
    assert (again[1].status, again[1].code) == (ClipStatus.FAILED, "SOURCE_CHANGED"), "its line says 5 bytes"
    assert again[2].status is ClipStatus.PENDING
    assert (again[3].status, again[3].code) == (ClipStatus.FAILED, "INVALID_LINE")


@pytest.mark.parametrize("door", ["list", "manifest"])
def test_no_retry_takes_the_destination_of_another_clip(world: World, door: str) -> None:
    keys = ["1/same.zip", "2/same.zip", "3/other.zip", "4/other.zip"]
    world.storage.put("source", keys[1])
    if door == "list":
        job = world.submit_list(keys, settings=named("{name}"))
    else:
        body = json_lines(line(key, destination=key[2:]) for key in keys)
        job = submit_manifest(world, body)
    world.run(job.id)
    assert [status for status, _ in fates_of(world, job)] == ["FAILED", "COPIED", "FAILED", "FAILED"]
    for key in keys:
        world.storage.put("source", key, 20)
    for chosen in ([2], [0, 3], None):
        world.retry(job.id, clips=chosen)
        world.run(job.id)
    taken = ("FAILED", "DESTINATION_TAKEN")
    assert fates_of(world, job) == [taken, ("COPIED", None), ("COPIED", None), taken]


def test_names_are_given_once_where_the_first_planning_broke_down(world: World) -> None:
    keys = ["1/same.zip", "2/same.zip"]
    for key in keys:
        world.storage.put("source", key)
    job = world.submit_list(keys, settings=named("{name}"))
    finish(job.id, error="Lambda.Unknown", ports=world.finish_ports)
    assert fates_of(world, job) == [("FAILED", "PLANNING_FAILED")] * 2
    for chosen in ([1], [0], None):
        world.retry(job.id, clips=chosen)
        world.run(job.id)
    assert fates_of(world, job) == [("COPIED", None), ("FAILED", "DESTINATION_TAKEN")]


def test_a_name_that_cannot_be_fails_in_a_retry_as_before(world: World) -> None:
    world.storage.put("source", f"p/{300 * 'a'}.zip")
    job = world.run(world.submit_prefix(settings=named("{name}" * 5)).id)
    assert fates_of(world, job) == [("FAILED", "INVALID_DESTINATION")]
    world.retry(job.id)
    world.run(job.id)
    assert fates_of(world, job) == [("FAILED", "INVALID_DESTINATION")]
