"""Clips whose sources are archived: skipped or failed when they are planned, copied once they are restored."""

from dataclasses import replace

import pytest

from service.domain.clips import ClipStatus
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
@pytest.mark.parametrize("setting", Archived)
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


@pytest.mark.parametrize("setting", Archived)
def test_a_set_with_an_archived_view_fails_as_a_whole(world: World, setting: Archived) -> None:
    with_sources(world)
    request: ImportRequest = import_sets(a_set("p/a.zip", "p/b.zip"), settings=ImportSettings(archived=setting))
    job = world.run(world.submit(request).id)
    assert [entry.code for entry in world.manifest(job.id)] == ["SET_INCOMPLETE", "ARCHIVED"]
    assert (job.counts.failed, job.counts.copied) == (2, 0)
