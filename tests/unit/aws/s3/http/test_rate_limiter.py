"""How many requests may be in flight, and how many a second begin. In virtual time."""

import asyncio

import pytest

from benchmarks.simulation.clock import run_virtually
from service.aws.s3.http.rate_limiter import CATCH_UP_SECONDS, CUT, FIRST_RATE, LEAST_RATE, RAISE, InFlight, NoTurn

FREE = 1e12
"""A rate that nothing waits for."""


async def begun_by(flight: InFlight, seconds: float, *, at_once: int = 64) -> int:
    """How many begin in so long, of requests that are answered at once and follow each other."""
    loop = asyncio.get_running_loop()
    until, count = loop.time() + seconds, 0

    async def ask() -> None:
        nonlocal count
        while True:
            begun = await flight.begin()
            if loop.time() >= until:
                flight.end(begun, refused=False)
                return
            count += 1
            await asyncio.sleep(0.01)
            flight.end(begun, refused=False)

    await asyncio.gather(*(ask() for _ in range(at_once)))
    return count


async def refused(flight: InFlight, count: int = 1) -> None:
    """So far apart that none of them waits."""
    for _ in range(count):
        await asyncio.sleep(1 / LEAST_RATE)
        flight.end(await flight.begin(), refused=True)


# --- the rate --------------------------------------------------------------------------------------------------------


def test_those_that_come_at_once_begin_one_after_the_other() -> None:
    async def story() -> list[float]:
        flight, at = InFlight(64), []

        async def ask() -> None:
            await flight.begin()
            at.append(asyncio.get_running_loop().time())

        await asyncio.gather(*(ask() for _ in range(3)))
        return at

    first, second, third = run_virtually(story())
    assert first == 0.0
    assert second == pytest.approx(1 / FIRST_RATE)
    assert third == pytest.approx(2 / FIRST_RATE)


def test_turns_that_were_late_are_made_up_for_a_moment_only() -> None:
    async def story() -> float:
        flight = InFlight(1_000, rate=1_000.0)
        await asyncio.sleep(60)
        before = asyncio.get_running_loop().time()
        for _ in range(int(1_000 * CATCH_UP_SECONDS) + 1):
            await flight.begin()
        assert asyncio.get_running_loop().time() == before
        await flight.begin()
        return asyncio.get_running_loop().time() - before

    assert 0 < run_virtually(story()) <= 0.002


def test_the_rate_rises_as_long_as_requests_wait_for_it() -> None:
    async def story() -> tuple[float, int, int]:
        flight = InFlight(64)
        first = await begun_by(flight, 0.1)
        second = await begun_by(flight, 0.1)
        return flight.rate, first, second

    rate, first, second = run_virtually(story())
    assert second > 2 * first
    assert rate > 2 * FIRST_RATE


def test_the_rate_stays_where_nothing_waits_for_it() -> None:
    async def story() -> float:
        flight = InFlight(64)
        for _ in range(100):
            await asyncio.sleep(2 / FIRST_RATE)
            flight.end(await flight.begin(), refused=False)
        return flight.rate

    assert run_virtually(story()) == FIRST_RATE


def test_requests_that_wait_for_those_in_flight_do_not_raise_the_rate() -> None:
    async def story() -> float:
        flight = InFlight(1, rate=FREE)
        await begun_by(flight, 1.0, at_once=4)
        return flight.rate

    assert run_virtually(story()) == FREE


def test_a_refusal_cuts_the_rate_once_for_all_that_were_in_flight() -> None:
    async def story() -> float:
        flight = InFlight(64, rate=FREE)
        for begun in [await flight.begin() for _ in range(64)]:
            flight.end(begun, refused=True)
        return flight.rate

    assert run_virtually(story()) == pytest.approx(FREE * CUT)


def test_each_refusal_after_a_cut_cuts_again_down_to_one_a_second() -> None:
    async def story() -> tuple[float, float]:
        flight = InFlight(64, rate=10.0)
        await refused(flight, 2)
        twice = flight.rate
        await refused(flight, 20)
        return twice, flight.rate

    twice, least = run_virtually(story())
    assert twice == pytest.approx(10.0 * CUT * CUT)
    assert least == LEAST_RATE


def test_after_a_refusal_the_rate_rises_slowly() -> None:
    async def story() -> tuple[float, float]:
        flight = InFlight(64, rate=100.0)
        await refused(flight)
        cut = flight.rate
        await begun_by(flight, 1.0, at_once=4)
        return cut, flight.rate

    cut, later = run_virtually(story())
    assert cut * (1 + RAISE / 2) < later < cut * (1 + 1.5 * RAISE)


def test_those_that_begin_keep_to_the_rate() -> None:
    async def story() -> int:
        flight = InFlight(64, rate=100.0)
        flight._raise = 0.0
        return await begun_by(flight, 10.0)

    assert 999 <= run_virtually(story()) <= 1_002


# --- in flight -------------------------------------------------------------------------------------------------------


def test_no_more_are_in_flight_than_the_most() -> None:
    async def story() -> None:
        flight = InFlight(2, rate=FREE)
        two = [await flight.begin() for _ in range(2)]
        third = asyncio.ensure_future(flight.begin())
        await asyncio.sleep(1)
        assert not third.done()
        flight.end(two[0], refused=False)
        await asyncio.wait_for(third, 1)

    run_virtually(story())


def test_whoever_has_no_turn_waits_for_an_end_the_longest_first() -> None:
    async def story() -> list[str]:
        flight, had = InFlight(1, rate=FREE), []

        async def ask(name: str) -> None:
            one = await flight.begin()
            had.append(name)
            flight.end(one, refused=False)

        first = await flight.begin()
        waiting = [asyncio.ensure_future(ask(name)) for name in ("a", "b", "c")]
        await asyncio.sleep(1)
        assert not had
        flight.end(first, refused=False)
        late = asyncio.ensure_future(ask("late"))  # the turn that is free now belongs to the one that waited
        await asyncio.gather(*waiting, late)
        return had

    assert run_virtually(story()) == ["a", "b", "c", "late"]


def test_a_turn_that_does_not_come_is_an_error_and_keeps_none() -> None:
    async def story() -> None:
        flight = InFlight(1, wait_seconds=5)
        only = await flight.begin()
        with pytest.raises(NoTurn):
            await flight.begin()
        flight.end(only, refused=False)
        await flight.begin()

    run_virtually(story())
