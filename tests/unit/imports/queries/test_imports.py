"""Imports by conditions: which are found, in which order, and page by page."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.errors import InvalidCursor, InvalidRequest
from service.domain.jobs import JobStatus, Trigger, WatchCause, WatchRun
from service.imports.queries.imports import ImportFilter, imports_page
from tests.builders import PROJECT, World, a_job


def filled(world: World) -> list[str]:
    """250 imports, one a second, newest first: of each five, one failed; of each two, one has a label and a folder."""
    for n in range(250):
        tags: dict[str, Any] = {"labels": ("l", f"l{n}"), "folder": "f"} if n % 2 else {}
        time = f"2026-11-22T17:{n // 60:02}:{n % 60:02}.000Z"
        job = a_job(id=f"ij_{n:024x}", created_at=time, updated_at=time, **tags)
        watch = WatchRun(id="wa_1", cause=WatchCause.SCHEDULED) if n % 3 == 0 else None
        world.jobs.rows[job.id] = replace(
            job, watch=watch, status=JobStatus.FAILED if n % 5 == 0 else JobStatus.COMPLETED
        )
    return sorted(world.jobs.rows, reverse=True)


def found(world: World, wanted: ImportFilter, *, limit: int = 7) -> list[str]:
    ids: list[str] = []
    cursor = None
    while True:
        page = imports_page(PROJECT, wanted, limit=limit, cursor=cursor, jobs=world.jobs)
        ids += [job.id for job in page.items]
        if not page.has_more:
            return ids
        cursor = page.next_cursor


@pytest.mark.parametrize("limit", [1, 7, 100, 1_000])
@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        (ImportFilter(), lambda _n: True),
        (ImportFilter(status=JobStatus.FAILED), lambda n: n % 5 == 0),
        (ImportFilter(label="l"), lambda n: n % 2 == 1),
        (ImportFilter(label="l7"), lambda n: n == 7),
        (ImportFilter(folder="f", status=JobStatus.FAILED), lambda n: n % 10 == 5),
        (ImportFilter(label="l", folder="other"), lambda _n: False),
        (ImportFilter(trigger=Trigger.UPLOAD), lambda _n: False),
        (ImportFilter(watch="wa_1"), lambda n: n % 3 == 0),
        (ImportFilter(watch="wa_1", label="l"), lambda n: n % 6 == 3),
        (ImportFilter(created_after="2026-11-22T17:01:00Z"), lambda n: n >= 60),
        (ImportFilter(created_before="2026-11-22T18:01:00+01:00"), lambda n: n < 60),
        (
            ImportFilter(folder="f", created_after="2026-11-22T17:01:00Z", created_before="2026-11-22T17:02:01Z"),
            lambda n: 60 <= n < 121 and n % 2 == 1,
        ),
    ],
)
def test_every_import_that_satisfies_all_conditions_is_found_once_newest_first(
    wanted: ImportFilter, holds: object, limit: int
) -> None:
    world = World()
    ids = filled(world)
    assert callable(holds)
    assert found(world, wanted, limit=limit) == [one for one in ids if holds(int(one.removeprefix("ij_"), 16))]


def test_a_page_without_a_match_ends_and_says_that_more_follow() -> None:
    world = World()
    for n in range(1_200):
        job = a_job(id=f"ij_{n:024x}", created_at=f"2026-11-22T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}.000Z")
        world.jobs.rows[job.id] = replace(job, status=JobStatus.FAILED if n == 0 else JobStatus.COMPLETED)
    wanted = ImportFilter(status=JobStatus.FAILED)
    first = imports_page(PROJECT, wanted, limit=10, cursor=None, jobs=world.jobs)
    assert (first.items, first.has_more) == ([], True)
    assert found(world, wanted) == [f"ij_{0:024x}"]


@pytest.mark.parametrize(
    "wanted",
    [
        ImportFilter(created_after="yesterday"),
        ImportFilter(created_after="2026-11-22T17:00:00"),
        ImportFilter(created_before="1" * 5_000),
        ImportFilter(created_after="2026-11-22T17:00:00Z", created_before="2026-11-22T17:00:00Z"),
    ],
)
def test_times_that_cannot_match_are_errors(wanted: ImportFilter) -> None:
    with pytest.raises(InvalidRequest, match="created_"):
        imports_page(PROJECT, wanted, limit=10, cursor=None, jobs=World().jobs)


def test_a_cursor_belongs_to_its_conditions() -> None:
    world = World()
    filled(world)
    cursor = imports_page(PROJECT, ImportFilter(label="l"), limit=1, cursor=None, jobs=world.jobs).next_cursor
    with pytest.raises(InvalidCursor):
        imports_page(PROJECT, ImportFilter(label="l1"), limit=1, cursor=cursor, jobs=world.jobs)
