"""Random schedules of a job of sets: crashes, deliveries side by side, faults of views, cancels, lost batches, retries.

Whatever happens: each set is whole in the clips bucket and its rows say so, or nothing that was copied for it is there.
"""

import itertools

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.domain.batching import sets_of
from service.domain.clips import ClipStatus
from service.domain.errors import AccessDenied, BatchIncomplete, NothingToRetry, ObjectError, SourceUnavailable
from service.domain.ids import copy_mark
from service.domain.manifest import Batch
from service.imports.completion.finish import finish
from service.imports.copying.batch import Unfinished, copy_batch
from service.imports.results.clip_rows import tally_of
from tests.builders import CLIPS_BUCKET, SOURCE_BUCKET, World, a_set, summing
from tests.fakes.faults import CrashError

SETS = (("a", "b", "c"), ("d", "s"), ("s", "e"), ("f",), ("g", "missing"), ("d", "s"), ("h", "i", "a"))
"""Keys of the views: `s` and `a` are shared, one set misses a view, one comes twice."""
KEYS = sorted({key for keys in SETS for key in keys} - {"missing"})

LARGE = {"b", "d", "s", "h"}
"""Views that are copied by parts."""

STREAMED = {"b", "e", "h", "i"}
"""Views whose bytes pass through the process."""

crash_points = st.none() | st.tuples(st.integers(1, 25), st.booleans())


