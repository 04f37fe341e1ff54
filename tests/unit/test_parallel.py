"""Work on many items by a few threads."""

import threading

import pytest

from service.parallel import each


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
