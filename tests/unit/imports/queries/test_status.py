"""Reading jobs and clips page by page."""

import base64
import json
from collections.abc import Callable

import pytest

from service.domain.clips import Clip, ClipRow, ClipStatus
from service.domain.errors import ClipferryError, InvalidCursor, InvalidRequest, NotFound
from service.domain.jobs import Job
from service.imports.completion.finish import finish
from service.imports.copying.batch import copy_batch
from service.imports.planning.context import PlanCursor
from service.imports.planning.plan import plan
from service.imports.queries.status import clips_page, get_job, jobs_page
from service.support.paging import Page, decode_cursor, encode_cursor
from tests.builders import World, a_job, always, import_list


def page(
    world: World, job: Job, *, limit: int = 1_000, cursor: str | None = None, status: ClipStatus | None = None
) -> Page[Clip]:
    return clips_page(world.job(job.id), limit=limit, cursor=cursor, status=status, ports=world.status_ports)


def pages(world: World, job: Job, *, limit: int, status: ClipStatus | None = None) -> list[Page[Clip]]:
    """All pages; `has_more` and `next_cursor` must agree."""
    found = [page(world, job, limit=limit, status=status)]
    while found[-1].has_more:
        assert len(found) < 1_000
        found.append(page(world, job, limit=limit, cursor=found[-1].next_cursor, status=status))
    assert found[-1].next_cursor is None
    return found


def ordinals(found: list[Page[Clip]]) -> list[int]:
    return [int(clip.id.rpartition("-")[2]) for one in found for clip in one.items]


# --- jobs ------------------------------------------------------------------------------------------------------------


def test_a_job_is_read_by_its_project_alone(world: World) -> None:
    job = world.submit_list(["a"])
    assert get_job(job.id, project="demo", jobs=world.jobs) == job
    with pytest.raises(NotFound, match=job.id):
        get_job(job.id, project="other", jobs=world.jobs)
    with pytest.raises(NotFound, match="no import 'nope' in this project"):
        get_job("nope", project="demo", jobs=world.jobs)


def test_jobs_are_listed_newest_first_in_pages_that_miss_none(world: World) -> None:
    mine = [world.submit_list(["a"]).id for _ in range(7)]
    world.submit(import_list(["s3://source/a"]), project="other")
    found, cursor = [], None
    for length in (3, 3, 1):
        one = jobs_page("demo", limit=3, cursor=cursor, jobs=world.jobs)
        assert len(one.items) == length
        found += [job.id for job in one.items]
        cursor = one.next_cursor
    assert found == mine[::-1]
    assert cursor is None


def test_jobs_of_one_moment_are_all_listed(world: World) -> None:
    for n in range(5):
        world.jobs.create(a_job(f"ij_{n}"))
    first = jobs_page("demo", limit=2, cursor=None, jobs=world.jobs)
    second = jobs_page("demo", limit=2, cursor=first.next_cursor, jobs=world.jobs)
    third = jobs_page("demo", limit=2, cursor=second.next_cursor, jobs=world.jobs)
    assert [job.id for one in (first, second, third) for job in one.items] == [f"ij_{n}" for n in (4, 3, 2, 1, 0)]
    assert not third.has_more


def test_a_project_without_jobs_has_an_empty_page(world: World) -> None:
    found = jobs_page("demo", limit=10, cursor=None, jobs=world.jobs)
    assert (found.items, found.has_more) == ([], False)


# --- clips -----------------------------------------------------------------------------------------------------------


def test_before_planning_ends_there_are_no_clips(world: World) -> None:
    job = world.submit_prefix()
    assert (page(world, job).items, page(world, job).has_more) == ([], False)
    world.put_sources(1_500)
    plan(job.id, PlanCursor(), out_of_time=always, ports=world.plan_ports)
    for status in (None, ClipStatus.FAILED, ClipStatus.PENDING):
        assert page(world, job, status=status).items == []


