"""Ask a source again while a caller waits."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from service.domain.errors import RateLimited, SourceUnavailable

T = TypeVar("T")

FIRST_WAIT, LONGEST_WAIT = 0.25, 2.0
"""Seconds before the second try, and most seconds before any other; half of it is jitter."""


@dataclass(frozen=True, kw_only=True)
class Again:
    """Repeats calls while the source is unavailable, with backoff, until `seconds` are over."""

    seconds: float
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, call: Callable[[], T]) -> T:
        """Return the call's result. Raises its last `SourceUnavailable`, or at once what else it raises."""
        deadline, longest = self.monotonic() + self.seconds, FIRST_WAIT
        while True:
            try:
                return call()
            except SourceUnavailable as error:
                asked = error.retry_after if isinstance(error, RateLimited) else None
                wait = max(longest * random.uniform(0.5, 1), asked or 0.0)
                if self.monotonic() + wait > deadline:
                    raise
            self.sleep(wait)
            longest = min(2 * longest, LONGEST_WAIT)