class SetSchedule(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        world = World(batch_clips=4, multipart_threshold=20, part_bytes=10, stream_part_bytes=10)
        world.storage.streamed |= STREAMED
        for key in KEYS:
            world.storage.put(SOURCE_BUCKET, key, 45 if key in LARGE else 10)
        older = world.storage.put(CLIPS_BUCKET, "demo/-/source/b", 99)
        same = world.storage.buckets[SOURCE_BUCKET]["i"]
        world.storage.buckets[CLIPS_BUCKET]["demo/-/source/i"] = same
        world.storage.marks["demo/-/source/i"].append((same, None))
        self.before = {"demo/-/source/b": older, "demo/-/source/i": same}
        self.world = world
        self.job = world.planned_sets(*(a_set(*keys) for keys in SETS))
        self.former: list[Batch] = []
        """Batches of runs that ended."""
        self.begin_run()

    def begin_run(self) -> None:
        self.attempts = {batch.number: 0 for batch in self.world.batches(self.job.id)}
        self.rounds = dict(self.attempts)

    def deliver(self, batch: Batch, attempt: int, crash: tuple[int, bool] | None, looks: int = 10**6) -> None:
        """`looks`: how often the delivery has time left when it looks."""
        times = itertools.count()
        if crash:
            self.world.faults.crash_in(crash[0], take_effect=crash[1])
        try:
            done = copy_batch(
                batch,
                attempt=attempt,
                round_number=self.rounds.get(batch.number, 0),
                out_of_time=lambda: next(times) >= looks,
                ports=self.world.copy_ports,
            )
            if batch not in self.former:
                self.rounds[batch.number] += isinstance(done, Unfinished)
        except (CrashError, BatchIncomplete):
            if batch not in self.former:
                self.attempts[batch.number] += 1
        finally:
            self.world.faults.revive()

    @rule(data=st.data(), crash=crash_points, again=st.booleans(), looks=st.integers(0, 12) | st.just(10**6))
    def copy(self, data: st.DataObject, crash: tuple[int, bool] | None, again: bool, looks: int) -> None:
        batch = data.draw(st.sampled_from(self.world.batches(self.job.id)))
        self.deliver(batch, 0 if again else self.attempts[batch.number], crash, looks)

    @rule(data=st.data(), looks=st.integers(1, 6), faults=st.booleans())
    def copy_side_by_side(self, data: st.DataObject, looks: int, faults: bool) -> None:
        """A second delivery of the batch runs in the middle of the first; a view may fail for one of them only."""
        batch = data.draw(st.sampled_from(self.world.batches(self.job.id)))
        key = data.draw(st.sampled_from(KEYS))
        now, calls = self.world.monotonic, itertools.count()

        def look() -> float:
            if next(calls) == looks:
                self.world.monotonic = now
                self.deliver(batch, 0, None)
                if faults:
                    self.fail([key], AccessDenied, 1)
            return now()

        self.world.monotonic = look
        self.deliver(batch, 0, None)
        self.world.monotonic = now

    # --- retries ---

    def retry(self, clips: list[int] | None = None) -> None:
        """End the run as it is, and begin the next one if there is anything to do in it."""
        world, job_id = self.world, self.job.id
        batches = world.batches(job_id)
        finish(job_id, run=world.run_of(job_id), error=None, ports=world.finish_ports)
        try:
            world.retry(job_id, clips=clips)
        except NothingToRetry:
            return
        self.former += batches
        world.plan(job_id)
        self.begin_run()

    @precondition(lambda self: not self.world.storage.fail_remove)
    @rule(clip=st.none() | st.integers(0, 6))
    def end_and_retry(self, clip: int | None) -> None:
        self.retry(None if clip is None else [clip])

    @precondition(lambda self: not self.world.storage.fail_remove)
    @rule(data=st.data(), looks=st.integers(1, 6))
    def retry_side_by_side(self, data: st.DataObject, looks: int) -> None:
        """A delivery is still at work when its run is ended and the next one begins."""
        batch = data.draw(st.sampled_from(self.world.batches(self.job.id)))
        now, calls = self.world.monotonic, itertools.count()

        def look() -> float:
            if next(calls) == looks:
                self.world.monotonic = now
                self.retry()
            return now()

        self.world.monotonic = look
        self.deliver(batch, 0, None)
        self.world.monotonic = now

    @precondition(lambda self: self.former)
    @rule(data=st.data())
    def deliver_of_a_former_run(self, data: st.DataObject) -> None:
        self.deliver(data.draw(st.sampled_from(self.former)), 0, None)

    def fail(self, keys: list[str], kind: type[ObjectError], times: int) -> None:
        for key in keys:
            self.world.storage.fail_copy[key] = [kind("because", operation="copy", uri=key)] * times

    @rule(key=st.sampled_from(KEYS), times=st.integers(1, 3))
    def throttle(self, key: str, times: int) -> None:
        self.fail([key], SourceUnavailable, times)

    @rule(key=st.sampled_from(KEYS))
    def forbid(self, key: str) -> None:
        self.fail([key], AccessDenied, 2)

    @rule(key=st.sampled_from(KEYS))
    def change_source(self, key: str) -> None:
        self.world.storage.put(SOURCE_BUCKET, key)

    @rule(key=st.sampled_from(KEYS), times=st.integers(1, 2))
    def throttle_removal(self, key: str, times: int) -> None:
        fault = SourceUnavailable("because", operation="remove", uri=key)
        self.world.storage.fail_remove[f"demo/-/source/{key}"] = [fault] * times

    @precondition(lambda self: max(self.attempts.values(), default=0) > 1)
    @rule()
    def cancel(self) -> None:
        self.world.jobs.request_cancel(self.job.id, self.world.clock())

    @invariant()
    def counts_sum(self) -> None:
        assert summing(self.world.job(self.job.id).counts)

    @invariant()
    def rows_of_a_set_are_whole(self) -> None:
        for entries in sets_of(self.world.manifest(self.job.id)):
            assert sum(entry.ordinal in self.world.clips.rows[self.job.id] for entry in entries) in (0, len(entries))

    def teardown(self) -> None:
        """A batch that failed in all its tries is lost; its completion may crash, too."""
        world, job_id = self.world, self.job.id
        run = world.run_of(job_id)
        world.storage.fail_remove.clear()
        for calls in (3, 9, 20, 40):
            world.faults.crash_in(calls, take_effect=bool(calls % 2))
            try:
                finish(job_id, run=run, error=None, ports=world.finish_ports)
            except CrashError:
                continue
            finally:
                world.faults.revive()
        finish(job_id, run=run, error=None, ports=world.finish_ports)
        rows, counts = world.clips.rows[job_id], world.job(job_id).counts
        counted = tally_of(list(rows.values()))
        assert (counts.copied, counts.failed, counts.settled) == (counted.copied, counted.failed, counts.total)
        for entries in sets_of(world.manifest(job_id)):
            fates = {rows[entry.ordinal].status for entry in entries}
            marked = [
                item
                for entry in entries
                for item, mark in world.storage.marks[entry.destination]
                if mark == copy_mark(job_id, entry.ordinal, entry.group)
            ]
            if fates <= {ClipStatus.COPIED, ClipStatus.SKIPPED}:
                for entry in entries:
                    if entry.code != "DUPLICATE":
                        there = world.storage.buckets[CLIPS_BUCKET][entry.destination]
                        assert there.etag == (rows[entry.ordinal].etag or entry.etag)
                        assert there.size == (rows[entry.ordinal].size or entry.size)
            else:
                assert not fates & {ClipStatus.COPIED, ClipStatus.SKIPPED}
                assert not marked, "nothing of it is left"
        assert not world.storage.multiparts, "no upload is left open"
        assert not world.large.rows
        for key, item in self.before.items():
            assert world.storage.marks[key][0] == (item, None), "versions of others stay"


SetSchedule.TestCase.settings = settings(
    max_examples=120,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestSetSchedule = SetSchedule.TestCase
