"""A pre-flight and a preview answer the same to a source that cannot be listed."""

from collections.abc import Callable

import pytest

from service.domain.errors import (
    AccessDenied,
    CannotAccess,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    PreflightUnknown,
    RateLimited,
    SourceUnavailable,
)
from service.domain.uris import parse_prefix
from service.imports.intake.preflight import preflight
from service.imports.previews.preview import preview
from tests.builders import PROJECT, World, import_prefix

PREFIX = "s3://source/p/"


def before_an_import(world: World) -> None:
    preflight(parse_prefix(PREFIX), reach=world.access.reach(PROJECT), max_clips=1_000, again=world.submit_ports.again)


def in_a_preview(world: World) -> None:
    preview(import_prefix(PREFIX), project=PROJECT, ports=world.preview_ports)


@pytest.mark.parametrize("look", [before_an_import, in_a_preview])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (AccessDenied, CannotAccess),
        (ObjectMissing, CannotAccess),
        (SourceUnavailable, SourceUnavailable),
        (RateLimited, RateLimited),
        (ObjectRejected, PreflightUnknown),
    ],
)
def test_every_listing_error_is_one_of_a_preflight(
    world: World, look: Callable[[World], None], kind: type[ObjectError], expected: type[Exception]
) -> None:
    world.put_sources(5)
    world.storage.fail_list["source"] = [kind("because", operation="list", uri=PREFIX)]
    with pytest.raises(expected, match="because"):
        look(world)