@pytest.mark.parametrize("limit", [1, 7, 999, 1_000])
def test_pages_are_in_manifest_order_and_complete(world: World, limit: int) -> None:
    count = 2_300 if limit > 100 else 30
    job = world.planned_list(world.put_sources(count))
    found = pages(world, job, limit=limit)
    assert ordinals(found) == list(range(count))
    assert all(len(one.items) == limit for one in found[:-1])
    assert len(found) == -(-count // limit), "no empty page at the end"


def test_a_clip_is_its_manifest_line_with_its_row_on_top(world: World) -> None:
    world.storage.put("source", "a b/clip 1.zip", 7)
    world.put_sources(1, prefix="")
    job = world.planned_list(["a b/clip 1.zip", "000000.zip", "missing.zip"], run_name_prefix="run-")
    world.clips.put(job.id, [ClipRow(ordinal=0, status=ClipStatus.COPIED, size=7, etag="landed")])
    copied, pending, failed = page(world, job).items
    assert copied == Clip(
        id=f"{job.id}-0",
        status=ClipStatus.COPIED,
        source_uri="s3://source/a b/clip 1.zip",
        destination="s3://clips/demo/-/source/a b/clip 1.zip",
        run_name="run-clip 1",
        clip_id="clip 1",
        size=7,
        etag="landed",
        verified=None,
        facts=None,
        code=None,
        message=None,
    )
    assert (pending.status, pending.size, pending.etag, pending.code) == (ClipStatus.PENDING, 10, "etag2", None)
    assert (failed.status, failed.size, failed.etag) == (ClipStatus.PENDING, None, None), "until it is counted"


def test_a_page_deep_in_a_job_reads_only_its_own_parts(world: World) -> None:
    job = world.planned_list(world.put_sources(5_000))
    cursor = encode_cursor("3990", scope=f"clips of {job.id} ")
    world.faults.calls.clear()
    assert ordinals([page(world, job, limit=20, cursor=cursor)]) == list(range(3_990, 4_010))
    assert world.faults.calls["state.get"] == 2


def mixed(world: World) -> Job:
    """2,000 clips: every tenth failed to be planned, batches 0 to 9 copied, the rest pending."""
    keys = world.put_sources(2_000)
    job = world.planned_list([f"missing/{n}" if n % 10 == 0 else key for n, key in enumerate(keys)])
    for batch in world.batches(job.id)[:10]:
        copy_batch(batch, attempt=0, ports=world.copy_ports)
    return job


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (ClipStatus.FAILED, [n for n in range(1_000) if n % 10 == 0]),
        (ClipStatus.COPIED, [n for n in range(1_000) if n % 10]),
        (ClipStatus.PENDING, list(range(1_000, 2_000))),
        (ClipStatus.SKIPPED, []),
        (ClipStatus.CANCELLED, []),
    ],
)
@pytest.mark.parametrize("limit", [60, 1_000])
def test_a_filtered_list_is_in_order_and_complete(
    world: World, status: ClipStatus, expected: list[int], limit: int
) -> None:
    job = mixed(world)
    found = pages(world, job, limit=limit, status=status)
    assert ordinals(found) == expected
    assert {clip.status for one in found for clip in one.items} <= {status}


def test_failures_are_listed_without_the_manifest(world: World) -> None:
    job = mixed(world)
    world.faults.calls.clear()
    (clip, *_) = page(world, job, status=ClipStatus.FAILED).items
    assert clip == page(world, job, limit=1).items[0]
    assert world.faults.calls["clips.failures"] == 1
    assert world.faults.calls["state.get"] == 1, "by the second page, which is not filtered"


def test_failed_and_cancelled_clips_are_told_apart(world: World) -> None:
    job = world.planned_list([*world.put_sources(3), "missing"])
    world.jobs.request_cancel(job.id, world.clock())
    finish(job.id, error=None, ports=world.finish_ports)
    assert ordinals(pages(world, job, limit=2, status=ClipStatus.FAILED)) == [3]
    assert ordinals(pages(world, job, limit=2, status=ClipStatus.CANCELLED)) == [0, 1, 2]


