"""Members of zips as sources: each zip's directory is read once, and its members are planned like objects."""

import json
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus

import pytest

from lambdas.http import status_of
from service.domain.batching import batches_of
from service.domain.clips import ClipStatus
from service.domain.errors import (
    CannotAccess,
    InvalidRequest,
    InvalidUri,
    ObjectArchived,
    ObjectRejected,
    SourceUnavailable,
    ZipUnreadable,
)
from service.domain.jobs import Job
from service.domain.manifest import ManifestEntry
from service.domain.requests import Archived, Filters, ImportRequest, ImportSettings, Members, OnExisting, ViewSet
from service.domain.uris import parse_object
from service.formats.archive import DEFLATED, STORED
from service.imports.manifest.store import read_batch, read_batches
from service.imports.previews.preview import preview
from tests.builders import PROJECT, SOURCE_BUCKET, World, import_list, import_prefix, import_sets
from tests.unit.formats.making import Raw, write_zip

CHUNK = "camera/front/front.chunk_0000.zip"
NAMES = [f"{clip}.front.{kind}" for clip in ("c1", "c2", "c3") for kind in ("mp4", "timestamps.parquet")]


def uri(name: str, chunk: str = CHUNK) -> str:
    return f"s3://{SOURCE_BUCKET}/{chunk}!/{name}"


def put_zip(world: World, key: str = CHUNK, members: Mapping[str, bytes] | None = None) -> None:
    named = members or {name: name.encode() for name in reversed(NAMES)}
    raw = [Raw(name.encode(), data, method=STORED) for name, data in named.items()]
    world.storage.put_body(SOURCE_BUCKET, key, write_zip(raw))


def planned(world: World, request: ImportRequest) -> tuple[Job, list[ManifestEntry]]:
    job = world.submit(request)
    world.storage.read.clear()
    world.plan(job.id)
    return world.job(job.id), world.manifest(job.id)


def fates(entries: list[ManifestEntry]) -> list[tuple[ClipStatus, str | None]]:
    return [(entry.status, entry.code) for entry in entries]


def test_a_list_names_members_whose_zip_is_read_once(world: World) -> None:
    put_zip(world)
    _, entries = planned(world, import_list([uri(name) for name in NAMES]))
    item = world.storage.buckets[SOURCE_BUCKET][CHUNK]
    assert world.storage.read == {CHUNK: 1}
    assert fates(entries) == [(ClipStatus.PENDING, None)] * 6
    for entry, name in zip(entries, NAMES, strict=True):
        assert (entry.source_uri, entry.size) == (uri(name), len(name))
        assert entry.destination == f"{PROJECT}/-/{SOURCE_BUCKET}/{CHUNK}!/{name}"
        assert entry.packed is not None
        assert (entry.packed.zip_size, entry.packed.zip_etag) == (item.size, item.etag)
        assert entry.zip_entry().source_uri == f"s3://{SOURCE_BUCKET}/{CHUNK}"


@pytest.mark.parametrize(
    ("prefix", "filters", "wanted"),
    [
        ("", None, sorted(NAMES)),
        ("c2.", None, ["c2.front.mp4", "c2.front.timestamps.parquet"]),
        ("", Filters(include=("*.mp4",), exclude=("c1.*",)), ["c2.front.mp4", "c3.front.mp4"]),
    ],
)
def test_a_root_path_in_a_zip_takes_the_members_that_begin_so(
    world: World, prefix: str, filters: Filters | None, wanted: list[str]
) -> None:
    put_zip(world)
    _, entries = planned(world, import_prefix(uri(prefix), filters=filters))
    assert [entry.source_uri for entry in entries] == [uri(name) for name in wanted]
    assert world.storage.read == {CHUNK: 1}


def test_a_manifest_names_members_too(world: World) -> None:
    put_zip(world)
    lines = [{"uri": uri(NAMES[0]), "size": len(NAMES[0]), "destination": "a.mp4"}, {"uri": uri(NAMES[2]), "size": 1}]
    manifest = "".join(json.dumps(line) + "\n" for line in lines).encode()
    world.storage.put_body(SOURCE_BUCKET, "list.jsonl", manifest)
    _, entries = planned(world, ImportRequest(manifest_uri=f"s3://{SOURCE_BUCKET}/list.jsonl"))
    assert fates(entries) == [(ClipStatus.PENDING, None), (ClipStatus.FAILED, "SOURCE_CHANGED")]
    assert (bool(entries[0].packed), entries[0].destination) == (True, f"{PROJECT}/-/a.mp4")
    with pytest.raises(InvalidRequest, match="manifest_uri names a member of a zip"):
        world.submit(ImportRequest(manifest_uri=uri("list.jsonl")))


