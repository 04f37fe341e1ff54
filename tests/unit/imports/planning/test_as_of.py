"""Imports of a prefix or a list as it was at a time."""

from dataclasses import replace

import pytest

from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import InvalidRequest, NotVersioned
from service.domain.jobs import JobStatus
from service.domain.requests import ImportRequest, ViewSet
from service.formats.archive import STORED
from service.imports.previews.preview import preview
from tests.builders import PROJECT, SOURCE_BUCKET, World, a_set, import_sets
from tests.unit.formats.making import Raw, write_zip

PREFIX = f"s3://{SOURCE_BUCKET}/p/"
HUB_SET = ViewSet(views=(("front", f"{PREFIX}a.zip"), ("rear", "hf://datasets/a/b/c.zip")))


def put(world: World, key: str, version: str, second: int) -> None:
    there = world.storage.put(SOURCE_BUCKET, key, version=version)
    dated = replace(there, modified=f"2026-01-01T00:00:{second:02d}.000Z")
    world.storage.buckets[SOURCE_BUCKET][key] = dated
    world.storage.versions[SOURCE_BUCKET, key, version] = dated


@pytest.fixture
def history(world: World) -> World:
    """Of four keys: one changed, one was deleted, one came later, one stayed."""
    for key, version, second in (("a", "a1", 1), ("b", "b1", 1), ("d", "d1", 1), ("a", "a3", 3), ("c", "c3", 3)):
        put(world, f"p/{key}.zip", version, second)
    world.storage.deletions.add((SOURCE_BUCKET, "p/b.zip", "2026-01-01T00:00:03.000Z"))
    del world.storage.buckets[SOURCE_BUCKET]["p/b.zip"]
    return world


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2026-01-01T00:00:02Z", ["a1", "b1", "d1"]),
        ("2026-01-01T01:00:02+01:00", ["a1", "b1", "d1"]),
        ("2026-01-01T00:00:03Z", ["a3", "c3", "d1"]),
        ("2025-01-01T00:00:00Z", []),
    ],
)
def test_a_prefix_is_imported_as_it_was(history: World, as_of: str, expected: list[str]) -> None:
    job = history.run(history.submit(ImportRequest(root_path=PREFIX, as_of=as_of)).id)
    assert job.status is JobStatus.COMPLETED
    assert [entry.version for entry in history.manifest(job.id)] == expected
    assert job.counts.copied == len(expected)


def test_a_list_is_imported_as_it_was_and_what_was_not_there_fails(history: World) -> None:
    uris = tuple(f"{PREFIX}{key}.zip" for key in "abc")
    job = history.run(history.submit(ImportRequest(exact_paths=uris, as_of="2026-01-01T00:00:02Z")).id)
    entries = history.manifest(job.id)
    assert [(entry.version, entry.code) for entry in entries] == [
        ("a1", None),
        ("b1", None),
        (None, ClipCode.NOT_FOUND),
    ]
    assert "2026-01-01T00:00:02.000Z" in str(entries[2].message)


def test_sets_are_imported_as_they_were_and_one_whose_view_was_not_there_fails(history: World) -> None:
    sets = import_sets(a_set("p/a.zip", "p/b.zip"), a_set("p/d.zip", "p/c.zip"))
    job = history.run(history.submit(replace(sets, as_of="2026-01-01T00:00:02Z")).id)
    entries = history.manifest(job.id)
    assert [entry.version for entry in entries if entry.status is ClipStatus.PENDING] == ["a1", "b1"]
    assert [entry.code for entry in entries] == [None, None, ClipCode.SET_INCOMPLETE, ClipCode.NOT_FOUND]
    put(history, "p/c.zip", "c0", 0)
    history.retry(job.id)
    assert history.run(job.id).counts.copied == 4


def test_a_retry_sees_the_same_time(history: World) -> None:
    uris = (f"{PREFIX}a.zip", f"{PREFIX}c.zip")
    job = history.run(history.submit(ImportRequest(exact_paths=uris, as_of="2026-01-01T00:00:02Z")).id)
    assert job.counts.failed == 1
    put(history, "p/c.zip", "c0", 0)
    history.retry(job.id)
    again = history.run(job.id)
    assert (again.counts.failed, again.counts.copied) == (0, 2)


