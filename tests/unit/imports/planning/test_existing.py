"""Objects that exist at the destinations, and the clip results that follow from them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from service.domain.clips import ClipStatus
from service.domain.errors import AccessDenied
from service.domain.ids import source_mark
from service.domain.objects import ListedObject
from service.domain.requests import ImportRequest, ImportSettings, OnExisting
from service.imports.planning.existing import Destinations, fate_of, look_up, unchanged
from service.imports.queries.status import clips_between
from tests.builders import PROJECT, SOURCE_BUCKET, World, import_list, import_prefix
from tests.fakes.objects import FakeStorage

EARLY, LATE = "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"
SOURCE = ListedObject(key="k", size=10, etag="abc-2", modified=EARLY)
MD5, OTHER_MD5 = "0" * 32, "1" * 32
COPY = ListedObject(key="demo/-/source/k", size=10, etag="def", modified=LATE)


@pytest.mark.parametrize(
    ("source", "copy", "same"),
    [
        ({}, {"etag": "abc-2"}, True),
        ({"modified": LATE}, {"etag": "abc-2", "modified": EARLY}, True),
        ({"modified": None}, {"etag": "abc-2", "modified": None}, True),
        ({}, {}, True),
        ({}, {"size": 11}, False),
        ({"modified": LATE}, {"modified": EARLY}, False),
        ({"modified": LATE}, {}, False),
        ({"modified": None}, {}, False),
        ({}, {"modified": None}, False),
        ({"etag": MD5}, {"etag": OTHER_MD5}, False),
        ({"etag": MD5}, {}, True),
        ({"modified": "2026-01-01T23:45:01.000Z"}, {}, False),
        ({"modified": "2026-01-01T23:44:59.000Z"}, {}, True),
    ],
    ids=[
        "etag",
        "etag of an older copy",
        "etag without times",
        "size and time",
        "other size",
        "older copy",
        "copy as old as its source",
        "source of unknown time",
        "copy of unknown time",
        "two MD5s",
        "one MD5",
        "source that may have changed during the copy",
        "source that was written well before the copy",
    ],
)
def test_a_copy_is_known_by_its_etag_else_by_size_and_time(
    source: dict[str, str | None], copy: dict[str, str | int | None], same: bool
) -> None:
    changed_source, changed_copy = replace(SOURCE, **source), replace(COPY, **copy)  # type: ignore[arg-type]
    assert unchanged(changed_source, changed_copy, by_time=True) is same
    fate = fate_of(changed_source, changed_copy, OnExisting.SKIP, by_time=True)
    assert (fate and (fate.status, fate.code)) == ((ClipStatus.SKIPPED, "UNCHANGED") if same else None)


def test_where_the_destination_may_be_anothers_only_the_etag_tells() -> None:
    assert not unchanged(SOURCE, COPY, by_time=False)
    assert unchanged(SOURCE, replace(COPY, etag=SOURCE.etag), by_time=False)


@pytest.mark.parametrize("changed", [{}, {"etag": "abc-3"}, {"size": 11}, {"version": "v"}])
def test_a_streamed_copy_tells_its_source(changed: dict[str, Any]) -> None:
    copy = replace(COPY, etag=MD5, copied_from=source_mark(10, "abc-2", None))
    assert unchanged(replace(SOURCE, **changed), copy, by_time=False) is (not changed)


def put_young(world: World, *keys: str) -> None:
    """Put objects that were written just now, and whose clips are streamed."""
    for key in keys:
        put = world.storage.put(SOURCE_BUCKET, key)
        world.storage.buckets[SOURCE_BUCKET][key] = replace(put, modified=world.clock())
    world.storage.streamed |= set(keys)


@pytest.mark.parametrize("destination", [None, "by name/{name}"])
@pytest.mark.parametrize("listed", [True, False])
def test_the_same_import_again_copies_no_streamed_clip_however_young_it_is(
    world: World, listed: bool, destination: str | None
) -> None:
    keys = ["p/a.zip", "p/b.zip", "p/c.zip"]
    put_young(world, *keys)

    def counts() -> tuple[int, int]:
        settings = ImportSettings(destination=destination)
        asked = world.submit_prefix(settings=settings) if listed else world.submit_list(keys, settings=settings)
        found = world.run(asked.id).counts
        return found.copied, found.skipped

    assert counts() == (3, 0)
    assert counts() == (0, 3)
    put_young(world, keys[0])
    assert counts() == (1, 2)


def test_a_destination_that_must_be_inspected_and_cannot_be_fails_its_clip(world: World) -> None:
    put_young(world, "p/a.zip", "p/b.zip")
    world.run(world.submit_prefix().id)
    destination = f"{PROJECT}/-/{SOURCE_BUCKET}/p/a.zip"
    world.storage.fail_stat[destination] = [AccessDenied("no", operation="inspect", uri=destination)]
    found = world.run(world.submit_prefix().id).counts
    assert (found.failed, found.skipped) == (1, 1)


@pytest.mark.parametrize("etag", ["abc-2", "other"])
def test_fail_refuses_whatever_lies_there_and_overwrite_nothing(etag: str) -> None:
    there = replace(COPY, etag=etag)
    fate = fate_of(SOURCE, there, OnExisting.FAIL, by_time=True)
    assert fate
    assert (fate.status, fate.code) == (ClipStatus.FAILED, "EXISTS")
    assert fate_of(SOURCE, there, OnExisting.OVERWRITE, by_time=True) is None


@pytest.mark.parametrize("on_existing", OnExisting)
def test_where_nothing_lies_a_clip_is_copied(on_existing: OnExisting) -> None:
    assert fate_of(SOURCE, None, on_existing, by_time=True) is None


# --- looking ---------------------------------------------------------------------------------------------------------


def storage_with(*keys: str, page_size: int = 3) -> FakeStorage:
    storage = FakeStorage(page_size=page_size)
    for key in keys:
        storage.put("clips", key)
    return storage


def destinations(storage: FakeStorage, prefix: str = "d/", start_after: str = "") -> Destinations:
    return Destinations(storage, "clips", prefix, start_after)


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("", "abc"),
        ("abc", "abc"),
        ("ace", "abcdef"),
        ("abcdef", "ace"),
        ("xyz", "abc"),
        ("abc", "xyz"),
        ("abcdefghij", "dj"),
        ("dj", "abcdefghij"),
        ("ab~é日🚗", "a~日🚗"),
        ("aé日", "ab~é日🚗"),
    ],
)
@pytest.mark.parametrize("page_size", [1, 3, 1_000])
def test_two_listings_with_gaps_are_merged(there: str, wanted: str, page_size: int) -> None:
    storage = storage_with(*(f"d/{name}" for name in there), "c/a", "e/a", page_size=page_size)
    finder = destinations(storage)
    found = [finder.find(f"d/{name}") for name in wanted]
    assert [item.key[2:] if item else None for item in found] == [name if name in there else None for name in wanted]
    assert not storage.stats
    assert storage.faults.calls["storage.list_page"] <= max(1, -(-len(there) // page_size))


def test_a_name_that_begins_another_is_not_taken_for_it() -> None:
    finder = destinations(storage_with("d/a", "d/a.zip", "d/ab"))
    found = [finder.find(key) for key in ("d/a", "d/a.z", "d/a.zip", "d/ab")]
    assert [item and item.key for item in found] == ["d/a", None, "d/a.zip", "d/ab"]


def test_a_key_outside_the_listing_is_looked_up_by_itself_and_does_not_disturb_it() -> None:
    storage = storage_with("d/a", "d/b", "d~/hash/x")
    finder = destinations(storage)
    found = [finder.find(key) for key in ("d/a", "d~/hash/x", "d~/hash/y", "d/b")]
    assert [item and item.key for item in found] == ["d/a", "d~/hash/x", None, "d/b"]
    assert set(storage.stats) == {"d~/hash/x", "d~/hash/y"}


def test_a_listing_goes_on_where_the_last_round_ended() -> None:
    storage = storage_with("d/a", "d/b", "d/c")
    finder = destinations(storage, start_after="d/a")
    assert [bool(finder.find(key)) for key in ("d/b", "d/c", "d/d")] == [True, True, False]
    assert storage.listed_after == ["d/a"]


def test_looking_up_knows_absence_from_refusal() -> None:
    storage = storage_with("k")
    found = look_up(storage, "clips", "k")
    assert found
    assert found.key == "k"
    assert look_up(storage, "clips", "other") is None
    storage.fail_stat["k"] = [AccessDenied("no", operation="inspect", uri="u")]
    with pytest.raises(AccessDenied):
        look_up(storage, "clips", "k")


# --- whole imports ---------------------------------------------------------------------------------------------------

LONG_AGO = "2020-01-01T00:00:00.000Z"


def put_aged(world: World, key: str, **changes: object) -> None:
    """A source as large as all others, written long before anything was copied."""
    item = world.storage.put("source", key)
    world.storage.buckets["source"][key] = replace(item, modified=LONG_AGO, **changes)  # type: ignore[arg-type]


def counts(world: World, request: ImportRequest) -> tuple[int, int]:
    done = world.run(world.submit(request).id)
    return done.counts.copied, done.counts.skipped


def test_two_clips_of_one_name_and_size_are_two_clips(world: World) -> None:
    named = ImportSettings(destination="{name}")
    for folder in ("a", "b"):
        put_aged(world, f"{folder}/clip.zip")
        assert counts(world, import_list([f"s3://source/{folder}/clip.zip"], settings=named)) == (1, 0)
        assert counts(world, import_prefix(f"s3://source/{folder}/", settings=named)) == (0, 1)


def test_two_prefixes_with_a_clip_of_one_name_and_size_have_two_clips(world: World) -> None:
    for folder in ("a", "b"):
        put_aged(world, f"{folder}/clip.zip")
        named = import_prefix(f"s3://source/{folder}/", settings=ImportSettings(destination="{name}"))
        assert counts(world, named) == (1, 0)


def test_a_line_that_names_its_clip_is_known_by_its_etag_only(world: World) -> None:
    for number in range(2):
        put_aged(world, f"{number}.zip")
        line = {"uri": f"s3://source/{number}.zip", "destination": "clip.zip"}
        world.storage.put_body("source", "list.jsonl", json.dumps(line).encode())
        assert counts(world, ImportRequest(manifest_uri="s3://source/list.jsonl")) == (1, 0)


def test_an_older_version_is_not_taken_for_the_newest(world: World) -> None:
    old = world.storage.put("source", "a.zip", version="v1")
    world.storage.versions["source", "a.zip", "v1"] = replace(old, modified=LONG_AGO)
    put_aged(world, "a.zip", version="v2")
    assert counts(world, import_list(["s3://source/a.zip"])) == (1, 0)
    line = {"uri": "s3://source/a.zip", "version": "v1"}
    world.storage.put_body("source", "list.jsonl", json.dumps(line).encode())
    assert counts(world, ImportRequest(manifest_uri="s3://source/list.jsonl")) == (1, 0)


def test_an_unchanged_clip_remembers_the_object_that_it_found(world: World) -> None:
    put_aged(world, "a.zip")
    there = world.storage.put("clips", "demo/-/source/a.zip")
    job = world.run(world.submit(import_list(["s3://source/a.zip"])).id)
    (clip,) = clips_between(job, 0, 1, world.status_ports)
    assert (clip.code, clip.etag) == ("UNCHANGED", there.etag)
