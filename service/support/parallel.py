"""Run blocking work on many items in a few threads, and share values between threads."""

from collections.abc import Callable, Iterable, Sequence
from functools import update_wrapper
from threading import Lock, Thread
from typing import Generic, TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")
Made = TypeVar("Made")


def each(
    work: Callable[[Item], Result], items: Sequence[Item], *, threads: int, to_the_end: bool = False
) -> list[Result]:
    """Return `work` of every item, in order. After an error no more items begin, and the error is raised.

    With `to_the_end` the other items still begin; the first error is raised after them.

    An executor's `map` needs a future and two locks per item, which cost a tenth of a copy.
    """
    results: list[Result | None] = [None] * len(items)
    errors: list[BaseException] = []
    numbers = iter(range(len(items)))
    turn = Lock()

    def run() -> None:
        while True:
            with turn:
                number = None if errors and not to_the_end else next(numbers, None)
            if number is None:
                return
            try:
                results[number] = work(items[number])
            except BaseException as error:  # noqa: BLE001  # it is raised below
                errors.append(error)

    others = [Thread(target=run, name=f"each-{number}") for number in range(1, min(threads, len(items)))]
    for thread in others:
        thread.start()
    run()
    for thread in others:
        thread.join()
    if errors:
        raise errors[0]
    return cast("list[Result]", results)


def by_turns(items: Iterable[Item], owner: Callable[[Item], object]) -> list[Item]:
    """Return the first item of each owner, then the second ones, and so on."""
    owned: dict[object, list[Item]] = {}
    for item in items:
        owned.setdefault(owner(item), []).append(item)
    turns = [(turn, item) for mine in owned.values() for turn, item in enumerate(mine)]
    return [item for _, item in sorted(turns, key=lambda one: one[0])]


class Once(Generic[Made]):
    """Call a function without arguments once, whichever threads ask, and keep its result.

    With `functools.cache`, each thread that asks before the first result would call it.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make, self._lock = make, Lock()
        self._made: list[Made] = []
        update_wrapper(self, make)

    def __call__(self) -> Made:
        if not self._made:
            with self._lock:
                if not self._made:
                    self._made.append(self._make())
        return self._made[0]

    def forget(self) -> None:
        """Drop the result, so that the next call makes another one."""
        self._made.clear()
