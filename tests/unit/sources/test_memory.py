"""The memory that streamed copies share: never more than there is, and nobody is passed over."""

import time
from collections.abc import Callable
from threading import Thread

from service.sources.memory import Memory

GUARD_SECONDS = 30.0
"""A test that hangs is a test that fails."""


def in_threads(*calls: Callable[[], object]) -> list[Thread]:
    threads = [Thread(target=call, daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    return threads


def ended(threads: list[Thread]) -> bool:
    for thread in threads:
        thread.join(GUARD_SECONDS)
    return not any(thread.is_alive() for thread in threads)


def until_waiting(memory: Memory, count: int) -> None:
    while memory.waiting < count:
        time.sleep(0.001)


def test_no_more_than_there_is() -> None:
    memory = Memory(10)
    held = memory.take(6)
    assert memory.try_take(5) is None
    more = memory.try_take(4)
    assert more is not None
    assert (len(held), len(more)) == (6, 4)
    assert memory.try_take(1) is None
    memory.give(held)
    assert memory.try_take(7) is None
    assert memory.try_take(6) is not None


def test_buffers_of_the_usual_size_are_used_again_and_make_room_for_others() -> None:
    memory = Memory(10, reused=4)
    first, second = memory.take(4), memory.take(4)
    memory.give(first)
    assert memory.take(4) is first
    memory.give(first)
    memory.give(second)
    memory.give(memory.take(10))
    third = memory.take(4)
    assert third is not first, "kept buffers are part of what there is"
    assert third is not second
    assert len(memory.take(0)) == 0


def test_who_waits_comes_before_who_wants_more_and_large_before_later_small() -> None:
    memory = Memory(10)
    held = memory.take(4)
    order: list[int] = []

    def take(size: int) -> None:
        order.append(len(buffer := memory.take(size)))
        memory.give(buffer)

    large = in_threads(lambda: take(10))
    until_waiting(memory, 1)
    assert memory.try_take(1) is None, "there is room, but someone waits"
    small = in_threads(lambda: take(1))
    until_waiting(memory, 2)
    memory.give(held)
    assert ended(large + small)
    assert order == [10, 1]
    assert memory.try_take(10) is not None


def test_someone_who_waited_lets_the_next_one_in_too() -> None:
    memory = Memory(10)
    held = memory.take(10)
    threads = in_threads(*[lambda: memory.take(2)] * 5)
    until_waiting(memory, 5)
    memory.give(held)
    assert ended(threads), "one return of memory serves all five"