def test_views_of_a_set_are_members_of_several_zips(world: World) -> None:
    put_zip(world)
    put_zip(world, "rear.zip", {"c1.rear.mp4": b"rear"})
    views = {"front": uri(NAMES[0]), "rear": uri("c1.rear.mp4", "rear.zip")}
    _, entries = planned(world, import_sets(ViewSet(views=tuple(views.items()))))
    assert [(entry.view, entry.source_uri, bool(entry.packed)) for entry in entries] == [
        (view, named, True) for view, named in views.items()
    ]


def test_what_is_wrong_with_one_member_or_zip_fails_its_clips_alone(world: World) -> None:
    members = [
        Raw(b"good.mp4", b"good", method=STORED),
        Raw(b"secret.mp4", b"x", flags=1),
        Raw(b"zstd.mp4", b"x", method=93, packed=b"x"),
        Raw(b"huge.mp4", b"x", method=DEFLATED, size=128 * 1024**2 + 1, packed=bytes(2 * 1024**2)),
    ]
    world.storage.put_body(SOURCE_BUCKET, "mixed.zip", write_zip(members))
    world.storage.put_body(SOURCE_BUCKET, "none.zip", b"this is no zip")
    named = ["good.mp4", "secret.mp4", "zstd.mp4", "huge.mp4", "Good.mp4", ""]
    uris = [uri(name, "mixed.zip") for name in named] + [uri("a.mp4", "none.zip"), uri("a.mp4", "gone.zip")]
    _, entries = planned(world, import_list(uris))
    unreadable = (ClipStatus.FAILED, "MEMBER_UNREADABLE")
    assert fates(entries) == [
        (ClipStatus.PENDING, None),
        *[unreadable] * 3,
        *[(ClipStatus.FAILED, "NO_SUCH_MEMBER")] * 2,
        (ClipStatus.FAILED, "ZIP_UNREADABLE"),
        (ClipStatus.FAILED, "NOT_FOUND"),
    ]
    said = [entry.message or "" for entry in entries]
    for text, words in zip(said[1:4], ("encrypted", "method 93 (zstd)", "store it instead"), strict=True):
        assert words in text
    assert "import all by root_path" in said[5]
    _, listed = planned(world, import_prefix(uri("", "mixed.zip")))
    assert fates(listed) == [fates(entries)[0], *[unreadable] * 3]
    with pytest.raises(ZipUnreadable, match="not a zip"):
        world.submit(import_prefix(uri("", "none.zip")))
    for far in ("é" * 513, "x" * 1_025):
        with pytest.raises(InvalidUri, match="the member's name has"):
            parse_object(uri(far))


def test_a_missing_zip_is_asked_for_once(world: World) -> None:
    _, entries = planned(world, import_list([uri(name, "gone.zip") for name in NAMES]))
    assert {entry.code for entry in entries} == {"NOT_FOUND"}
    assert world.storage.stats["gone.zip"] == 1


def test_a_zip_that_does_not_answer_is_asked_for_again(world: World) -> None:
    put_zip(world)
    world.storage.fail_stat[CHUNK] = [SourceUnavailable("busy", operation="inspect", uri=CHUNK)]
    _, entries = planned(world, import_list([uri(name) for name in NAMES]))
    assert [entry.code for entry in entries].count("SOURCE_UNAVAILABLE") == 1
    assert [entry.code for entry in entries].count(None) == 5


def test_an_object_whose_own_name_reads_like_a_member_stays_one(world: World) -> None:
    world.storage.put(SOURCE_BUCKET, "odd/a.zip!/b.mp4")
    for request in (import_list([uri("b.mp4", "odd/a.zip")]), import_prefix(f"s3://{SOURCE_BUCKET}/odd/")):
        job, (entry,) = planned(world, request)
        assert (entry.status, entry.packed, entry.size) == (ClipStatus.PENDING, None, 10)
        put_zip(world, "odd/a.zip", {"b.mp4": b"a member"})
        if request.root_path:
            world.storage.fail_copy["odd/a.zip!/b.mp4"] = [ObjectRejected("no", operation="copy", uri="u")]
            world.run(job.id)
            world.plan(world.retry(job.id).id)
            (again,) = (one for one in world.retry_part(job.id, 0) if "!" in one.source_uri)
            assert again.packed is None, "what a listing found is an object"
        del world.storage.buckets[SOURCE_BUCKET]["odd/a.zip"]


def test_a_retry_reads_the_zip_as_it_is_then(world: World) -> None:
    put_zip(world)
    missing = uri("c4.front.mp4")
    job, entries = planned(world, import_list([missing, uri(NAMES[0]) + "x"]))
    assert [entry.code for entry in entries] == ["NO_SUCH_MEMBER"] * 2
    world.run(job.id)
    put_zip(world, members={"c4.front.mp4": b"later"})
    world.plan(world.retry(job.id).id)
    later, gone = world.retry_part(job.id, 0)
    assert (later.status, later.size, bool(later.packed)) == (ClipStatus.PENDING, 5, True)
    assert gone.code == "NO_SUCH_MEMBER"


