"""Objects that appear at a destination after planning: every write is conditional; the import's setting decides."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from service.domain.clips import ClipRow, ClipStatus
from service.domain.errors import BatchIncomplete, DestinationChanged, SourceUnavailable
from service.domain.jobs import Counts, Job, Tally
from service.domain.manifest import Batch, ManifestEntry
from service.domain.requests import ImportRequest, ImportSettings, OnExisting
from service.imports.copying.batch import copy_batch
from tests.builders import World

KEY = "p/000000.zip"
DESTINATION = f"demo/-/source/{KEY}"

KINDS: dict[str, Callable[[], World]] = {
    "plain": World,
    "whose copy has another ETag": World,
    "streamed": World,
    "by parts": lambda: World(multipart_threshold=5, part_bytes=5),
    "streamed by parts": lambda: World(stream_part_bytes=5),
}


def a_world(kind: str) -> World:
    world = KINDS[kind]()
    if kind.startswith("streamed"):
        world.storage.streamed = {KEY}
    return world


def sources(world: World, kind: str) -> list[str]:
    keys = world.put_sources(1)
    if kind == "whose copy has another ETag":
        found = world.storage.buckets["source"]
        found[KEY] = replace(found[KEY], etag=f"{'0' * 32}-2")
    return keys


def planned(world: World, on_existing: OnExisting, kind: str = "plain") -> tuple[Job, Batch]:
    job = world.planned_list(sources(world, kind), settings=ImportSettings(on_existing=on_existing))
    (batch,) = world.batches(job.id)
    return job, batch


def row(world: World, job: Job) -> ClipRow:
    return world.clips.rows[job.id][0]


@pytest.mark.parametrize("kind", KINDS)
def test_fail_never_overwrites_what_appears_after_planning(kind: str) -> None:
    world = a_world(kind)
    job, batch = planned(world, OnExisting.FAIL, kind)
    other = world.storage.put("clips", DESTINATION, 99)
    assert copy_batch(batch, attempt=0, ports=world.copy_ports) == Tally(failed=1)
    assert (row(world, job).status, row(world, job).code) == (ClipStatus.FAILED, "EXISTS")
    assert world.storage.buckets["clips"][DESTINATION] == other
    assert not world.storage.multiparts


@pytest.mark.parametrize("kind", KINDS)
def test_skip_copies_over_another_clip_that_appears_after_planning(kind: str) -> None:
    world = a_world(kind)
    job, batch = planned(world, OnExisting.SKIP, kind)
    world.storage.put("clips", DESTINATION, 99)
    assert copy_batch(batch, attempt=0, ports=world.copy_ports) == Tally(copied=1, bytes=10)
    assert world.storage.buckets["clips"][DESTINATION].size == 10
    assert row(world, job).status is ClipStatus.COPIED
    assert not world.storage.multiparts


def test_overwrite_overwrites() -> None:
    world = World()
    _, batch = planned(world, OnExisting.OVERWRITE)
    world.storage.put("clips", DESTINATION, 99)
    assert copy_batch(batch, attempt=0, ports=world.copy_ports) == Tally(copied=1, bytes=10)
    assert world.faults.calls["storage.copy"] == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("setting", [OnExisting.SKIP, OnExisting.FAIL])
def test_two_imports_to_one_destination_never_both_say_that_they_copied_it(kind: str, setting: OnExisting) -> None:
    world = a_world(kind)
    keys = sources(world, kind)
    jobs = [world.planned_list(keys, settings=ImportSettings(on_existing=setting)) for _ in range(2)]
    for job in jobs:
        copy_batch(world.batches(job.id)[0], attempt=0, ports=world.copy_ports)
    first, second = (row(world, job) for job in jobs)
    expected = (ClipStatus.SKIPPED, "UNCHANGED") if setting is OnExisting.SKIP else (ClipStatus.FAILED, "EXISTS")
    assert (first.status, second.status, second.code) == (ClipStatus.COPIED, *expected)
    if setting is OnExisting.SKIP:  # deleting the clip removes the object with this ETag
        assert second.etag == world.storage.buckets["clips"][DESTINATION].etag
    assert world.storage.copies.total() == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("setting", [OnExisting.SKIP, OnExisting.FAIL])
def test_a_repeated_copy_is_not_the_one_that_another_import_made_meanwhile(kind: str, setting: OnExisting) -> None:
    """The first import's request had no effect, which its call does not know."""
    world = a_world(kind)
    keys = sources(world, kind)
    first, second = (world.planned_list(keys, settings=ImportSettings(on_existing=setting)) for _ in range(2))
    call = "storage.complete_parts" if "parts" in kind else "storage.copy"
    world.faults.plan(call, [SourceUnavailable("no answer", operation="copy", uri=KEY)])
    with pytest.raises(BatchIncomplete):
        copy_batch(world.batches(first.id)[0], attempt=0, ports=world.copy_ports)
    assert copy_batch(world.batches(second.id)[0], attempt=0, ports=world.copy_ports) == Tally(copied=1, bytes=10)
    expected = Tally(skipped=1) if setting is OnExisting.SKIP else Tally(failed=1)
    assert copy_batch(world.batches(first.id)[0], attempt=1, ports=world.copy_ports) == expected
    assert world.storage.copies.total() == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("setting", [OnExisting.SKIP, OnExisting.FAIL])
