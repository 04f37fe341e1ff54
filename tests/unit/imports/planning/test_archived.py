"""Clips whose sources are archived: skipped or failed when they are planned, copied once they are restored."""

from dataclasses import replace

import pytest

from service.domain.clips import ClipStatus
from service.domain.errors import ObjectMissing
from service.domain.requests import Archived, ImportRequest, ImportSettings, OnExisting
from tests.builders import CLIPS_BUCKET, SOURCE_BUCKET, World, a_set, import_list, import_prefix, import_sets

REQUESTS = {
    "prefix": import_prefix(f"s3://{SOURCE_BUCKET}/p/"),
    "list": import_list([f"s3://{SOURCE_BUCKET}/p/{name}.zip" for name in ("a", "b", "c")]),
}


def archived(world: World, key: str, archive: str | None = "GLACIER") -> None:
    bucket = world.storage.buckets[SOURCE_BUCKET]
    bucket[key] = replace(bucket[key], archive=archive)


def with_sources(world: World) -> World:
    for name in ("a", "b", "c"):
        world.storage.put(SOURCE_BUCKET, f"p/{name}.zip")
    archived(world, "p/b.zip")
    return world


@pytest.mark.parametrize("request_of", REQUESTS)
@pytest.mark.parametrize("on_existing", OnExisting)
@pytest.mark.parametrize("template", [None, "{ordinal}.zip"])
@pytest.mark.parametrize("setting", [Archived.FAIL, Archived.SKIP])
def test_an_archived_source_decides_its_clip_before_any_copy(
    world: World, request_of: str, on_existing: OnExisting, template: str | None, setting: Archived
) -> None:
    with_sources(world)
    settings = ImportSettings(archived=setting, on_existing=on_existing, destination=template)
    job = world.run(world.submit(replace(REQUESTS[request_of], settings=settings)).id)
    fate = ClipStatus.FAILED if setting is Archived.FAIL else ClipStatus.SKIPPED
    entries = world.manifest(job.id)
    assert [(entry.status, entry.code, entry.archive) for entry in entries] == [
        (ClipStatus.PENDING, None, None),
        (fate, "ARCHIVED", "GLACIER"),
        (ClipStatus.PENDING, None, None),
    ]
    assert (job.counts.copied, job.counts.failed + job.counts.skipped) == (2, 1)
    assert not world.storage.copies[entries[1].destination]


def test_a_restored_source_is_copied_by_a_retry(world: World) -> None:
    with_sources(world)
    job = world.run(world.submit(REQUESTS["prefix"]).id)
    assert job.counts.failed == 1
    archived(world, "p/b.zip", None)
    world.retry(job.id)
    assert world.run(job.id).counts.copied == 3


def test_a_copy_that_is_there_needs_no_restore(world: World) -> None:
    with_sources(world)
    found = world.storage.buckets[SOURCE_BUCKET]["p/b.zip"]
    key = f"demo/-/{SOURCE_BUCKET}/p/b.zip"
    world.storage.buckets[CLIPS_BUCKET][key] = replace(found, key=key, archive=None)
    job = world.submit(REQUESTS["prefix"])
    world.plan(job.id)
    assert [entry.code for entry in world.manifest(job.id)] == [None, "UNCHANGED", None]


@pytest.mark.parametrize("setting", [Archived.FAIL, Archived.SKIP])
def test_a_set_with_an_archived_view_fails_as_a_whole(world: World, setting: Archived) -> None:
    with_sources(world)
    request: ImportRequest = import_sets(a_set("p/a.zip", "p/b.zip"), settings=ImportSettings(archived=setting))
    job = world.run(world.submit(request).id)
    assert [entry.code for entry in world.manifest(job.id)] == ["SET_INCOMPLETE", "ARCHIVED"]
    assert (job.counts.failed, job.counts.copied) == (2, 0)


def hidden(world: World, key: str, archive: str | None = None) -> None:
    """The object is in INTELLIGENT_TIERING: a listing does not tell its archive tier."""
    bucket = world.storage.buckets[SOURCE_BUCKET]
    bucket[key] = replace(bucket[key], archive=archive, archive_hidden=True)


@pytest.mark.parametrize("template", [None, "{ordinal}.zip"])
@pytest.mark.parametrize(
    ("setting", "code", "looked_at"),
    [
        (Archived.FAIL, "ARCHIVED", set()),
        (Archived.SKIP, "ARCHIVED", {"p/b.zip", "p/d.zip"}),
        (Archived.RESTORE, None, {"p/b.zip", "p/d.zip"}),
    ],
)
def test_a_hidden_archive_is_looked_at_only_where_the_setting_needs_it(
    world: World, template: str | None, setting: Archived, code: str | None, looked_at: set[str]
) -> None:
    for name in ("a", "b", "c", "d"):
        world.storage.put(SOURCE_BUCKET, f"p/{name}.zip")
    hidden(world, "p/b.zip", "ARCHIVE_ACCESS")
    hidden(world, "p/d.zip")
    settings = ImportSettings(archived=setting, destination=template)
    job = world.run(world.submit(import_prefix(f"s3://{SOURCE_BUCKET}/p/", settings=settings)).id)
    assert {key for key in world.storage.stats if key.startswith("p/")} == looked_at
    assert world.storage.restores.keys() == ({"p/b.zip"} if setting is Archived.RESTORE else set())
    row = world.clips.rows[job.id].get(1)
    assert (row.code if row else world.manifest(job.id)[1].code) == code
    assert (job.counts.copied, job.counts.pending) == (3, 1 if setting is Archived.RESTORE else 0)


def test_a_hidden_archive_of_a_clip_that_was_copied_is_not_looked_at(world: World) -> None:
    for name in ("a", "b"):
        world.storage.put(SOURCE_BUCKET, f"p/{name}.zip")
    request = import_prefix(f"s3://{SOURCE_BUCKET}/p/", settings=ImportSettings(archived=Archived.RESTORE))
    assert world.run(world.submit(request).id).counts.copied == 2
    hidden(world, "p/a.zip", "ARCHIVE_ACCESS")
    hidden(world, "p/b.zip", "ARCHIVE_ACCESS")
    job = world.run(world.submit(request).id)
    assert (job.counts.skipped, world.storage.stats.total(), world.storage.restores) == (2, 0, {})


@pytest.mark.parametrize("setting", [Archived.SKIP, Archived.RESTORE])
def test_an_object_that_is_gone_before_the_look_fails(world: World, setting: Archived) -> None:
    for name in ("a", "b"):
        world.storage.put(SOURCE_BUCKET, f"p/{name}.zip")
        hidden(world, f"p/{name}.zip")
    gone = ObjectMissing("Not Found (404)", operation="inspect", uri=f"s3://{SOURCE_BUCKET}/p/a.zip")
    world.storage.fail_stat["p/a.zip"] = [gone]
    settings = ImportSettings(archived=setting)
    job = world.run(world.submit(import_prefix(f"s3://{SOURCE_BUCKET}/p/", settings=settings)).id)
    assert (job.counts.copied, world.clips.rows[job.id][0].code) == (1, "NOT_FOUND")
