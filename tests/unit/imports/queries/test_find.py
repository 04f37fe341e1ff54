"""Finding clips across imports: by what they are, by what their imports were given, page by page."""

from typing import Any

import pytest

from service.domain.clip_names import gt_clip_id
from service.domain.clips import ClipRow, ClipStatus
from service.domain.errors import InvalidCursor, InvalidRequest
from service.domain.ids import request_digest
from service.domain.jobs import Job
from service.domain.search_keys import findable, search_key
from service.domain.state_keys import batches_key
from service.imports.completion.delete import delete
from service.imports.completion.finish import finish
from service.imports.queries.find import FoundClip, Wanted, find_clips
from service.support.paging import Page, encode_cursor
from tests.builders import PROJECT, World


def find(
    world: World, *, limit: int = 1_000, cursor: str | None = None, project: str = PROJECT, **wanted: Any
) -> Page[FoundClip]:
    return find_clips(project, Wanted(**wanted), limit=limit, cursor=cursor, ports=world.status_ports)


def ids(page: Page[FoundClip]) -> list[str]:
    return [one.clip.id for one in page.items]


def everything(world: World, *, limit: int, **wanted: Any) -> list[str]:
    """Ids of all pages."""
    page = find(world, limit=limit, **wanted)
    found = ids(page)
    while page.next_cursor:
        page = find(world, limit=limit, cursor=page.next_cursor, **wanted)
        assert len(page.items) <= limit
        found += ids(page)
    return found


def done(world: World, keys: list[str], **changes: Any) -> Job:
    return world.run(world.submit_list(keys, **changes).id)


@pytest.mark.parametrize(
    ("uri", "facts", "wanted", "expected"),
    [
        ("s3://b/p/0b17.zip", None, None, "0b17"),
        ("s3://b/p/0b17.zip", {"format": "mp4"}, None, "0b17"),
        ("s3://b/p/renamed.zip", {"clip_id": "0b17"}, None, "0b17"),
        ("s3://b/p/renamed.zip", {"clip_id": "0b17"}, "renamed", "0b17"),
        ("s3://b/p/0b17/front.mp4", {"format": "mp4"}, "0b17", "0b17"),
        ("s3://b/drive.front.mp4", None, None, "drive.front"),
        ("s3://b/noext", None, None, "noext"),
        ("s3://b/.zip", None, None, ".zip"),
    ],
)
def test_a_clip_id_is_what_validation_found_or_the_import_wanted_or_the_objects_name(
    uri: str, facts: dict[str, object] | None, wanted: str | None, expected: str
) -> None:
    assert gt_clip_id(uri, facts, wanted) == expected


def test_projects_do_not_share_search_keys() -> None:
    assert search_key("a", "b") != search_key("ab", "")
    assert len(search_key("demo", "s3://source/" + "x" * 1_024)) == 32


def test_a_row_without_a_uri_has_no_keys() -> None:
    row = ClipRow(ordinal=0, status=ClipStatus.FAILED, source_uri="")
    assert findable(row, job_id="ij_1", project="demo", created_at="t") == row


@pytest.mark.parametrize("wanted", [{"clip_id": "000001"}, {"original_clipgt_url": "s3://source/p/000001.zip"}])
def test_a_clip_is_found_in_every_import_newest_first(world: World, wanted: dict[str, Any]) -> None:
    keys = world.put_sources(3)
    jobs = [done(world, keys) for _ in range(3)]
    newest_first = [f"{job.id}-1" for job in reversed(jobs)]
    assert ids(find(world, **wanted)) == newest_first
    assert everything(world, limit=1, **wanted) == newest_first
    assert ids(find(world, project="other", **wanted)) == []
    found = find(world, **wanted).items[0]
    assert (found.clip.clip_id, found.clip.source_uri) == ("000001", "s3://source/p/000001.zip")
    assert found.clip.destination == "s3://clips/demo/-/source/p/000001.zip"
    assert found.job == jobs[-1]