def test_a_preview_sees_the_time_too(history: World) -> None:
    request = ImportRequest(root_path=PREFIX, as_of="2026-01-01T00:00:02Z")
    found = preview(request, project=PROJECT, ports=history.preview_ports)
    assert (found.count, found.complete) == (3, True)


def test_the_same_size_is_no_sign_of_the_same_clip(history: World) -> None:
    """A newer object at the destination may be the copy of a newer version."""
    first = history.run(history.submit(ImportRequest(root_path=PREFIX)).id)
    assert first.counts.copied == 3
    again = history.run(history.submit(ImportRequest(root_path=PREFIX, as_of="2026-01-01T00:00:02Z")).id)
    statuses = {entry.version: entry.status for entry in history.manifest(again.id)}
    assert statuses["a1"] is ClipStatus.PENDING


def test_a_bucket_without_versions_is_refused_or_fails_its_clips(world: World) -> None:
    keys = world.put_sources(2)
    with pytest.raises(NotVersioned, match="keeps no versions") as refused:
        world.submit(ImportRequest(root_path=PREFIX, as_of="2026-01-01T00:00:00Z"))
    assert refused.value.code == "NOT_VERSIONED"
    uris = tuple(f"s3://{SOURCE_BUCKET}/{key}" for key in keys)
    job = world.run(world.submit(ImportRequest(exact_paths=uris, as_of="2026-01-01T00:00:00Z")).id)
    assert {entry.code for entry in world.manifest(job.id)} == {ClipCode.NOT_VERSIONED}
    late = world.submit(ImportRequest(root_path=PREFIX, as_of="2026-01-01T00:00:00Z", validate=False))
    assert world.run(late.id).code == "NOT_VERSIONED"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (ImportRequest(root_path=PREFIX, as_of="yesterday"), "as_of is 'yesterday'"),
        (ImportRequest(root_path=PREFIX, as_of="2026-01-01T00:00:00"), "with its zone"),
        (ImportRequest(root_path=PREFIX, as_of="9999-12-31T23:59:59-14:00"), "as_of is '9999-"),
        (ImportRequest(root_path="hf://datasets/a/b/", as_of="2026-01-01T00:00:00Z"), "@revision"),
        (ImportRequest(exact_paths=("s3://b/k", "hf://datasets/a/b/c"), as_of="2026-01-01T00:00:00Z"), "@revision"),
        (ImportRequest(sets=(HUB_SET,), as_of="2026-01-01T00:00:00Z"), "@revision"),
        (ImportRequest(manifest_uri="s3://source/m.csv", as_of="2026-01-01T00:00:00Z"), "a manifest name versions"),
    ],
)
def test_where_nothing_knows_the_past_the_request_is_refused(world: World, request_: ImportRequest, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        world.submit(request_)


def test_members_are_those_of_the_zip_that_stood_at_the_time(world: World) -> None:
    zipped = write_zip([Raw(b"c1.front.mp4", b"one", method=STORED)])
    world.storage.put_body(SOURCE_BUCKET, "chunk.zip", zipped)
    there = replace(
        world.storage.buckets[SOURCE_BUCKET]["chunk.zip"], version="z1", modified="2026-01-01T00:00:01.000Z"
    )
    world.storage.buckets[SOURCE_BUCKET]["chunk.zip"] = there
    world.storage.versions[SOURCE_BUCKET, "chunk.zip", "z1"] = there
    root = f"s3://{SOURCE_BUCKET}/chunk.zip!/"
    for request in (
        ImportRequest(root_path=root, as_of="2026-01-01T00:00:02Z"),
        ImportRequest(exact_paths=(f"{root}c1.front.mp4",), as_of="2026-01-01T00:00:02Z"),
        ImportRequest(root_path=f"s3://{SOURCE_BUCKET}/", clip_ids=("c1",), as_of="2026-01-01T00:00:02Z"),
    ):
        [entry] = world.manifest(world.run(world.submit(request).id).id)
        assert (entry.source_uri, entry.version) == (f"{root}c1.front.mp4", "z1")
    earlier = ImportRequest(root_path=root, as_of="2026-01-01T00:00:00Z")
    assert world.run(world.submit(earlier).id).counts.total == 0
