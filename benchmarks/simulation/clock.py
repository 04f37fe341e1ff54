"""An event loop whose time passes only when nothing is left to do at the moment: hours of waiting take no time."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _NoWaiting(selectors.SelectSelector):
    """Where the loop would wait, its clock is put forward. No socket is ever looked at."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everything waits, and nothing is going to happen")
        self.loop.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Begins at 0 s. What is due at the same moment runs in the order in which it was asked for."""

    def __init__(self) -> None:
        self.now = 0.0
        selector = _NoWaiting()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


def run_virtually(work: Coroutine[Any, Any, Result]) -> Result:
    """Like `asyncio.run`. Raises `RuntimeError` where all tasks wait for each other."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