def test_clips_of_every_fate_are_found(world: World) -> None:
    world.put_sources(1)
    job = done(world, ["p/000000.zip", "missing/000000.mp4"])
    again = done(world, ["p/000000.zip"])
    assert [(one.clip.id, one.clip.status) for one in find(world, clip_id="000000").items] == [
        (f"{again.id}-0", ClipStatus.SKIPPED),
        (f"{job.id}-1", ClipStatus.FAILED),
        (f"{job.id}-0", ClipStatus.COPIED),
    ]


def test_the_clips_of_a_lost_batch_are_found(world: World) -> None:
    job = world.planned_list(world.put_sources(1))
    finish(job.id, error="lost", ports=world.finish_ports)
    assert [one.clip.code for one in find(world, clip_id="000000").items] == ["RETRIES_EXHAUSTED"]


def test_pending_clips_are_found_by_what_their_import_was_given_only(world: World) -> None:
    job = world.planned_list(world.put_sources(2), labels=("night",))
    assert ids(find(world, clip_id="000000")) == []
    assert ids(find(world, label="night")) == [f"{job.id}-0", f"{job.id}-1"]
    assert {one.clip.status for one in find(world, label="night").items} == {ClipStatus.PENDING}


def test_an_import_that_is_not_planned_has_no_clips_to_find(world: World) -> None:
    world.submit_list(world.put_sources(2), labels=("night",))
    assert find(world, label="night") == Page([], None)


def test_several_must_all_hold(world: World) -> None:
    keys = world.put_sources(2)
    both = done(world, keys, labels=("night", "rain"), folder="f", test_run_group_name="g")
    other = done(world, keys, labels=("rain",), folder="f")
    assert ids(find(world, label="rain", clip_id="000000")) == [f"{other.id}-0", f"{both.id}-0"]
    assert ids(find(world, label="night", clip_id="000000")) == [f"{both.id}-0"]
    assert ids(find(world, folder="f", label="night")) == [f"{both.id}-0", f"{both.id}-1"]
    assert ids(find(world, folder="f", test_run_group="g", label="rain", clip_id="000001")) == [f"{both.id}-1"]
    assert ids(find(world, clip_id="000001", original_clipgt_url="s3://source/p/000000.zip")) == []
    assert ids(find(world, test_run_group=other.test_run_group_name)) == [f"{other.id}-0", f"{other.id}-1"]
    assert ids(find(world, folder="F")) == []
    assert ids(find(world, label="night", folder="other")) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1_000])
def test_pages_by_label_go_through_many_imports(world: World, limit: int) -> None:
    keys = world.put_sources(5)
    jobs = [done(world, keys[: n % 5 + 1], labels=("l",)) for n in range(7)]
    expected = [f"{job.id}-{n}" for job in reversed(jobs) for n in range(job.counts.total)]
    assert everything(world, limit=limit, label="l") == expected


def test_a_large_import_is_paged_over_its_parts(world: World) -> None:
    job = world.planned_list(world.put_sources(2_500), folder="f")
    assert everything(world, limit=700, folder="f") == [f"{job.id}-{n}" for n in range(2_500)]


def test_a_page_over_many_small_imports_is_bounded_and_goes_on(world: World) -> None:
    keys = world.put_sources(1)
    jobs = [done(world, keys, labels=("l",)) for _ in range(130)]
    first = find(world, label="l")
    assert len(first.items) == 20
    assert first.has_more
    assert everything(world, limit=1_000, label="l") == [f"{job.id}-0" for job in reversed(jobs)]
    assert everything(world, limit=1_000, label="l", test_run_group=jobs[0].test_run_group_name) == [f"{jobs[0].id}-0"]
    done(world, keys, folder="f", labels=("l",))
    assert len(everything(world, limit=1_000, label="l", folder="f")) == 1


def test_deleted_imports_are_not_found(world: World) -> None:
    keys = world.put_sources(1)
    gone, kept = (done(world, keys, labels=("l",)) for _ in range(2))
    delete(gone.id, project=PROJECT, jobs=world.jobs, clock=world.clock)
    for _ in range(2):
        questions: tuple[dict[str, Any], ...] = ({"clip_id": "000000"}, {"label": "l"})
        for wanted in questions:
            assert ids(find(world, **wanted)) == [f"{kept.id}-0"]
        world.purge()


