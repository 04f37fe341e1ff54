"""Run the process's event loop in its own thread. All requests of our S3 client run on it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from service.support.parallel import Once

Item = TypeVar("Item")
Result = TypeVar("Result")

LOOKUP_THREADS = 4
"""Threads for blocking calls: name resolution, renewing credentials, botocore's rare requests."""


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` on the loop and wait for its result. Call it from any thread but the loop's own."""
    return asyncio.run_coroutine_threadsafe(work, loop()).result()


def started() -> asyncio.AbstractEventLoop:
    """Start a new event loop in its own thread."""
    made = asyncio.new_event_loop()
    made.set_default_executor(ThreadPoolExecutor(LOOKUP_THREADS, "lookup"))
    threading.Thread(target=made.run_forever, name="s3", daemon=True).start()
    return made


loop = Once(started)
"""The process's event loop."""


async def each(work: Callable[[Item], Coroutine[Any, Any, object]], items: Iterable[Item], *, at_once: int) -> None:
    """Do `work` for each item, at most `at_once` at a time. After an error no item begins, and the error is raised."""
    coming = iter(items)
    errors: list[Exception] = []

    async def take() -> None:
        try:
            for item in coming:
                await work(item)
                if errors:
                    return
        except Exception as error:  # noqa: BLE001  # it is raised below
            errors.append(error)

    await asyncio.gather(*(take() for _ in range(at_once)))
    if errors:
        raise errors[0]
