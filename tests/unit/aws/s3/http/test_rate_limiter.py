"""How many requests may be in flight, and how many a second begin. In virtual time."""

import asyncio
import random

import pytest

from benchmarks.simulation.clock import run_virtually
from benchmarks.simulation.models import BURST_SECONDS, TokenBucket
from service.aws.s3.http.event_loop import each
from service.aws.s3.http.rate_limiter import (
    CATCH_UP_SECONDS,
    FIRST_RATE,
    LEAST_RATE,
    PENALTY,
    InFlight,
    NoTurn,
)
from service.aws.s3.http.requests import FIRST_BACKOFF, FIRST_BACKOFF_REFUSED

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


def test_the_rate_does_not_rise_before_the_store_has_answered() -> None:
    async def story() -> tuple[float, float]:
        flight = InFlight(64)

        async def ask() -> None:
            begun = await flight.begin()
            await asyncio.sleep(0.2)
            flight.end(begun, refused=False)

        asking = asyncio.gather(*(ask() for _ in range(64)))
        await asyncio.sleep(0.19)
        unanswered = flight.rate
        await asking
        return unanswered, flight.rate

    unanswered, answered = run_virtually(story())
    assert (unanswered, answered > FIRST_RATE) == (FIRST_RATE, True)


@pytest.mark.parametrize("seconds", [0.01, 0.03, 0.3])
def test_in_the_time_of_a_request_the_rate_rises_by_the_same_share_however_long_it_is(seconds: float) -> None:
    async def story() -> float:
        flight = InFlight(10_000)

        async def ask() -> None:
            begun = await flight.begin()
            await asyncio.sleep(seconds)
            flight.end(begun, refused=False)

        asking = asyncio.gather(*(ask() for _ in range(1_000)))
        await asyncio.sleep(4.5 * seconds)
        rate = flight.rate
        await asking
        return rate

    assert 3 * FIRST_RATE < run_virtually(story()) < 6 * FIRST_RATE


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


def test_a_few_refusals_cost_little() -> None:
    async def story() -> float:
        flight = InFlight(64, rate=1_000.0)
        for number in range(200):
            await asyncio.sleep(0.01)
            flight.end(await flight.begin(), refused=number % 33 == 0)
        return flight.rate

    assert run_virtually(story()) == 1_000.0 - 7 * PENALTY


def test_many_refusals_cut_the_rate_once_for_all_that_were_in_flight() -> None:
    async def story() -> float:
        flight = InFlight(64, rate=FREE)
        for begun in [await flight.begin() for _ in range(64)]:
            flight.end(begun, refused=True)
        return flight.rate

    assert run_virtually(story()) == pytest.approx((FREE - 15 * PENALTY) * (1 - 16 / 64))


def test_a_store_that_refuses_all_is_asked_ever_less_down_to_one_a_second() -> None:
    async def story() -> float:
        flight = InFlight(64, rate=FIRST_RATE)
        for _ in range(100):
            await asyncio.sleep(1 / LEAST_RATE)
            flight.end(await flight.begin(), refused=True)
        return flight.rate

    assert run_virtually(story()) == LEAST_RATE


@pytest.mark.parametrize(
    ("refused", "times", "requests"), [(0.003, 1.5, 3_000), (0.01, 1.5, 3_000), (0.03, 2.5, 3_000), (0.03, 2.5, 30_000)]
)
@pytest.mark.parametrize("seed", range(4))
def test_random_refusals_hardly_slow_copies_down(refused: float, times: float, requests: int, seed: int) -> None:
    free, _ = run_virtually(copied(requests, Store(0.0, seed)))
    disturbed, _ = run_virtually(copied(requests, Store(refused, seed)))
    assert disturbed <= times * free


@pytest.mark.parametrize("refused", [0.01, 0.03, 0.1, 0.3, 1.0])
def test_copies_are_at_full_speed_again_two_seconds_after_refusals_have_ended(refused: float) -> None:
    _, store = run_virtually(copied(40_000, Store(refused, 1, since=2.0, until=3.0)))
    before, after = (sum(at <= moment < at + 1 for moment in store.taken) for at in (1.0, 5.0))
    assert after >= 0.75 * before


@pytest.mark.parametrize("functions", [1, 5, 40])
def test_functions_that_share_a_prefix_settle_near_its_limit_with_few_refusals(functions: int) -> None:
    async def story() -> tuple[int, int]:
        store = Store(0.0, 1, limit=3_500.0)
        await asyncio.gather(*(copy_with(InFlight(128), store, 60_000 // functions) for _ in range(functions)))
        inside = [moment for moment in store.taken if 5 <= moment < 15]
        return len(inside), sum(5 <= moment < 15 for moment in store.refused)

    taken, refused = run_virtually(story())
    assert taken >= 0.85 * 35_000
    assert refused <= 0.02 * taken


class Store:
    """Takes 30 ms a copy. Refuses a share of the requests at random from `since` to `until`, and all above `limit`."""

    def __init__(self, share: float, seed: int, *, since: float = 0.0, until: float = 1e9, limit: float = FREE) -> None:
        self._share, self._since, self._until = share, since, until
        self._random, self._bucket = random.Random(seed), TokenBucket(limit, limit * BURST_SECONDS)
        self.taken: list[float] = []
        self.refused: list[float] = []

    async def copy(self) -> bool:
        now = asyncio.get_running_loop().time()
        unlucky = self._since <= now < self._until and self._random.random() < self._share
        if unlucky or not self._bucket.take(now):
            self.refused.append(now)
            await asyncio.sleep(0.015)
            return False
        self.taken.append(now)
        await asyncio.sleep(0.03)
        return True


async def copied(requests: int, store: Store) -> tuple[float, Store]:
    """The seconds that it took."""
    await copy_with(InFlight(128), store, requests)
    return asyncio.get_running_loop().time(), store


async def copy_with(flight: InFlight, store: Store, requests: int) -> None:
    """A refused request waits as `S3Requests` has it wait, at most."""

    async def copy(_number: int) -> None:
        wait = FIRST_BACKOFF_REFUSED
        while True:
            begun = await flight.begin()
            taken = await store.copy()
            flight.end(begun, refused=not taken)
            if taken:
                return
            await asyncio.sleep(FIRST_BACKOFF if flight.is_limited else wait)
            wait *= 2

    await each(copy, range(requests), at_once=128)


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


def test_requests_without_a_slot_wait_in_order() -> None:
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
