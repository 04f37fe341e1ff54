"""Looking at a prefix before importing it."""

import itertools

import pytest

from service.errors import (
    AccessDenied,
    CannotAccess,
    InvalidUri,
    LimitExceeded,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    PreflightUnknown,
    SourceUnavailable,
)
from service.imports.preview import Preview, preview
from tests.builders import World


def look(world: World, uri: str = "s3://source/p/", *, max_clips: int = 1_000, seconds: float = 1e9) -> Preview:
    ticks = itertools.count(0.0, 1.0)
    return preview(
        uri,
        storage=world.storage,
        access=world.access,
        max_clips=max_clips,
        seconds=seconds,
        monotonic=lambda: next(ticks),
    )


def test_it_counts_objects_bytes_and_extensions_and_skips_folder_markers(world: World) -> None:
    for key, size in [("p/", 0), ("p/a.zip", 5), ("p/b.ZIP", 7), ("p/c", 1), ("p/d.mp4", 0), ("q/e.zip", 9)]:
        world.storage.put("source", key, size)
    found = look(world)
    assert (found.count, found.bytes, found.complete) == (4, 13, True)
    assert found.keys == ["p/a.zip", "p/b.ZIP", "p/c", "p/d.mp4"]
    totals = {name: (total.count, total.bytes) for name, total in found.by_extension.items()}
    assert totals == {".zip": (2, 12), "": (1, 1), ".mp4": (1, 0)}


def test_it_shows_the_first_20_keys(world: World) -> None:
    keys = world.put_sources(30)
    found = look(world)
    assert found.keys == keys[:20]
    assert found.count == 30


def test_an_empty_prefix_is_no_error(world: World) -> None:
    found = look(world, "s3://source/nothing")
    assert (found.count, found.complete) == (0, True)


def test_a_listing_that_takes_too_long_says_at_least(world: World) -> None:
    world.storage.page_size = 10
    world.put_sources(100)
    found = look(world, seconds=2.5)
    assert not found.complete
    assert found.count == 30


def test_one_object_beyond_the_limit_is_too_many(world: World) -> None:
    world.put_sources(10)
    assert look(world, max_clips=10).count == 10
    with pytest.raises(LimitExceeded):
        look(world, max_clips=9)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (AccessDenied, CannotAccess),
        (ObjectMissing, CannotAccess),
        (SourceUnavailable, PreflightUnknown),
        (ObjectRejected, PreflightUnknown),
    ],
)
def test_every_listing_error_has_one_of_the_three_codes(
    world: World, kind: type[ObjectError], expected: type[Exception]
) -> None:
    world.put_sources(5)
    world.storage.fail_list["source"] = [kind("because", operation="list", uri="s3://source/p/")]
    with pytest.raises(expected, match="because"):
        look(world)


def test_an_invalid_prefix_is_the_callers_mistake(world: World) -> None:
    with pytest.raises(InvalidUri):
        look(world, "p/")
