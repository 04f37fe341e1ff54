"""Large objects by parts, batches in rounds: nothing times out, nothing is copied twice, no upload is left behind."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.clips import ClipStatus
from service.domain.errors import (
    AccessDenied,
    BatchIncomplete,
    ObjectError,
    SourceChanged,
    SourceUnavailable,
    UploadGone,
)
from service.domain.jobs import Counts, Job, JobStatus, Tally
from service.domain.manifest import Batch, ManifestEntry
from service.domain.multipart import part_size
from service.domain.objects import Copied, LargeCopy
from service.imports.completion.finish import finish
from service.imports.copying.batch import Unfinished, copy_batch
from tests.builders import World, always, never
from tests.fakes.faults import CrashError

GB = 10**9
MIB = 1024**2


@dataclass
class CallTime:
    """The time of the calls of a function: each has `seconds`, a part takes ten of them."""

    seconds: float
    spent: float = 0.0
    calls: int = field(default=0)

    def part(self, _entry: ManifestEntry, _number: int) -> None:
        self.spent += 10.0

    def out_of_time(self) -> bool:
        return self.spent >= self.seconds

    def next_call(self) -> Callable[[], bool]:
        self.calls += 1
        self.spent = 0.0
        return self.out_of_time


def a_world(**changes: object) -> World:
    return World(multipart_threshold=20, part_bytes=10, stream_part_bytes=10, **changes)  # type: ignore[arg-type]


both = pytest.mark.parametrize("streamed", [False, True], ids=["copied", "streamed"])
"""Whether the store copies on its side, or the bytes pass through the process."""


def planned(world: World, *sizes: int, streamed: bool = False) -> tuple[Job, Batch]:
    """A list job of one batch with clips of these sizes."""
    keys = [f"{n}.zip" for n in range(len(sizes))]
    for key, size in zip(keys, sizes, strict=True):
        world.storage.put("source", key, size)
        if streamed:
            world.storage.streamed.add(key)
    job = world.planned_list(keys)
    (batch,) = world.batches(job.id)
    return job, batch


def copy(world: World, batch: Batch, *, attempt: int = 0, round_number: int = 0, late: bool = False) -> object:
    return copy_batch(
        batch,
        attempt=attempt,
        round_number=round_number,
        out_of_time=always if late else never,
        ports=world.copy_ports,
    )


def nothing_is_left(world: World) -> bool:
    return not world.storage.multiparts and not world.large.rows


def fault(kind: type[ObjectError]) -> ObjectError:
    return kind("because", operation="copy", uri="u")


# --- rounds ----------------------------------------------------------------------------------------------------------


def test_a_batch_goes_on_in_rounds_and_each_settles_something(world: World) -> None:
    job = world.planned_list(world.put_sources(3))
    (batch,) = world.batches(job.id)
    assert copy(world, batch, late=True) == Unfinished(left=2)
    assert world.job(job.id).counts == Counts(total=3)
    assert copy(world, batch, round_number=1, late=True) == Unfinished(left=1)
    assert copy(world, batch, round_number=2, late=True) == Tally(copied=3, bytes=30)
    assert set(world.storage.copies.values()) == {1}
    assert set(world.clips.writes.values()) == {1}


def test_what_needs_no_copy_is_settled_whatever_the_time(world: World) -> None:
    (key,) = world.put_sources(1)
    job = world.planned_list([key, "missing", key])
    (batch,) = world.batches(job.id)
    assert copy(world, batch, late=True) == Tally(copied=1, failed=1, bytes=10)


def test_a_round_in_which_nothing_moves_is_an_error_and_not_another_round(world: World) -> None:
    job = world.planned_list(world.put_sources(3))
    (batch,) = world.batches(job.id)
    for key in ("p/000000.zip", "p/000001.zip", "p/000002.zip"):
        world.storage.fail_copy[key] = [fault(SourceUnavailable)] * 9
    with pytest.raises(BatchIncomplete):
        copy(world, batch, late=True)
    assert world.copy(batch, out_of_time=always) == 0


def test_a_cancelled_batch_needs_no_further_round(world: World) -> None:
    job = world.planned_list(world.put_sources(3))
    (batch,) = world.batches(job.id)
    copy(world, batch, late=True)
    world.jobs.request_cancel(job.id, world.clock())
    assert copy(world, batch, round_number=1, late=True) == Tally(copied=1, cancelled=2, bytes=10)


# --- one large object ------------------------------------------------------------------------------------------------


def test_above_the_threshold_an_object_is_copied_by_parts() -> None:
    world = a_world()
    job, batch = planned(world, 20, 25)
    assert copy(world, batch) == Tally(copied=2, bytes=45)
    large = world.manifest(job.id)[1].destination
    assert world.storage.parts_copied == {(large, 1): 1, (large, 2): 1, (large, 3): 1}
    assert world.storage.buckets["clips"][large].size == 25
    assert nothing_is_left(world)


@both
@pytest.mark.no_cover
def test_a_200_gb_object_is_copied_over_many_calls_each_part_once(streamed: bool) -> None:
    world = World(multipart_threshold=GB, part_bytes=256 * MIB, stream_part_bytes=256 * MIB)
    job, batch = planned(world, 200 * GB, streamed=streamed)
    time = CallTime(seconds=60)
    world.storage.before_part = time.part
    round_number = 0
    while isinstance(
        copy_batch(batch, attempt=0, round_number=round_number, out_of_time=time.next_call(), ports=world.copy_ports),
        Unfinished,
    ):
        round_number += 1
        assert world.large.rows, "the upload is remembered"
        assert len(world.storage.multiparts) == 1
    parts = -(-200 * GB // (256 * MIB))
    assert time.calls == -(-parts // 6), "six parts a call"
    assert set(world.storage.parts_copied.values()) == {1}
    assert len(world.storage.parts_copied) == parts
    (entry,) = world.manifest(job.id)
    assert world.storage.copies == {entry.destination: 1}
    assert world.job(job.id).counts == Counts(total=1, copied=1, bytes=200 * GB)
    assert nothing_is_left(world)


@both
@pytest.mark.parametrize("take_effect", [False, True])
@pytest.mark.parametrize("late", [False, True])
def test_a_call_that_ends_anywhere_is_continued_by_the_next(take_effect: bool, late: bool, streamed: bool) -> None:
    """Crashes before and after each port call of the whole job: one object, completed once, no upload left."""
    for calls in range(1, 120):
        world = a_world()
        job, batch = planned(world, 45, streamed=streamed)
        world.faults.crash_in(calls, take_effect=take_effect)
        attempt, round_number, crashed = 0, 0, False
        while True:
            try:
                outcome = copy(world, batch, attempt=attempt, round_number=round_number, late=late)
            except CrashError:
                crashed = world.faults.revive()
                attempt += 1
                continue
            except BatchIncomplete:
                attempt += 1
                continue
            if not isinstance(outcome, Unfinished):
                break
            attempt, round_number = 0, round_number + 1
        world.faults.revive()
        finish(job.id, error=None, ports=world.finish_ports)
        (entry,) = world.manifest(job.id)
        assert world.storage.copies == {entry.destination: 1}, "completed exactly once"
        assert world.job(job.id).counts == Counts(total=1, copied=1, bytes=45)
        assert nothing_is_left(world)
        if not crashed:
            assert calls > 15
            return
    pytest.fail("the job never ran without a crash")


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    sizes=st.lists(st.integers(0, 70), min_size=1, max_size=5),
    streamed=st.booleans(),
    crashes=st.lists(st.tuples(st.integers(1, 25), st.booleans()), max_size=12),
    lates=st.lists(st.booleans(), min_size=1, max_size=8),
    duplicates=st.booleans(),
)
def test_whatever_crashes_each_clip_lands_and_no_upload_stays(
    sizes: list[int], streamed: bool, crashes: list[tuple[int, bool]], lates: list[bool], duplicates: bool
) -> None:
    world = a_world(concurrency=2)
    job, batch = planned(world, *sizes, streamed=streamed)
    round_number = attempt = 0
    for step in range(200):
        if step < len(crashes):
            world.faults.crash_in(crashes[step][0], take_effect=crashes[step][1])
        first = duplicates and step % 3 == 2
        try:
            outcome = copy(
                world,
                batch,
                attempt=0 if first else attempt,
                round_number=0 if first else round_number,
                late=lates[step % len(lates)],
            )
        except (CrashError, BatchIncomplete):
            attempt += 1
            continue
        finally:
            world.faults.revive()
        if not isinstance(outcome, Unfinished):
            break
        attempt, round_number = 0, round_number + 1
    finish(job.id, error=None, ports=world.finish_ports)
    counts = world.job(job.id).counts
    # A delivery that does not know of an earlier one may find its copies: then those are skipped.
    assert counts.copied + counts.skipped == counts.total == len(sizes)
    assert duplicates or counts == Counts(total=len(sizes), copied=len(sizes), bytes=sum(sizes))
    assert nothing_is_left(world)
    for entry in world.manifest(job.id):
        assert world.storage.buckets["clips"][entry.destination].size == entry.size


# --- streamed objects ------------------------------------------------------------------------------------------------


def test_what_streams_goes_by_parts_above_one_buffer() -> None:
    world = a_world()
    job, batch = planned(world, 10, 15, streamed=True)
    assert copy(world, batch) == Tally(copied=2, bytes=25)
    large = world.manifest(job.id)[1].destination
    assert world.storage.parts_copied == {(large, 1): 1, (large, 2): 1}
    assert nothing_is_left(world)


def test_a_streamed_upload_goes_on_with_its_own_part_size_and_its_digests_only_in_one_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = a_world()
    told: list[object] = []
    complete = world.storage.complete_parts

    def note(*args: Any, digests: Mapping[str, str] | None = None) -> Copied:
        told.append(digests)
        return complete(*args, digests=digests)

    monkeypatch.setattr(world.storage, "complete_parts", note)
    _, batch = started(world, 45, 45, streamed=True)
    world.stream_part_bytes = 15
    assert copy(world, batch, round_number=1) == Tally(copied=2, bytes=90)
    assert sorted(Counter(key for key, _ in world.storage.parts_copied).values()) == [3, 5]
    assert [digests is None for digests in told] == [True, False]


def test_a_streamed_upload_whose_completion_is_not_known_is_found_by_its_foretold_etag() -> None:
    world = a_world()
    _, batch = planned(world, 45, streamed=True)
    complete = world.storage.complete_parts

    def lose_the_answer(*args: Any, **more: Any) -> Copied:
        complete(*args, **more)
        raise fault(SourceUnavailable)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.storage, "complete_parts", lose_the_answer)
        with pytest.raises(BatchIncomplete):
            copy(world, batch)
    assert copy(world, batch, attempt=1) == Tally(copied=1, bytes=45)
    assert set(world.storage.copies.values()) == {1}
    assert nothing_is_left(world)


# --- what removes an upload ------------------------------------------------------------------------------------------


def started(world: World, *sizes: int, streamed: bool = False) -> tuple[Job, Batch]:
    """A job whose first clip has the first of its parts."""
    job, batch = planned(world, *sizes, streamed=streamed)
    assert isinstance(copy(world, batch, late=True), Unfinished)
    assert len(world.storage.multiparts) == len(world.large.rows) == 1
    return job, batch


@both
@pytest.mark.parametrize("kind", [SourceChanged, AccessDenied])
def test_a_clip_that_fails_for_good_leaves_no_upload(kind: type[ObjectError], streamed: bool) -> None:
    world = a_world()
    job, batch = started(world, 45, streamed=streamed)
    world.storage.fail_copy["0.zip"] = [None, fault(kind)]
    assert copy(world, batch, round_number=1) == Tally(failed=1)
    assert world.clips.rows[job.id][0].code == kind.code
    assert nothing_is_left(world)


@both
def test_a_source_that_changes_between_parts_is_never_mixed(streamed: bool) -> None:
    world = a_world()
    job, batch = started(world, 45, streamed=streamed)
    world.storage.put("source", "0.zip", 45)
    assert copy(world, batch, round_number=1) == Tally(failed=1)
    assert world.clips.rows[job.id][0].code == "SOURCE_CHANGED"
    assert not world.storage.buckets["clips"]
    assert nothing_is_left(world)


@both
def test_a_passing_fault_keeps_what_is_copied(streamed: bool) -> None:
    world = a_world()
    _, batch = planned(world, 45, streamed=streamed)
    world.storage.fail_copy["0.zip"] = [None, None, None, fault(SourceUnavailable)]
    with pytest.raises(BatchIncomplete):
        copy(world, batch)
    assert copy(world, batch, attempt=1) == Tally(copied=1, bytes=45)
    assert set(world.storage.parts_copied.values()) == {1}
    assert nothing_is_left(world)


@both
def test_a_cancel_between_parts_removes_the_upload(streamed: bool) -> None:
    world = a_world()
    job, batch = planned(world, 45, streamed=streamed)

    def cancel_at_the_third(_entry: ManifestEntry, number: int) -> None:
        if number == 3:
            world.jobs.request_cancel(job.id, world.clock())

    world.storage.before_part = cancel_at_the_third
    assert copy(world, batch) == Tally(cancelled=1)
    assert sum(world.storage.parts_copied.values()) == 3
    assert nothing_is_left(world)


@both
@pytest.mark.parametrize("cancelled", [False, True])
def test_the_end_of_a_job_removes_what_its_lost_batches_began(cancelled: bool, streamed: bool) -> None:
    world = a_world()
    job, _ = started(world, 45, 45, streamed=streamed)
    if cancelled:
        world.jobs.request_cancel(job.id, world.clock())
    finish(job.id, error="States.Timeout", ports=world.finish_ports)
    status = JobStatus.CANCELLED if cancelled else JobStatus.FAILED
    assert world.job(job.id).status is status
    assert nothing_is_left(world)


@both
def test_a_worker_that_outlives_its_job_removes_what_it_works_on(streamed: bool) -> None:
    world = a_world()
    job, batch = planned(world, 45, streamed=streamed)

    def end_at_the_second(_entry: ManifestEntry, number: int) -> None:
        if number == 2 and not world.job(job.id).status.terminal:
            finish(job.id, error="States.Timeout", ports=world.finish_ports)

    world.storage.before_part = end_at_the_second
    assert copy(world, batch) is None
    assert world.clips.rows[job.id][0].status is ClipStatus.FAILED
    assert nothing_is_left(world)


def test_an_end_that_cannot_remove_an_upload_now_is_repeated() -> None:
    world = a_world()
    job, _ = started(world, 45)
    world.faults.plan("storage.abort", [fault(SourceUnavailable)])
    with pytest.raises(SourceUnavailable):
        finish(job.id, error=None, ports=world.finish_ports)
    assert not world.job(job.id).status.terminal
    finish(job.id, error=None, ports=world.finish_ports)
    assert world.job(job.id).status.terminal
    assert nothing_is_left(world)


def test_an_upload_that_the_store_refuses_to_abort_does_not_keep_a_job_from_its_end() -> None:
    world = a_world()
    job, _ = started(world, 45)
    world.faults.plan("storage.abort", [fault(AccessDenied)])
    finish(job.id, error=None, ports=world.finish_ports)
    assert world.job(job.id).status.terminal


# --- what goes on ----------------------------------------------------------------------------------------------------


def test_an_upload_goes_on_with_the_part_size_that_it_began_with() -> None:
    world = a_world()
    _, batch = started(world, 45)
    world.part_bytes = 15
    assert copy(world, batch, round_number=1) == Tally(copied=1, bytes=45)
    assert set(world.storage.parts_copied.values()) == {1}
    assert len(world.storage.parts_copied) == 5


def test_an_upload_of_another_plan_is_removed_first() -> None:
    world = a_world()
    job, batch = planned(world, 45)
    (entry,) = world.manifest(job.id)
    upload_id = world.storage.begin_parts(entry, job.settings)
    old = LargeCopy(
        job_id=job.id,
        ordinal=0,
        token="t",
        destination=entry.destination,
        etag="another",
        part_bytes=part_size(45, part_bytes=10),
        begun_at=world.clock(),
        upload_id=upload_id,
    )
    world.large.claim(old)
    assert copy(world, batch) == Tally(copied=1, bytes=45)
    assert nothing_is_left(world)


@both
def test_an_upload_that_someone_removed_is_begun_anew(streamed: bool) -> None:
    world = a_world()
    _, batch = started(world, 45, streamed=streamed)
    world.storage.multiparts.clear()
    assert copy(world, batch, round_number=1) == Tally(copied=1, bytes=45)
    assert nothing_is_left(world)


@both
def test_an_upload_that_s3_refuses_to_complete_is_begun_anew(streamed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    _, batch = planned(world, 45, streamed=streamed)
    complete, refused = world.storage.complete_parts, set[str]()

    def conflict(entry: ManifestEntry, upload_id: str, *args: Any, **named: Any) -> Copied:
        refused.add(upload_id)
        if len(refused) == 1:
            raise UploadGone("conflict", operation="copy", uri="u")
        return complete(entry, upload_id, *args, **named)

    monkeypatch.setattr(world.storage, "complete_parts", conflict)
    assert copy(world, batch) == Tally(copied=1, bytes=45)
    assert len(refused) == 2
    assert nothing_is_left(world)


@both
def test_an_upload_whose_row_was_taken_over_is_not_completed_twice(streamed: bool) -> None:
    world = a_world()
    _, batch = planned(world, 45, streamed=streamed)

    def lose_the_row(_entry: ManifestEntry, number: int) -> None:
        if number == 5:
            ((key, kept),) = world.large.rows.items()
            world.large.rows[key] = replace(kept, token="another")

    world.storage.before_part = lose_the_row
    with pytest.raises(BatchIncomplete, match="took its upload over"):
        copy(world, batch)
    assert not world.storage.copies


@both
def test_an_object_beyond_s3s_limits_is_refused(streamed: bool) -> None:
    world = World(multipart_threshold=GB, part_bytes=256 * MIB)
    job, batch = planned(world, 60 * 10**12, streamed=streamed)
    assert copy(world, batch) == Tally(failed=1)
    assert world.clips.rows[job.id][0].code == "OBJECT_REJECTED"


@both
def test_several_large_objects_share_the_parts_pool(streamed: bool) -> None:
    world = a_world(concurrency=4)
    _, batch = planned(world, *[95] * 12, streamed=streamed)
    assert copy(world, batch) == Tally(copied=12, bytes=12 * 95)
    assert set(world.storage.parts_copied.values()) == {1}
    assert nothing_is_left(world)