def test_a_filtered_page_that_would_read_too_much_is_short_and_says_there_is_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.imports.queries.status.SCAN_PARTS", 1)
    job = world.planned_list(world.put_sources(2_500))
    world.clips.put(job.id, [ClipRow(ordinal=2_400, status=ClipStatus.COPIED, size=1, etag="e")])
    found = pages(world, job, limit=10, status=ClipStatus.COPIED)
    assert [len(one.items) for one in found] == [0, 0, 1]
    assert ordinals(found) == [2_400]


# --- limits and cursors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, -1, 1_001])
def test_a_limit_outside_1_to_1000_is_refused(world: World, limit: int) -> None:
    job = world.submit_list(["a"])
    with pytest.raises(InvalidRequest, match="must be from 1 to 1,000"):
        page(world, job, limit=limit)
    with pytest.raises(InvalidRequest, match="must be from 1 to 1,000"):
        jobs_page("demo", limit=limit, cursor=None, jobs=world.jobs)


def test_a_cursor_continues_only_the_list_it_came_from(world: World) -> None:
    keys = world.put_sources(5)
    job, other = world.planned_list(keys), world.planned_list(keys)
    clips = page(world, job, limit=2).next_cursor
    jobs = jobs_page("demo", limit=1, cursor=None, jobs=world.jobs).next_cursor
    refused: list[Callable[[], object]] = [
        lambda: page(world, other, cursor=clips),
        lambda: page(world, job, cursor=clips, status=ClipStatus.PENDING),
        lambda: page(world, job, cursor=clips, status=ClipStatus.FAILED),
        lambda: page(world, job, cursor=jobs),
        lambda: jobs_page("demo", limit=1, cursor=clips, jobs=world.jobs),
        lambda: jobs_page("other", limit=1, cursor=jobs, jobs=world.jobs),
    ]
    for call in refused:
        with pytest.raises(InvalidCursor, match="belongs to another list"):
            call()


def forged(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "garbage",
        "ü",
        "=",
        "%%%",
        "A",
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        forged(None),
        forged(5),
        forged([]),
        forged(["scope"]),
        forged(["scope", 5]),
        forged(["scope", None]),
        forged({"a": 1, "b": 2}),
        forged(["another scope", "1"]),
        forged([["scope"], "1"]),
        base64.urlsafe_b64encode(b"[" * 6_000).decode(),
    ],
)
def test_garbage_is_no_cursor(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor, scope="scope")


@pytest.mark.parametrize("position", ["", "-1", "1.5", "x", " 1", "1e3", "9" * 5_000])
@pytest.mark.parametrize("status", [None, ClipStatus.FAILED, ClipStatus.COPIED])
def test_a_forged_position_is_no_cursor(world: World, position: str, status: ClipStatus | None) -> None:
    job = world.planned_list(world.put_sources(3))
    cursor = encode_cursor(position, scope=f"clips of {job.id} {status or ''}")
    with pytest.raises(InvalidCursor):
        page(world, job, cursor=cursor, status=status)


@pytest.mark.parametrize("status", [None, ClipStatus.FAILED, ClipStatus.COPIED])
def test_a_position_beyond_the_end_is_an_empty_page(world: World, status: ClipStatus | None) -> None:
    job = world.planned_list(world.put_sources(3))
    cursor = encode_cursor("10000", scope=f"clips of {job.id} {status or ''}")
    try:
        found = page(world, job, cursor=cursor, status=status)
    except ClipferryError as error:
        assert isinstance(error, InvalidCursor)  # noqa: PT017 - either answer will do
    else:
        assert (found.items, found.has_more) == ([], False)


def test_a_cursor_is_safe_in_a_url() -> None:
    cursor = encode_cursor("日本?&=/+", scope="scope ü")
    assert cursor.isascii()
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert decode_cursor(cursor, scope="scope ü") == "日本?&=/+"
