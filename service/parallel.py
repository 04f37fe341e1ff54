"""Blocking work on many items by a few threads."""

from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(work: Callable[[Item], Result], items: Sequence[Item], *, threads: int) -> list[Result]:
    """`work` of every item, in order. After one has raised nothing more begins, and its error is raised.

    An executor's `map` does the same, at the cost of a future and two locks an item: a tenth of what a copy takes.
    """
    results: list[Result | None] = [None] * len(items)
    errors: list[BaseException] = []
    numbers = iter(range(len(items)))
    turn = Lock()

    def run() -> None:
        while True:
            with turn:
                number = None if errors else next(numbers, None)
            if number is None:
                return
            try:
                results[number] = work(items[number])
            except BaseException as error:  # noqa: BLE001  # it is raised below
                errors.append(error)

    running = [Thread(target=run, name=f"each-{number}") for number in range(min(threads, len(items)))]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if errors:
        raise errors[0]
    return cast("list[Result]", results)
