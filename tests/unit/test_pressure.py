"""How many requests may be in flight."""

import asyncio

import pytest

from service.aws.pressure import InFlight, NoTurn


def begun(flight: InFlight) -> int:
    return asyncio.run(flight.begin())


def answered(flight: InFlight, count: int, *, refused: bool = False) -> None:
    for _ in range(count):
        flight.end(begun(flight), refused=refused)


def test_the_limit_is_halved_once_for_all_that_were_in_flight() -> None:
    flight = InFlight(64)
    for one in [begun(flight) for _ in range(64)]:
        flight.end(one, refused=True)
    assert flight.limit == 32


def test_each_refusal_after_a_cut_cuts_again_down_to_one() -> None:
    flight = InFlight(64)
    answered(flight, 10, refused=True)
    assert flight.limit == 1
    answered(flight, 1)
    assert flight.limit == 2


def test_it_grows_by_one_a_round_and_never_beyond_the_most() -> None:
    flight = InFlight(32)
    answered(flight, 2, refused=True)
    assert flight.limit == 8
    answered(flight, 8)
    assert 8.9 < flight.limit < 9.1
    answered(flight, 1_000)
    assert flight.limit == 32


def test_late_answers_to_what_began_before_a_cut_raise_the_limit_no_less() -> None:
    flight = InFlight(4)
    early = begun(flight)
    flight.end(begun(flight), refused=True)
    flight.end(early, refused=False)
    assert flight.limit == 2.5


def test_whoever_has_no_turn_waits_for_an_end_the_longest_first() -> None:
    async def story() -> list[str]:
        flight, had = InFlight(1), []

        async def ask(name: str) -> None:
            one = await flight.begin()
            had.append(name)
            flight.end(one, refused=False)

        first = await flight.begin()
        waiting = [asyncio.ensure_future(ask(name)) for name in ("a", "b", "c")]
        await asyncio.sleep(0)
        assert not had
        flight.end(first, refused=False)
        late = asyncio.ensure_future(ask("late"))  # the turn that is free now belongs to the one that waited
        await asyncio.gather(*waiting, late)
        return had

    assert asyncio.run(story()) == ["a", "b", "c", "late"]


def test_after_a_cut_ends_give_no_turn_until_fewer_are_in_flight() -> None:
    async def story() -> None:
        flight = InFlight(4)
        four = [await flight.begin() for _ in range(4)]
        waiting = asyncio.ensure_future(flight.begin())
        await asyncio.sleep(0)
        flight.end(four[0], refused=True)
        flight.end(four[1], refused=True)
        await asyncio.sleep(0)
        assert not waiting.done()
        flight.end(four[2], refused=True)
        assert await waiting == 1

    asyncio.run(story())


def test_a_turn_that_does_not_come_is_an_error_and_keeps_none() -> None:
    async def story() -> None:
        flight = InFlight(1, wait_seconds=0.01)
        only = await flight.begin()
        with pytest.raises(NoTurn):
            await flight.begin()
        flight.end(only, refused=False)
        await flight.begin()

    asyncio.run(story())
