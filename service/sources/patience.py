"""How often a passing fault is tried again, and how long to wait: one rule for all providers."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from service.domain.errors import RateLimited, SourceUnavailable
from service.web.deadline import Deadline

T = TypeVar("T")

REQUEST_SECONDS, PART_SECONDS = 60.0, 150.0
"""A part of 16 MiB is 112 KB/s at least then. A round of copying keeps 180 s for what is under way
(`lambdas.copy.MARGIN_MS`)."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Waits double from `first_wait` to `longest_wait` seconds, with jitter, or last as long as the store asks for.

    A store that asks for more than `longest_wait` is not waited for: the batch is run again later.
    """

    attempts: int = 5
    first_wait: float = 0.25
    longest_wait: float = 20.0
    request_seconds: float = REQUEST_SECONDS
    """A request that is no part: a HEAD, a page of a listing, a token. All tries and waits together."""
    part_seconds: float = PART_SECONDS
    """A part, or a whole clip of up to a part, likewise."""
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def __call__(self, call: Callable[[], T], uri: str) -> T:
        """What the call returns; `uri` names what it asks for. Raises `SourceUnavailable` where the time is over.

        A connection that its deadline ends may look like the end of an answer, so an answer after it does not count.
        """
        failures = 0
        with Deadline(self.request_seconds) as deadline, deadline.used():
            while True:
                try:
                    found = call()
                    if deadline.passed:
                        raise SourceUnavailable("it came too late", operation="read", uri=uri)
                    return found
                except SourceUnavailable as error:
                    failures += 1
                    check_pace(deadline, error)
                    self.wait(failures, error)
                    check_pace(deadline, error)

    def wait(self, failures: int, error: SourceUnavailable) -> None:
        """Sleep before the next try, or raise the error where `failures` in a row are enough."""
        asked = error.retry_after if isinstance(error, RateLimited) else None
        if failures >= self.attempts or (asked or 0) > self.longest_wait:
            raise error
        backoff = min(self.longest_wait, self.first_wait * 2 ** (failures - 1)) * (0.5 + self.jitter() / 2)
        self.sleep(backoff if asked is None else asked)


def check_pace(deadline: Deadline, error: SourceUnavailable) -> None:
    """Raise the error of a request whose time is over, and say so."""
    if deadline.passed:
        message = f"the store was too slow: its answer did not come in time ({error.code})"
        raise SourceUnavailable(message, operation=error.operation, uri=error.uri) from None
