"""The simulator: its clock, its models, and one whole import."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from benchmarks.simulate import DEFAULTS, NARROW, Case, copied, simulate, steady_rate, tables
from benchmarks.simulation.clock import run_virtually
from benchmarks.simulation.fleet import Batch, Fleet, batches_of
from benchmarks.simulation.models import (
    BURST_SECONDS,
    PARTITION_UNITS,
    SPLIT_SECONDS,
    Cpu,
    ModelledS3,
    ModelledTable,
    TokenBucket,
)
from benchmarks.simulation.rival import Rivalry, simulate_rivals
from service.imports.previews.estimate import COPIES_PER_SECOND

MIB = 1024**2
SMALL = Case(clips=2_000, clip_bytes=MIB, settings=replace(DEFAULTS, map_concurrency=4, batch_clips=100))
UNTIMED = {"simulated_in_cpu_seconds": 0.0}


# --- the clock -------------------------------------------------------------------------------------------------------


def test_time_passes_as_far_as_tasks_sleep_and_no_farther() -> None:
    async def story() -> tuple[list[str], float]:
        had: list[str] = []

        async def after(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            had.append(name)

        await asyncio.gather(after(3_600, "hour"), after(1, "second"), after(0, "now"), after(86_400, "day"))
        return had, asyncio.get_running_loop().time()

    assert run_virtually(story()) == (["now", "second", "hour", "day"], 86_400.0)


def test_a_deadlock_is_an_error() -> None:
    async def story() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="deadlock"):
        run_virtually(story())


def test_time_limits_hold_in_virtual_time() -> None:
    async def story() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(120):
                await asyncio.sleep(121)
        return asyncio.get_running_loop().time()

    assert run_virtually(story()) == 120.0


# --- the models ------------------------------------------------------------------------------------------------------


def test_a_bucket_gives_its_burst_and_then_exactly_its_rate() -> None:
    bucket = TokenBucket(100.0, 10.0)
    assert sum(bucket.take(0.0) for _ in range(50)) == 10
    taken = sum(bucket.take(n / 1_000) for n in range(1, 10_001))
    assert 999 <= taken <= 1_000


def test_a_bucket_holds_no_more_than_its_burst() -> None:
    bucket = TokenBucket(100.0, 10.0)
    assert sum(bucket.take(3_600.0) for _ in range(50)) == 10


def test_work_on_a_cpu_is_done_one_piece_after_the_other() -> None:
    cpu = Cpu(1_769)
    assert [cpu.done_at(1.0, 0.25) for _ in range(3)] == [1.25, 1.5, 1.75]
    assert cpu.done_at(5.0, 0.25) == 5.25


@pytest.mark.parametrize(("memory_mb", "seconds"), [(1_769, 1.0), (3_538, 1.0), (1_769 / 2, 2.0)])
def test_a_function_has_cpu_by_its_memory_and_uses_one_at_most(memory_mb: int, seconds: float) -> None:
    assert Cpu(memory_mb).done_at(0.0, 1.0) == pytest.approx(seconds)


def test_s3_refuses_what_is_beyond_its_rate() -> None:
    async def story() -> ModelledS3:
        loop = asyncio.get_running_loop()
        s3 = ModelledS3(loop, prefixes=2, clips=10_000, clip_bytes=0, seed=1)
        answers = [loop.create_future() for _ in range(10_000)]
        for clip, answer in enumerate(answers):
            s3.arrive(clip, answer)
        statuses = Counter([(await answer).status for answer in answers])
        burst = 2 * COPIES_PER_SECOND * BURST_SECONDS
        assert statuses == {200: burst, 503: 10_000 - burst}
        return s3

    s3 = run_virtually(story())
    assert (sum(s3.taken), s3.in_flight) == (s3.most_in_flight, 0)


def test_rows_spread_evenly_over_the_keys_and_a_busy_partition_leaves_some() -> None:
    table = ModelledTable(job_id="ij_1", units=PARTITION_UNITS, seed=1)
    left = table.write(range(1_600), now=0.5)
    assert len(left) == 600
    assert sum(table.units) == PARTITION_UNITS
    assert not table.write(left, now=1.5)
    assert table.units == [100] * 16
    assert table.refused == 600


def test_a_partition_that_stays_busy_becomes_two() -> None:
    table = ModelledTable(job_id="ij_1", units=PARTITION_UNITS, seed=1)
    table.write(range(1_600), now=0.0)
    table.write(range(1_600), now=SPLIT_SECONDS - 1)
    assert table.partitions == 1
    table.write(range(1_600), now=SPLIT_SECONDS)
    assert table.partitions == 2


def test_a_transaction_beside_another_one_is_a_conflict() -> None:
    table = ModelledTable(job_id="ij_1", units=PARTITION_UNITS, seed=1)
    assert [table.begin_transaction(now) for now in (0.0, 0.01, 0.03)] == [True, False, True]
    assert table.conflicts == 1


def cut(settings: object, clips: int, clip_bytes: int) -> Sequence[Batch]:
    return list(batches_of(clips, clip_bytes, settings))  # type: ignore[arg-type]


def test_batches_are_cut_as_planning_cuts_them() -> None:
    settings = replace(DEFAULTS, batch_clips=400, batch_bytes=10**15)
    assert [(batch.first, batch.count) for batch in cut(settings, 1_500, MIB)] == [
        *((0, 400), (400, 400), (800, 200)),
        *((1_000, 400), (1_400, 100)),
    ]
    assert {batch.count for batch in cut(replace(settings, batch_bytes=100 * MIB), 1_000, 10 * MIB)} == {10}


# --- whole imports ---------------------------------------------------------------------------------------------------


def imported(case: Case) -> tuple[Fleet, float]:
    return run_virtually(copied(case))


def test_every_clip_is_copied_and_written_once_within_the_rate() -> None:
    fleet, seconds = imported(SMALL)
    assert set(fleet.s3.copies) == {1}
    assert fleet.counted == SMALL.clips
    assert set(fleet.table.units) == {SMALL.clips // 16}
    assert max(fleet.s3.taken) <= COPIES_PER_SECOND * (1 + BURST_SECONDS)
    assert (fleet.batches, fleet.calls, len(fleet.sandboxes)) == (20, 20, 4)
    assert fleet.billed_seconds < 4 * seconds
    assert fleet.s3.in_flight == 0


def test_a_fleet_that_asks_for_too_much_backs_off_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.simulation.models.COPIES_PER_SECOND", 100)
    fleet, seconds = imported(replace(SMALL, clips=1_000, settings=replace(SMALL.settings, batch_clips=50)))
    assert set(fleet.s3.copies) == {1}
    assert max(fleet.s3.taken) <= 110
    assert seconds >= 9.9
    assert 0 < fleet.s3.refused < 1_000
    assert fleet.lost_batches == 0


def test_a_busy_table_is_written_later_and_no_clip_is_copied_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.simulation.models.PARTITION_UNITS", 250)
    fleet, _ = imported(replace(SMALL, table_units=250))
    assert fleet.table.refused > 0
    assert set(fleet.s3.copies) == {1}
    assert fleet.counted == SMALL.clips


def test_the_same_seed_gives_the_same_figures() -> None:
    case = replace(SMALL, clips=1_000)
    assert simulate(case) | UNTIMED == simulate(case) | UNTIMED
    assert simulate(replace(case, seed=2)) | UNTIMED != simulate(case) | UNTIMED


def test_the_steady_rate_leaves_out_beginning_and_end() -> None:
    assert steady_rate([1, 9, 40, 40, 9, 1]) == 40
    assert steady_rate([7]) == 7


def test_the_tables_say_what_was_not_simulated() -> None:
    made = [
        {**simulate(replace(SMALL, clips=100, settings=settings)), "settings": name, "clips": clips, "clip_mib": mib}
        for name, settings in (("defaults", DEFAULTS), ("narrow", NARROW))
        for mib in (1, 200)
        for clips in (100_000, 1_000_000, 10_000_000)
        if name == "defaults" or clips < 10_000_000
    ]
    text = tables({"runs": made})
    assert text.count("| 10,000,000 * | narrow |") == 2
    assert text.count("| 10,000,000 | defaults |") == 2


def test_checks_read_each_clip_and_are_paid() -> None:
    plain, checked = (simulate(replace(SMALL, settings=replace(SMALL.settings, reads_per_clip=n))) for n in (0, 2))
    assert (checked["batches"], checked["lost_batches"]) == (plain["batches"], 0)
    assert checked["dollars"]["s3"] - plain["dollars"]["s3"] == pytest.approx(2 * SMALL.clips * 0.0004 / 1000, abs=1e-4)
    assert checked["copying_seconds"] > plain["copying_seconds"]


# --- two projects ----------------------------------------------------------------------------------------------------


def test_another_projects_clips_are_copied_soon_after_they_are_posted_and_the_large_import_hardly_notices() -> None:
    settings = replace(DEFAULTS, map_concurrency=4, batch_clips=500, copy_concurrency=16)
    case = Rivalry(clips=4_000, clip_bytes=200 * MIB, settings=settings, slots=4, after=20, table_units=4_000)
    found = simulate_rivals(case)
    alone, beside, without = found["alone"], found["with_turns"], found["without_turns"]
    assert beside["small_import_seconds"] < 30
    assert beside["small_import_seconds"] < without["small_import_seconds"]
    assert beside["large_copying_seconds"] < 1.05 * alone["large_copying_seconds"]
    assert (alone["waits"], alone["lost"], beside["lost"]) == (0, 0, 0)
