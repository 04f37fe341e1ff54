"""How many requests may be in flight."""

import threading

import pytest

from service.aws.pressure import InFlight, NoTurn


def answered(flight: InFlight, count: int, *, refused: bool = False) -> None:
    for _ in range(count):
        flight.end(flight.begin(), refused=refused)


def test_the_limit_is_halved_once_for_all_that_were_in_flight() -> None:
    flight = InFlight(64)
    begun = [flight.begin() for _ in range(64)]
    for one in begun:
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
    early = flight.begin()
    flight.end(flight.begin(), refused=True)
    flight.end(early, refused=False)
    assert flight.limit == 2.5


def test_whoever_has_no_turn_waits_for_an_end() -> None:
    flight = InFlight(1)
    begun = flight.begin()
    had_turn = threading.Event()

    def wait() -> None:
        flight.end(flight.begin(), refused=False)
        had_turn.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not had_turn.wait(0.05)
    flight.end(begun, refused=False)
    assert had_turn.wait(30)
    waiting.join()


def test_a_turn_that_does_not_come_is_an_error() -> None:
    flight = InFlight(1, wait_seconds=0.01)
    flight.begin()
    with pytest.raises(NoTurn):
        flight.begin()
