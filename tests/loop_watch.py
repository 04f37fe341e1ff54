"""A watchdog of the process's event loop, which must never wait for a blocking call."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.aws.s3.http import event_loop

SLOW_SECONDS = 0.05
"""Longest time that one callback may hold the loop: all copies of the process wait for it."""
TRIES = 20
"""How often a scenario runs before what it reports counts: a busy machine delays some callback now and then, a call
that blocks is slow each time."""


class _Slow(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.reports: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith("Executing "):
            self.reports.append(record.getMessage())


@contextmanager
def watched_loop() -> Iterator[list[str]]:
    """Collect asyncio's reports of callbacks that held the loop for longer than `SLOW_SECONDS`."""
    loop, handler, log = event_loop.loop(), _Slow(), logging.getLogger("asyncio")
    before = loop.slow_callback_duration
    loop.slow_callback_duration = SLOW_SECONDS
    loop.set_debug(True)
    log.addHandler(handler)
    try:
        yield handler.reports
        event_loop.run(asyncio.sleep(0))  # a callback is reported after its result is known
    finally:
        log.removeHandler(handler)
        loop.set_debug(False)
        loop.slow_callback_duration = before


def blocking_calls(scenario: Callable[[], object], tries: int = TRIES) -> list[str]:
    """Return what held the loop in each of these runs of the scenario; nothing once a run had no report."""
    found: list[str] = []
    for _ in range(tries):
        with watched_loop() as reports:
            scenario()
        if not reports:
            return []
        found = reports
    return found