def test_what_lies_at_the_destination_decides_as_for_objects(world: World) -> None:
    put_zip(world)
    world.storage.put(world.storage.clips_bucket, f"{PROJECT}/-/{SOURCE_BUCKET}/{CHUNK}!/{NAMES[0]}")
    request = import_prefix(uri("c1."), settings=ImportSettings(on_existing=OnExisting.FAIL))
    assert [entry.code for entry in planned(world, request)[1]] == ["EXISTS", None]


def test_a_preview_shows_members(world: World) -> None:
    put_zip(world)
    found = preview(import_prefix(uri("")), project=PROJECT, ports=world.preview_ports)
    assert (found.count, found.outcome.to_copy.count, found.complete) == (6, 6, True)
    assert found.bytes == sum(map(len, NAMES))
    assert sorted(found.by_extension) == [".mp4", ".parquet"]


def test_clips_are_built_of_their_files_if_the_import_says_so(world: World) -> None:
    put_zip(world)
    settings = ImportSettings(members=Members.CLIPGT)
    clips = [uri(f"c{number}.zip") for number in (1, 2, 3)]
    for request in (import_prefix(uri(""), settings=settings), import_list(clips, settings=settings)):
        _, entries = planned(world, request)
        assert [entry.source_uri for entry in entries] == clips
        assert entries[0].destination == f"{PROJECT}/-/{SOURCE_BUCKET}/{CHUNK}!/c1.zip"
        assert entries[0].packed is not None
        assert [member.name for member in entries[0].packed.members] == [NAMES[1], NAMES[0]]
        found = preview(request, project=PROJECT, ports=world.preview_ports)
        assert (found.count, found.bytes) == (3, sum(entry.size or 0 for entry in entries))
    _, (entry,) = planned(world, import_list([uri(NAMES[0])], settings=settings))
    assert (entry.code, "named CLIP_ID.zip" in str(entry.message)) == ("NO_SUCH_MEMBER", True)


def test_only_what_opens_the_zip_opens_its_members(world: World) -> None:
    with pytest.raises(CannotAccess):
        world.submit(import_prefix("s3://elsewhere/a.zip!/"))
    _, (entry,) = planned(world, import_list(["s3://elsewhere/a.zip!/b.mp4"]))
    assert entry.code == "CANNOT_ACCESS"


def test_members_of_a_zip_share_a_batch_in_the_order_of_their_bytes(world: World) -> None:
    chunks = [f"{view}.zip" for view in ("front", "rear")]
    for chunk in chunks:
        put_zip(world, chunk, {f"c{number}.mp4": b"clip" for number in range(9)})
    world.batch_clips = 10
    by_turns = [uri(f"c{number}.mp4", chunk) for number in reversed(range(9)) for chunk in chunks]
    job, entries = planned(world, import_list(by_turns))
    assert [entry.source_uri for entry in entries] == by_turns, "pages of clips are in the order of the list"
    batches = [read_batch(world.state, batch) for batch in read_batches(world.state, job.id)]
    assert [[entry.source_uri for entry in batch] for batch in batches] == [
        [uri(f"c{number}.mp4", chunk) for number in range(9)] for chunk in chunks
    ]
    one_by_one = batches_of(batches[0], max_clips=4, max_bytes=10**9)
    assert [count for _, count in one_by_one] == [4, 4, 1], "more than a batch takes are cut"


def test_a_prefix_of_an_object_that_is_no_zip_is_refused_by_its_code(world: World) -> None:
    world.storage.put_body(SOURCE_BUCKET, CHUNK, b"no zip")
    for ask in (world.submit, lambda one: preview(one, project=PROJECT, ports=world.preview_ports)):
        with pytest.raises(ZipUnreadable, match="it is not a zip"):
            ask(import_prefix(uri("")))
    assert status_of(ZipUnreadable("", operation="", uri="")) == HTTPStatus.UNPROCESSABLE_ENTITY


@pytest.mark.parametrize("setting", Archived)
def test_members_of_an_archived_zip_fail_and_say_what_to_restore(world: World, setting: Archived) -> None:
    put_zip(world)
    bucket, settings = world.storage.buckets[SOURCE_BUCKET], ImportSettings(archived=setting)
    bucket[CHUNK] = replace(bucket[CHUNK], archive="GLACIER")
    job, [entry] = planned(world, import_list([uri(NAMES[0])], settings=settings))
    assert (fates([entry]), world.storage.read) == ([(ClipStatus.FAILED, "ARCHIVED")], {})
    assert "restore the zip itself" in str(entry.message)
    for ask in (world.submit, lambda one: preview(one, project=PROJECT, ports=world.preview_ports)):
        with pytest.raises(ObjectArchived, match="restore the zip itself") as refused:
            ask(import_prefix(uri(""), settings=settings))
        assert refused.value.code == "ARCHIVED"
    bucket[CHUNK] = replace(bucket[CHUNK], archive=None)
    world.run(job.id)
    world.retry(job.id)
    assert world.run(job.id).counts.copied == 1
