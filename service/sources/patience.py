"""How often a passing fault is tried again, and how long to wait: one rule for all providers."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from service.domain.errors import RateLimited, SourceUnavailable

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Waits double from `first_wait` to `longest_wait` seconds, with jitter, or last as long as the store asks for.

    A store that asks for more than `longest_wait` is not waited for: whoever runs the batch again comes later.
    """

    attempts: int = 5
    first_wait: float = 0.25
    longest_wait: float = 20.0
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def __call__(self, call: Callable[[], T]) -> T:
        failures = 0
        while True:
            try:
                return call()
            except SourceUnavailable as error:
                failures += 1
                self.wait(failures, error)

    def wait(self, failures: int, error: SourceUnavailable) -> None:
        """Sleep before the next try, or raise the error where `failures` in a row are enough."""
        asked = error.retry_after if isinstance(error, RateLimited) else None
        if failures >= self.attempts or (asked or 0) > self.longest_wait:
            raise error
        backoff = min(self.longest_wait, self.first_wait * 2 ** (failures - 1)) * (0.5 + self.jitter() / 2)
        self.sleep(backoff if asked is None else asked)
