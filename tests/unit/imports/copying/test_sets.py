"""Multi-view sets: what is planned for them, and that each lands whole or leaves nothing behind."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from service.domain.batching import PART_CLIPS
from service.domain.clips import Clip, ClipRow, ClipStatus
from service.domain.errors import (
    AccessDenied,
    BatchIncomplete,
    ChecksumMismatch,
    FinishIncomplete,
    IdempotencyConflict,
    InvalidRequest,
    ObjectError,
    SourceUnavailable,
)
from service.domain.jobs import Counts, Job, JobStatus, Tally
from service.domain.manifest import Batch, ManifestEntry
from service.domain.requests import ContentValidation, ImportSettings, OnExisting, Tolerance
from service.imports.completion.finish import finish
from service.imports.copying.batch import Restoring, Unfinished, copy_batch
from service.imports.lifecycle.turns import Wait
from service.imports.planning.context import PlanCursor
from service.imports.planning.plan import plan
from service.imports.queries.status import clips_page
from tests.builders import World, a_set, always, import_sets, never, summing
from tests.fakes.faults import CrashError
from tests.paths import DATA

ROOT = "demo/-/source/"
COPIED, SKIPPED, FAILED, CANCELLED = ClipStatus.COPIED, ClipStatus.SKIPPED, ClipStatus.FAILED, ClipStatus.CANCELLED


def fault(kind: type[ObjectError] = SourceUnavailable) -> ObjectError:
    return kind("because", operation="copy", uri="s3://source/k")


def rows(world: World, job: Job) -> list[tuple[ClipStatus, str | None]]:
    return [(row.status, row.code) for _, row in sorted(world.clips.rows[job.id].items())]


def two_sets(world: World, **changes: object) -> tuple[Job, Batch]:
    """A planned job of one batch: a, b, c and d, e."""
    for key in "abcde":
        world.storage.put("source", key)
    job = world.planned_sets(a_set("a", "b", "c"), a_set("d", "e"), **changes)
    (batch,) = world.batches(job.id)
    return job, batch


def copy(world: World, batch: Batch, attempt: int = 0) -> Tally | None:
    tally = copy_batch(batch, attempt=attempt, ports=world.copy_ports)
    assert not isinstance(tally, Unfinished | Restoring | Wait)
    return tally


def clips(world: World, job: Job, status: ClipStatus | None = None) -> list[Clip]:
    return list(clips_page(job, limit=1_000, cursor=None, status=status, ports=world.status_ports).items)


# --- requests --------------------------------------------------------------------------------------------------------


def test_views_are_clips_with_the_front_first_and_the_rest_as_given(world: World) -> None:
    job = world.planned_sets(a_set("l", "f", "b", roles=("left", "front", "bottom")), a_set("g"))
    entries = world.manifest(job.id)
    assert [(e.source_uri[-1], e.view, e.group, e.ordinal) for e in entries] == [
        ("f", "front", 0, 0),
        ("l", "left", 0, 1),
        ("b", "bottom", 0, 2),
        ("g", "front", 3, 3),
    ]
    assert (job.source.kind, job.source.count, job.counts.total) == ("sets", 2, 4)


def test_sets_are_counted_in_views(world: World) -> None:
    world.max_clips = 4
    with pytest.raises(InvalidRequest, match="sets has 5 views, the limit is 4"):
        world.submit(import_sets(a_set("a", "b", "c"), a_set("d", "e")))


def test_the_same_sets_with_a_key_give_the_same_job(world: World) -> None:
    first = world.submit(import_sets(a_set("a", "b"), idempotency_key="k"))
    assert world.submit(import_sets(a_set("a", "b"), idempotency_key="k")).id == first.id
    with pytest.raises(IdempotencyConflict):
        world.submit(import_sets(a_set("b", "a"), idempotency_key="k"))


# --- planning --------------------------------------------------------------------------------------------------------


def test_a_missing_view_fails_its_set_and_no_other(world: World) -> None:
    for key in "acde":
        world.storage.put("source", key)
    job = world.run(world.submit(import_sets(a_set("a", "b", "c"), a_set("d", "e"))).id)
    incomplete = (FAILED, "SET_INCOMPLETE")
    assert rows(world, job) == [incomplete, (FAILED, "NOT_FOUND"), incomplete, (COPIED, None), (COPIED, None)]
    sentence = world.clips.rows[job.id][0].message
    assert sentence
    assert "view rear has NOT_FOUND: cannot inspect s3://source/b" in sentence
    assert world.visible() == {ROOT + "d", ROOT + "e"}
    assert job.counts == Counts(total=5, copied=2, failed=3, bytes=20)
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS


def test_pages_of_failures_tell_role_and_set(world: World) -> None:
    world.storage.put("source", "a")
    job = world.run(world.submit(import_sets(a_set("a"), a_set("x", "y", name="n"), run_name_prefix="p-")).id)
    failed = clips(world, job, FAILED)
    assert [(clip.view, clip.set, clip.run_name) for clip in failed] == [
        ("front", f"{job.id}-1", "p-n"),
        ("rear", f"{job.id}-1", "p-n"),
    ]


def test_an_existing_view_fails_its_set_where_that_is_asked_for(world: World) -> None:
    for key in "ab":
        world.storage.put("source", key)
    before = world.storage.put("clips", ROOT + "b")
    settings = ImportSettings(on_existing=OnExisting.FAIL)
    job = world.run(world.submit(import_sets(a_set("a", "b"), settings=settings)).id)
    assert rows(world, job) == [(FAILED, "SET_INCOMPLETE"), (FAILED, "EXISTS")]
    assert world.storage.buckets["clips"] == {ROOT + "b": before}


def test_an_unchanged_view_is_skipped_while_the_others_land(world: World) -> None:
    for key in "abc":
        world.storage.put("source", key)
    world.run(world.submit_list("b").id)
    job = world.run(world.submit(import_sets(a_set("a", "b", "c"))).id)
    assert rows(world, job) == [(COPIED, None), (SKIPPED, "UNCHANGED"), (COPIED, None)]
    again = world.run(world.submit(import_sets(a_set("a", "b", "c"))).id)
    assert rows(world, again) == [(SKIPPED, "UNCHANGED")] * 3


def test_an_unchanged_view_fails_with_the_others_and_stays_where_it_was(world: World) -> None:
    for key in "abc":
        world.storage.put("source", key)
    world.run(world.submit_list("b").id)
    world.storage.fail_copy["c"] = [fault(AccessDenied)]
    job = world.run(world.submit(import_sets(a_set("a", "b", "c"))).id)
    assert rows(world, job) == [(FAILED, "SET_INCOMPLETE"), (FAILED, "SET_INCOMPLETE"), (FAILED, "CANNOT_ACCESS")]
    assert world.visible() == {ROOT + "b"}


def test_a_repeated_set_is_skipped_whole_and_not_inspected(world: World) -> None:
    for key in "ab":
        world.storage.put("source", key)
    job = world.planned_sets(a_set("a", "b"), a_set("a"), a_set("b", "a", roles=("rear", "front")))
    assert [entry.code for entry in world.manifest(job.id)] == [None, None, None, "DUPLICATE", "DUPLICATE"]
    assert world.manifest(job.id)[3].message == "the same set is set 0 of this request"
    assert world.manifest(job.id)[3].destination == ROOT + "a"
    assert world.storage.stats["a"] == 2


def test_sets_lie_whole_in_parts_and_batches_and_every_page_is_found(world: World) -> None:
    world.batch_clips = 5
    keys = [f"{n:05d}" for n in range(7 * 450)]
    for key in keys:
        world.storage.put("source", key)
    job = world.planned_sets(*(a_set(*keys[first : first + 7]) for first in range(0, len(keys), 7)))
    entries = world.manifest(job.id)
    assert [entry.ordinal for entry in entries] == list(range(len(keys)))
    assert len([key for key in world.state.files if "/manifest/" in key]) == -(-len(keys) // PART_CLIPS)
    assert {batch.count for batch in world.batches(job.id)} == {7}
    for first in (0, 994, 999, 1_000, 1_993, 2_000, 3_100):
        page = clips_page(
            job,
            limit=10,
            cursor=None if not first else cursor_at(world, job, first),
            status=None,
            ports=world.status_ports,
        )
        assert [clip.id for clip in page.items] == [f"{job.id}-{n}" for n in range(first, min(first + 10, len(keys)))]


def cursor_at(world: World, job: Job, first: int) -> str:
    """The cursor after a page that ends before `first`."""
    cursor, left = None, first
    while left:
        page = clips_page(job, limit=min(left, 1_000), cursor=cursor, status=None, ports=world.status_ports)
        cursor, left = page.next_cursor, left - len(page.items)
    assert cursor
    return cursor


def test_planning_goes_on_between_sets_in_another_round(world: World) -> None:
    sets = [a_set(*(f"{n}-{v}" for v in range(14))) for n in range(200)]
    job = world.submit(import_sets(*sets))
    cursor: PlanCursor | None = PlanCursor()
    ordinals = []
    while cursor:
        ordinals.append(cursor.ordinal)
        cursor = plan(job.id, cursor, out_of_time=always, ports=world.plan_ports).cursor
    assert ordinals == [0, 994, 1988, 2800]
    assert [entry.ordinal for entry in world.manifest(job.id)] == list(range(2_800))


def test_sets_of_a_cancelled_job_are_cancelled_without_a_look(world: World) -> None:
    job = world.submit(import_sets(a_set("a", "b")))
    world.jobs.request_cancel(job.id, world.clock())
    ended = world.run(job.id)
    assert (ended.status, rows(world, job)) == (JobStatus.CANCELLED, [(CANCELLED, "CANCELLED")] * 2)
    assert not world.storage.stats


def test_sets_whose_planning_broke_down_have_their_rows(world: World) -> None:
    job = world.submit(import_sets(*(a_set(*(f"{n}-{v}" for v in range(3))) for n in range(700))))
    finish(job.id, error="Lambda.Unknown", ports=world.finish_ports)
    assert world.job(job.id).counts == Counts(total=2_100, failed=2_100)
    assert set(rows(world, job)) == {(FAILED, "PLANNING_FAILED")}
    assert {clip.set for clip in clips(world, world.job(job.id))[:6]} == {f"{job.id}-0", f"{job.id}-3"}


# --- copying ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [AccessDenied, ChecksumMismatch])
def test_a_view_that_cannot_be_copied_takes_its_set_back(world: World, kind: type[ObjectError]) -> None:
    job, batch = two_sets(world)
    world.storage.fail_copy["c"] = [fault(kind)]
    assert copy(world, batch) == Tally(copied=2, failed=3, bytes=20)
    assert rows(world, job)[:3] == [(FAILED, "SET_INCOMPLETE"), (FAILED, "SET_INCOMPLETE"), (FAILED, kind.code)]
    assert world.visible() == {ROOT + "d", ROOT + "e"}
    assert world.storage.removed[ROOT + "a"] == 1


def test_what_lay_there_before_is_there_again(world: World) -> None:
    before = world.storage.put("clips", ROOT + "a", 99)
    _, batch = two_sets(world)
    world.storage.fail_copy["c"] = [fault(AccessDenied)]
    copy(world, batch)
    assert world.storage.buckets["clips"][ROOT + "a"] == before


def test_no_view_is_copied_before_all_were_looked_into(world: World) -> None:
    for role in ("front", "left"):
        world.storage.put_body("source", f"{role}.mp4", (DATA / f"video/set01/{role}.mp4").read_bytes())
    world.storage.put_body("source", "right.mp4", (DATA / "video_bad/html.mp4").read_bytes())
    settings = ImportSettings(content_validation=ContentValidation.STRUCTURE)
    job = world.run(world.submit(import_sets(a_set("front.mp4", "left.mp4", "right.mp4"), settings=settings)).id)
    assert [code for _, code in rows(world, job)] == ["SET_INCOMPLETE", "SET_INCOMPLETE", "NOT_AN_MP4"]
    assert not world.storage.copies


def test_views_that_were_looked_into_have_their_facts(world: World) -> None:
    for role in ("front", "left"):
        world.storage.put_body("source", f"{role}.mp4", (DATA / f"video/set01/{role}.mp4").read_bytes())
    settings = ImportSettings(content_validation=ContentValidation.STRUCTURE)
    job = world.run(world.submit(import_sets(a_set("front.mp4", "left.mp4"), settings=settings)).id)
    assert [clip.facts["format"] for clip in clips(world, job) if clip.facts] == ["mp4", "mp4"]


def test_after_a_passing_fault_the_set_is_tried_again_as_a_whole(world: World) -> None:
    job, batch = two_sets(world)
    world.storage.fail_copy["b"] = [fault(), None]
    with pytest.raises(BatchIncomplete, match=r"3 of 5 clips .* because"):
        copy(world, batch)
    assert rows(world, job) == [(COPIED, None)] * 2, "the other set has its rows"
    assert copy(world, batch, attempt=1) == Tally(copied=5, bytes=50)
    assert world.storage.copies[ROOT + "d"] == 1


def test_copies_of_an_attempt_that_crashed_are_removed_with_those_of_the_next(world: World) -> None:
    job, batch = two_sets(world)
    world.storage.fail_copy["c"] = [CrashError("end")]
    with pytest.raises(CrashError):
        copy(world, batch)
    assert ROOT + "a" in world.visible()
    world.storage.fail_copy["c"] = [fault(AccessDenied)]
    copy(world, batch, attempt=1)
    assert world.visible() == {ROOT + "d", ROOT + "e"}
    assert world.storage.copies[ROOT + "a"] == world.storage.removed[ROOT + "a"] == 1, "found, not copied again"
    assert summing(world.job(job.id).counts)


def test_a_cancel_in_the_middle_of_a_set_takes_it_back_and_keeps_the_sets_before(world: World) -> None:
    job, batch = two_sets(world)

    def cancel_at_d(entry: ManifestEntry) -> None:
        if entry.source_uri.endswith("/d"):
            world.jobs.request_cancel(job.id, world.clock())

    world.storage.before_copy = cancel_at_d
    assert copy(world, batch) == Tally(copied=3, cancelled=2, bytes=30)
    assert world.visible() == {ROOT + "a", ROOT + "b", ROOT + "c"}


def test_a_cancel_after_the_last_copy_of_a_set_changes_nothing(world: World) -> None:
    job, batch = two_sets(world)

    def cancel_at_e(entry: ManifestEntry) -> None:
        if entry.source_uri.endswith("/e"):
            world.jobs.request_cancel(job.id, world.clock())

    world.storage.before_copy = cancel_at_e
    assert copy(world, batch) == Tally(copied=5, bytes=50)


def test_a_failing_set_leaves_the_view_that_another_set_landed(world: World) -> None:
    for key in "abs":
        world.storage.put("source", key)
    world.storage.fail_copy["b"] = [fault(AccessDenied)]
    job = world.run(world.submit(import_sets(a_set("a", "s"), a_set("b", "s"), a_set("s", "b"))).id)
    assert rows(world, job)[:2] == [(COPIED, None)] * 2
    assert {status for status, _ in rows(world, job)[2:4]} == {FAILED}
    assert {ROOT + "a", ROOT + "s"} <= world.visible()
    assert world.storage.buckets["clips"][ROOT + "s"].etag == world.storage.buckets["source"]["s"].etag


def in_the_middle(world: World, act: Callable[[], object]) -> None:
    """`act` before the third view is copied, when the worker looks whether it is to go on."""
    now = world.monotonic

    def look() -> float:
        if world.monotonic is look and world.storage.copies[ROOT + "b"]:
            world.monotonic = now
            act()
        return now()

    world.monotonic = look


def test_the_delivery_that_writes_the_rows_decides(world: World) -> None:
    """One delivery lands the set, then another one fails: it neither overwrites the rows nor removes what landed."""
    job, batch = two_sets(world)

    def the_other_is_faster() -> None:
        copy(world, batch)
        world.storage.fail_copy["c"] = [fault(AccessDenied)]

    in_the_middle(world, the_other_is_faster)
    assert copy(world, batch) is None
    assert rows(world, job) == [(COPIED, None)] * 5
    assert len(world.visible()) == 5
    assert world.job(job.id).counts.copied == 5


def test_a_delivery_that_comes_upon_a_failed_set_removes_what_it_copied(world: World) -> None:
    job, batch = two_sets(world)

    def the_other_fails() -> None:
        world.storage.fail_copy["c"] = [fault(AccessDenied)]
        copy(world, batch)

    in_the_middle(world, the_other_fails)
    assert copy(world, batch) is None
    assert world.visible() == {ROOT + "d", ROOT + "e"}
    assert world.job(job.id).counts == Counts(total=5, copied=2, failed=3, bytes=20)


def test_copies_that_cannot_be_removed_yet_keep_the_batch_open(world: World) -> None:
    job, batch = two_sets(world)
    world.storage.fail_copy["c"] = [fault(AccessDenied)]
    world.storage.fail_remove[ROOT + "a"] = [fault(), fault(AccessDenied)]
    for attempt in (0, 1):
        with pytest.raises(BatchIncomplete):
            copy(world, batch, attempt)
    assert not world.job(job.id).counts.settled
    assert copy(world, batch, attempt=2) == Tally(copied=2, failed=3, bytes=20)
    assert world.visible() == {ROOT + "d", ROOT + "e"}


# --- lost batches ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cancelled", [False, True])
def test_of_a_lost_batch_no_part_of_a_set_stays(world: World, cancelled: bool) -> None:
    job, batch = two_sets(world)
    world.storage.fail_copy["c"] = [fault()] * 3
    world.copy(batch)
    if cancelled:
        world.jobs.request_cancel(job.id, world.clock())
    finish(job.id, error=None, ports=world.finish_ports)
    fate = (CANCELLED, "CANCELLED") if cancelled else (FAILED, "RETRIES_EXHAUSTED")
    assert rows(world, job) == [fate] * 3 + [(COPIED, None)] * 2
    assert world.visible() == {ROOT + "d", ROOT + "e"}
    assert world.job(job.id).counts.pending == 0


def test_an_unchanged_view_of_a_lost_set_fails_with_it(world: World) -> None:
    world.storage.put("source", "b")
    world.run(world.submit_list("b").id)
    for key in "ac":
        world.storage.put("source", key)
    job = world.planned_sets(a_set("a", "b", "c"))
    finish(job.id, error=None, ports=world.finish_ports)
    assert [code for _, code in rows(world, job)] == ["RETRIES_EXHAUSTED", "SET_INCOMPLETE", "RETRIES_EXHAUSTED"]
    assert world.visible() == {ROOT + "b"}


def test_a_set_that_failed_in_a_lost_batch_is_cleared_by_the_end(world: World) -> None:
    job, batch = two_sets(world)
    world.storage.fail_copy["c"] = [fault(AccessDenied)]
    world.storage.fail_remove[ROOT + "a"] = [fault()] * 3
    world.copy(batch)
    assert ROOT + "a" in world.visible()
    finish(job.id, error=None, ports=world.finish_ports)
    assert world.visible() == {ROOT + "d", ROOT + "e"}
    assert rows(world, job)[2] == (FAILED, "CANNOT_ACCESS"), "the fate that it had"


def test_a_copy_that_cannot_be_removed_for_good_is_told_and_the_job_ends(world: World) -> None:
    job, batch = two_sets(world)
    world.storage.fail_copy["c"] = [fault(AccessDenied)]
    world.storage.fail_remove[ROOT + "a"] = [fault(AccessDenied)] * 4
    world.copy(batch)
    status = finish(job.id, error=None, ports=world.finish_ports).status
    assert status is JobStatus.COMPLETED_WITH_ERRORS
    message = world.clips.rows[job.id][0].message
    assert message
    assert "its copy is still there: cannot copy s3://source/k: because" in message


@pytest.mark.parametrize("moment", ["jobs.recorded_batches", "storage.remove_marked"])
def test_a_late_end_leaves_a_set_to_the_retry_that_opened_it(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    job, batch = two_sets(world)
    world.storage.fail_copy["c"] = [fault(AccessDenied)]
    world.storage.fail_remove[ROOT + "a"] = [fault(AccessDenied)] * 4
    world.copy(batch)
    held, removals = world.clips.rows[job.id], world.faults.calls["storage.remove_marked"]
    opened = {n: replace(held[n], status=ClipStatus.PENDING, message=None, run=1) for n in range(3)}
    port = getattr(world, moment.partition(".")[0])
    request = getattr(port, moment.partition(".")[2])

    def retried(*args: object, **named: object) -> object:
        held.update(opened)
        world.jobs.rows[job.id] = replace(world.job(job.id), run=1)
        return request(*args, **named)

    monkeypatch.setattr(port, moment.partition(".")[2], retried)
    with pytest.raises(FinishIncomplete, match="retried meanwhile"):
        finish(job.id, error=None, ports=world.finish_ports)
    assert {n: held[n] for n in opened} == opened
    assert (world.faults.calls["storage.remove_marked"] > removals) == (port is world.storage)


def test_the_end_does_not_touch_a_set_that_landed(world: World) -> None:
    job, batch = two_sets(world)
    world.faults.plan("jobs.record_batch", [RuntimeError("throttled")])
    with pytest.raises(RuntimeError):
        copy(world, batch)
    finish(job.id, error=None, ports=world.finish_ports)
    assert rows(world, job) == [(COPIED, None)] * 5
    assert not world.storage.removed


def test_rows_of_a_set_are_written_once(world: World) -> None:
    first = [ClipRow(ordinal=n, status=COPIED) for n in range(2)]
    second = [ClipRow(ordinal=n, status=FAILED) for n in range(2)]
    assert world.clips.settle("ij_1", first) == first
    assert world.clips.settle("ij_1", second) == first


def test_sets_are_settled_side_by_side() -> None:
    world = World(concurrency=8)
    keys = [f"{n}-{v}" for n in range(30) for v in range(3)]
    for key in keys:
        world.storage.put("source", key)
    for n in range(0, 30, 5):
        world.storage.fail_copy[f"{n}-1"] = [fault(AccessDenied)]
        world.storage.fail_copy[f"{n + 1}-2"] = [fault(), None]
    job = world.run(world.submit(import_sets(*(a_set(*keys[first : first + 3]) for first in range(0, 90, 3)))).id)
    assert job.counts == Counts(total=90, copied=72, failed=18, bytes=720)
    assert world.visible() == {ROOT + key for key in keys if int(key.partition("-")[0]) % 5}


# --- rounds ----------------------------------------------------------------------------------------------------------


def in_rounds(**sizes: int) -> tuple[World, Job, Batch]:
    """A set of views of these sizes; those above 20 are copied by parts of 10."""
    world = World(multipart_threshold=20, part_bytes=10)
    for key, size in sizes.items():
        world.storage.put("source", key, size)
    job = world.planned_sets(a_set(*sizes))
    (batch,) = world.batches(job.id)
    return world, job, batch


def a_round(world: World, batch: Batch, number: int, *, late: bool = True) -> object:
    late_or_not = always if late else never
    return copy_batch(batch, attempt=0, round_number=number, out_of_time=late_or_not, ports=world.copy_ports)


def nothing_is_open(world: World) -> bool:
    return not world.storage.multiparts and not world.large.rows


def test_a_set_with_large_views_lands_over_many_rounds(world: World) -> None:
    """A part a call: no view is copied twice, and those of one request come last."""
    world, job, batch = in_rounds(a=10, b=45, c=10, d=30)
    number = 0
    while isinstance(a_round(world, batch, number), Unfinished):
        number += 1
        assert not rows(world, job)
    assert number == 10, "5 + 3 parts and two completions"
    assert rows(world, job) == [(COPIED, None)] * 4
    assert world.storage.copies == {ROOT + key: 1 for key in "abcd"}
    assert set(world.storage.parts_copied.values()) == {1}
    assert world.job(job.id).counts == Counts(total=4, copied=4, bytes=95)
    assert nothing_is_open(world)


def test_a_set_that_comes_first_is_copied_whatever_the_time_and_the_next_waits(world: World) -> None:
    job, batch = two_sets(world)
    assert a_round(world, batch, 0) == Unfinished(left=2)
    assert world.visible() == {ROOT + key for key in "abc"}
    assert a_round(world, batch, 1) == Tally(copied=5, bytes=50)
    assert rows(world, job) == [(COPIED, None)] * 5


def test_a_copy_of_an_earlier_round_is_found_again(world: World) -> None:
    job, batch = two_sets(world)
    world.storage.fail_copy["b"] = [fault()]
    with pytest.raises(BatchIncomplete):
        a_round(world, batch, 0, late=False)
    a_round(world, batch, 1, late=False)
    assert rows(world, job) == [(COPIED, None)] * 5
    assert world.storage.copies == {ROOT + key: 1 for key in "abcde"}


def test_a_streamed_copy_of_an_earlier_round_is_found_though_its_etag_is_its_own(world: World) -> None:
    job, batch = two_sets(world)
    world.storage.streamed.update("abc")
    world.storage.fail_copy["b"] = [fault()]
    with pytest.raises(BatchIncomplete):
        a_round(world, batch, 0, late=False)
    a_round(world, batch, 1, late=False)
    assert rows(world, job) == [(COPIED, None)] * 5
    assert world.storage.copies == {ROOT + key: 1 for key in "abcde"}


def test_a_streamed_set_that_fails_in_a_later_round_is_taken_back() -> None:
    world, job, batch = in_rounds(a=30, b=45, c=10)
    world.stream_part_bytes = 10
    world.storage.streamed.update("abc")
    for number in range(4):
        a_round(world, batch, number)
    assert world.visible() == {ROOT + "a"}
    world.storage.put("source", "b", 45)
    a_round(world, batch, 4)
    assert rows(world, job)[:2] == [(FAILED, "SET_INCOMPLETE"), (FAILED, "SOURCE_CHANGED")]
    assert not world.visible()
    assert nothing_is_open(world)


def test_a_cancel_between_rounds_leaves_neither_copies_nor_uploads() -> None:
    world, job, batch = in_rounds(a=30, b=45, c=10)
    for number in range(5):
        assert a_round(world, batch, number) == Unfinished(left=3)
    assert world.visible() == {ROOT + "a"}
    world.jobs.request_cancel(job.id, world.clock())
    a_round(world, batch, 5)
    assert rows(world, job) == [(CANCELLED, "CANCELLED")] * 3
    assert not world.visible()
    assert nothing_is_open(world)


def test_a_view_that_fails_in_a_later_round_takes_the_others_and_their_uploads_back() -> None:
    world, job, batch = in_rounds(a=30, b=45)
    for number in range(4):
        a_round(world, batch, number)
    world.storage.put("source", "b", 45)
    a_round(world, batch, 4)
    assert rows(world, job) == [(FAILED, "SET_INCOMPLETE"), (FAILED, "SOURCE_CHANGED")]
    assert not world.visible()
    assert nothing_is_open(world)


def test_of_a_set_whose_rounds_were_lost_nothing_stays() -> None:
    world, job, batch = in_rounds(a=30, b=45)
    for number in range(4):
        a_round(world, batch, number)
    assert world.visible() == {ROOT + "a"}
    assert finish(job.id, error=None, ports=world.finish_ports).status is JobStatus.FAILED
    assert rows(world, job) == [(FAILED, "RETRIES_EXHAUSTED")] * 2
    assert not world.visible()
    assert nothing_is_open(world)


def test_after_too_many_failed_views_the_other_sets_are_stopped(world: World) -> None:
    settings = ImportSettings(tolerated_failures=Tolerance(count=2))
    job, batch = two_sets(world, settings=settings)
    world.storage.fail_copy["c"] = [fault(AccessDenied)]
    copy(world, batch)
    assert [code for _, code in rows(world, job)][3:] == ["TOO_MANY_FAILURES"] * 2
    assert not world.visible()
    assert finish(job.id, error=None, ports=world.finish_ports).status is JobStatus.FAILED
    assert world.job(job.id).code == "TOO_MANY_FAILURES"


def test_rows_of_sets_are_found_by_clip_and_uri(world: World) -> None:
    job, batch = two_sets(world)
    world.storage.fail_copy["d"] = [fault(AccessDenied)]
    copy(world, batch)
    assert all(row.keys for row in world.clips.rows[job.id].values())
    assert {row.view for row in world.clips.rows[job.id].values()} == {"front", "rear", "back"}


def test_rows_of_a_lost_set_are_found_too(world: World) -> None:
    job, _ = two_sets(world)
    finish(job.id, error=None, ports=world.finish_ports)
    assert all(row.keys for row in world.clips.rows[job.id].values())


# --- retries ---------------------------------------------------------------------------------------------------------


def test_a_retry_runs_whole_sets_again_and_leaves_the_others(world: World) -> None:
    for key in "acde":
        world.storage.put("source", key)
    job = world.run(world.submit(import_sets(a_set("a", "b", "c", name="drive"), a_set("d", "e"))).id)
    assert (job.counts.failed, job.counts.copied) == (3, 2)
    world.storage.put("source", "b")
    world.retry(job.id)
    job = world.run(job.id)
    assert (job.status, job.counts.copied, job.counts.failed) == (JobStatus.COMPLETED, 5, 0)
    assert rows(world, job) == [(COPIED, None)] * 5
    assert [world.storage.copies[ROOT + key] for key in "abcde"] == [1] * 5
    assert [(clip.view, clip.set, clip.run_name) for clip in clips(world, job)][:2] == [
        ("front", f"{job.id}-0", "drive"),
        ("rear", f"{job.id}-0", "drive"),
    ]


def test_whoever_names_a_view_retries_its_set(world: World) -> None:
    job = world.run(world.submit(import_sets(a_set("a", "b"), a_set("c", "d"))).id)
    assert job.counts.failed == 4
    for key in "abcd":
        world.storage.put("source", key)
    world.retry(job.id, clips=[3])
    job = world.run(job.id)
    assert rows(world, job)[2:] == [(COPIED, None)] * 2
    assert (job.counts.copied, job.counts.failed) == (2, 2)
    assert world.visible() == {ROOT + "c", ROOT + "d"}


def test_a_set_that_fails_in_its_retry_leaves_nothing(world: World) -> None:
    for key in "ac":
        world.storage.put("source", key)
    job = world.run(world.submit(import_sets(a_set("a", "b", "c"))).id)
    world.storage.put("source", "b")
    world.storage.fail_copy["c"] = [fault(AccessDenied)]
    world.retry(job.id)
    job = world.run(job.id)
    incomplete = (FAILED, "SET_INCOMPLETE")
    assert rows(world, job) == [incomplete, incomplete, (FAILED, "CANNOT_ACCESS")]
    assert (job.status, job.counts.failed, job.run) == (JobStatus.FAILED, 3, 1)
    assert not world.visible()


def test_pending_views_of_a_retry_are_shown_with_their_set(world: World) -> None:
    job = world.run(world.submit(import_sets(a_set("a", "b"))).id)
    for key in "ab":
        world.storage.put("source", key)
    world.retry(job.id)
    world.plan(job.id)
    shown = clips(world, world.job(job.id))
    assert [(clip.status, clip.view, clip.set) for clip in shown] == [
        (ClipStatus.PENDING, "front", f"{job.id}-0"),
        (ClipStatus.PENDING, "rear", f"{job.id}-0"),
    ]


@pytest.mark.parametrize("chosen", [False, True])
@pytest.mark.parametrize("rounds", [False, True])
def test_a_retry_of_many_sets_cuts_none_at_the_end_of_a_part(world: World, chosen: bool, rounds: bool) -> None:
    """1,002 views lie in the first part and a bit: the last set of the first thousand goes into the next part."""
    count = 700
    sets = [a_set(*(f"{number}-{view}" for view in "abc")) for number in range(count)]
    job = world.run(world.submit(import_sets(*sets)).id)
    assert job.counts.failed == 3 * count
    for item in sets:
        for _, uri in item.views:
            world.storage.put("source", uri.rpartition("/")[2])
    world.retry(job.id, clips=range(0, 3 * count, 3) if chosen else None)
    world.plan(job.id, out_of_time=always if rounds else never)
    for batch in world.batches(job.id):
        assert batch.count % 3 == 0
        world.copy(batch)
    finish(job.id, run=1, error=None, ports=world.finish_ports)
    job = world.job(job.id)
    assert (job.status, job.counts.copied) == (JobStatus.COMPLETED, 3 * count)
    assert summing(job.counts)
