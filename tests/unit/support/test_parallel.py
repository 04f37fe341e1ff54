"""Work on many items by a few threads, and what threads share."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from service.aws.s3.http import event_loop as loop
from service.support.parallel import Once, each

Result = TypeVar("Result")


def test_results_are_in_the_order_of_the_items() -> None:
    assert each(lambda item: item * 2, range(1_000), threads=8) == list(range(0, 2_000, 2))
    assert each(str, [], threads=8) == []


def test_no_more_threads_than_there_are_items_or_were_asked_for() -> None:
    for items, threads, most in ((3, 8, 3), (100, 4, 4)):
        used: set[str] = set()
        waiting = threading.Barrier(most)

        def work(item: int, used: set[str] = used, most: int = most, waiting: threading.Barrier = waiting) -> None:
            used.add(threading.current_thread().name)
            if item < most:
                waiting.wait(30)  # all of them are at work at once

        each(work, range(items), threads=threads)
        assert len(used) == most


def test_after_an_error_nothing_begins_and_what_runs_ends() -> None:
    begun: list[int] = []
    failed = threading.Event()

    def work(item: int) -> None:
        begun.append(item)
        if item == 0:
            failed.set()
            raise ZeroDivisionError
        failed.wait(30)

    with pytest.raises(ZeroDivisionError):
        each(work, range(1_000), threads=2)
    assert len(begun) < 10


# --- what threads share ----------------------------------------------------------------------------------------------


def asked_at_once(ask: Callable[[], object], number: int = 8) -> list[object]:
    """The answers to threads that come before anything is made."""
    together = threading.Barrier(number)

    def come(_number: int) -> object:
        together.wait()
        return ask()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(come, range(number)))


def slowly(make: Callable[[], Result]) -> Callable[[], Result]:
    """So that all threads have come before anything is made: `functools.cache` would let them in."""

    def made() -> Result:
        time.sleep(0.02)
        return make()

    return made


def test_what_threads_ask_for_at_once_is_made_once() -> None:
    kept = Once(slowly(object))
    first, *others = asked_at_once(kept)
    assert all(other is first for other in others)
    assert kept() is first
    kept.forget()
    assert kept() is not first


def test_what_could_not_be_made_is_tried_again() -> None:
    answers: Iterator[OSError | str] = iter([OSError("no"), "made"])

    def make() -> str:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    kept = Once(make)
    with pytest.raises(OSError, match="no"):
        kept()
    assert kept() == "made"


def test_threads_that_come_first_at_once_share_one_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[asyncio.AbstractEventLoop] = []

    def start() -> asyncio.AbstractEventLoop:
        made.append(loop.started())
        return made[-1]

    monkeypatch.setattr(loop, "loop", Once(slowly(start)))

    async def running() -> object:
        return asyncio.get_running_loop()

    assert asked_at_once(lambda: loop.run(running())) == made * 8
    made[0].call_soon_threadsafe(made[0].stop)