def test_a_copy_whose_answer_was_lost_is_the_imports_own(kind: str, setting: OnExisting) -> None:
    world = a_world(kind)
    job, batch = planned(world, setting, kind)
    call = "complete_parts" if "parts" in kind else "copy"
    done = getattr(world.storage, call)

    def lose_the_answer(entry: ManifestEntry, *args: object, **named: object) -> object:
        done(entry, *args, **named)
        raise SourceUnavailable("no answer", operation="copy", uri=entry.source_uri)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.storage, call, lose_the_answer)
        with pytest.raises(Exception, match="transient errors"):
            copy_batch(batch, attempt=0, ports=world.copy_ports)
    assert copy_batch(batch, attempt=1, ports=world.copy_ports) == Tally(copied=1, bytes=10)
    assert row(world, job).status is ClipStatus.COPIED
    assert world.storage.copies.total() == 1


def test_what_was_planned_over_takes_one_request() -> None:
    """Planning hands on which object it saw, so that a changed clip is copied over it without a look."""
    world = World()
    _, batch = planned(world, OnExisting.SKIP)
    there = world.storage.put("clips", DESTINATION, 99)
    copier = world.storage.copier_of(world.manifest(batch.job_id)[0])
    entry = world.manifest(batch.job_id)[0]
    with pytest.raises(DestinationChanged):
        copier.copy(entry, ImportSettings())
    seen = ManifestEntry(**{**vars(entry), "destination_etag": there.etag})
    assert copier.copy(seen, ImportSettings()).size == 10


def test_a_destination_that_keeps_changing_is_left_for_another_call() -> None:
    world = World()
    job, batch = planned(world, OnExisting.SKIP)
    sizes = itertools.count(100)

    def change(_entry: ManifestEntry) -> None:
        world.storage.put("clips", DESTINATION, next(sizes))

    world.storage.before_copy = change
    with pytest.raises(Exception, match="keeps changing"):
        copy_batch(batch, attempt=0, ports=world.copy_ports)
    assert world.job(job.id).counts == Counts(total=1)


def test_what_was_removed_since_planning_is_copied_anew() -> None:
    world = World()
    _, batch = planned(world, OnExisting.SKIP)
    there = world.storage.put("clips", DESTINATION, 99)
    del world.storage.buckets["clips"][DESTINATION]
    entry = ManifestEntry(**{**vars(world.manifest(batch.job_id)[0]), "destination_etag": there.etag})
    with pytest.raises(DestinationChanged) as caught:
        world.storage.copier_of(entry).copy(entry, ImportSettings())
    assert caught.value.etag is None


def appears(world: World, key: str) -> None:
    """Another clip of the same size, younger than the import, whose ETag does not tell that it differs."""
    there = world.storage.put("clips", key, 10)
    world.storage.buckets["clips"][key] = replace(there, modified="2027-01-01T00:00:00.000Z")


def test_size_and_time_tell_only_for_a_destination_that_mirrors_its_source(world: World) -> None:
    job, batch = planned(world, OnExisting.SKIP)
    appears(world, DESTINATION)
    copy_batch(batch, attempt=0, ports=world.copy_ports)
    assert row(world, job).code == "UNCHANGED"


def test_another_clip_of_the_same_size_is_copied_over_where_both_etags_are_md5s(world: World) -> None:
    keys = world.put_sources(1)
    world.storage.buckets["source"][KEY] = replace(world.storage.buckets["source"][KEY], etag="0" * 32)
    job = world.planned_list(keys)
    (batch,) = world.batches(job.id)
    appears(world, DESTINATION)
    there = world.storage.buckets["clips"]
    there[DESTINATION] = replace(there[DESTINATION], etag="1" * 32)
    assert copy_batch(batch, attempt=0, ports=world.copy_ports) == Tally(copied=1, bytes=10)


@pytest.mark.parametrize("name", [f"another/{KEY}", None])
def test_another_clip_at_the_name_of_a_manifests_line_is_copied_over(world: World, name: str | None) -> None:
    world.storage.put("source", KEY, 10, version="v1")
    line = (
        {"uri": f"s3://source/{KEY}", "destination": name} if name else {"uri": f"s3://source/{KEY}", "version": "v1"}
    )
    world.storage.put_body("source", "list.jsonl", json.dumps(line).encode())
    job = world.submit(ImportRequest(manifest_uri="s3://source/list.jsonl"))
    world.plan(job.id)
    (batch,) = world.batches(job.id)
    appears(world, world.manifest(job.id)[0].destination)
    assert copy_batch(batch, attempt=0, ports=world.copy_ports) == Tally(copied=1, bytes=10)