def test_paging_goes_on_after_an_import_that_was_deleted_meanwhile(world: World) -> None:
    keys = world.put_sources(3)
    oldest, middle, _ = (done(world, keys, labels=("l",)) for _ in range(3))
    page = find(world, label="l", limit=4)
    assert ids(page)[-1] == f"{middle.id}-0"
    delete(middle.id, project=PROJECT, jobs=world.jobs, clock=world.clock)
    assert ids(find(world, label="l", limit=4, cursor=page.next_cursor)) == [f"{oldest.id}-{n}" for n in range(3)]


def test_clips_outlive_their_manifest_by_id_and_uri(world: World) -> None:
    job = done(world, world.put_sources(1), labels=("l",))
    for key in [key for key in world.state.files if key.startswith(f"jobs/{job.id}/")]:
        del world.state.files[key]
    assert ids(find(world, clip_id="000000", label="l")) == [f"{job.id}-0"]
    assert find(world, label="l") == Page([], None)


def test_a_label_given_twice_finds_once(world: World) -> None:
    job = done(world, world.put_sources(1), labels=("l", "l"))
    assert ids(find(world, label="l")) == [f"{job.id}-0"]


def test_nothing_to_look_for_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequest, match="clip_id, original_clipgt_url, label, folder, test_run_group"):
        find(world)
    with pytest.raises(InvalidRequest, match="limit"):
        find(world, limit=0, label="l")


def test_a_cursor_goes_on_with_the_same_question_only(world: World) -> None:
    keys = world.put_sources(2)
    done(world, keys, labels=("l", "m"))
    cursor = find(world, label="l", limit=1).next_cursor
    changes: tuple[dict[str, Any], ...] = (
        {"label": "m"},
        {"label": "l", "folder": "f"},
        {"label": "l", "project": "other"},
    )
    for change in changes:
        with pytest.raises(InvalidCursor):
            find(world, cursor=cursor, **change)


@pytest.mark.parametrize("position", ["", "#", "x", "#5", "a#b", "a#-1", "a#99999999999"])
def test_a_position_that_was_never_given_out_is_refused_or_finds_nothing_more(world: World, position: str) -> None:
    wanted = {"clip_id": None, "original_clipgt_url": None, "label": "l", "folder": None, "test_run_group": None}
    cursor = encode_cursor(position, scope=f"found in {PROJECT} {request_digest(wanted)[:16]}")
    if not position:
        assert find(world, label="l", cursor=cursor) == Page([], None)
        return
    with pytest.raises(InvalidCursor):
        find(world, label="l", cursor=cursor)


def test_a_clip_that_waits_for_a_retry_is_found_as_pending(world: World) -> None:
    job = done(world, ["p/gone.zip", *world.put_sources(1)])
    world.storage.put("source", "p/gone.zip")
    world.retry(job.id)
    world.plan(job.id)
    questions: tuple[dict[str, Any], ...] = ({"clip_id": "gone"}, {"original_clipgt_url": "s3://source/p/gone.zip"})
    for wanted in questions:
        (found,) = find(world, **wanted).items
        assert (found.clip.id, found.clip.status, found.clip.code) == (f"{job.id}-0", ClipStatus.PENDING, None)
    world.run(job.id)
    assert [one.clip.status for one in find(world, clip_id="gone").items] == [ClipStatus.COPIED]


def test_rows_whose_manifest_is_lost_in_a_retry_stay_findable(world: World) -> None:
    job = done(world, ["p/gone.zip", *world.put_sources(1)])
    world.retry(job.id)
    world.plan(job.id)
    del world.state.files[batches_key(job.id, run=1)]
    finish(job.id, run=1, error=None, ports=world.finish_ports)
    assert [one.clip.code for one in find(world, clip_id="gone").items] == ["MANIFEST_LOST"]
