"""Listing a prefix before its import is accepted."""

import itertools

import pytest

from service.domain.errors import (
    InvalidUri,
    LimitExceeded,
)
from service.domain.uris import parse_prefix
from service.imports.access.again import Again
from service.imports.intake.preflight import preflight
from tests.builders import PROJECT, World


def look(world: World, uri: str = "s3://source/p/", *, max_clips: int = 1_000, seconds: float = 1e5) -> None:
    ticks = itertools.count(0.0, 1.0)
    preflight(
        parse_prefix(uri),
        reach=world.access.reach(PROJECT),
        max_clips=max_clips,
        again=Again(seconds=seconds, monotonic=lambda: next(ticks)),
    )


def test_an_empty_prefix_is_no_error(world: World) -> None:
    look(world, "s3://source/nothing")


def test_it_lists_no_longer_than_it_may(world: World) -> None:
    world.storage.page_size = 10
    world.put_sources(100)
    look(world, seconds=3.5)
    assert world.faults.calls["storage.list_page"] == 3


def test_one_object_beyond_the_limit_is_too_many_and_folder_markers_are_no_objects(world: World) -> None:
    world.put_sources(10)
    world.storage.put("source", "p/", 0)
    look(world, max_clips=10)
    with pytest.raises(LimitExceeded):
        look(world, max_clips=9)


def test_an_invalid_prefix_is_the_callers_mistake(world: World) -> None:
    with pytest.raises(InvalidUri):
        look(world, "p/")
