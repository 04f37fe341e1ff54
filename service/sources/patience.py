"""Retry transient errors with backoff: one rule for all providers."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from service.domain.errors import RateLimited, SourceUnavailable
from service.web.deadline import Deadline

T = TypeVar("T")

REQUEST_SECONDS, PART_SECONDS = 60.0, 150.0
"""Total seconds of a part: at least 112 KB/s for 16 MiB. A copying round keeps 180 s for running requests
(`lambdas.copy.MARGIN_MS`)."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Retry policy: exponential backoff from `first_wait` to `longest_wait` seconds with jitter.

    A store's own wait (`Retry-After`) takes its place. If it is above `longest_wait`, the call fails, and the batch is
    retried later.
    """

    attempts: int = 5
    first_wait: float = 0.25
    longest_wait: float = 20.0
    request_seconds: float = REQUEST_SECONDS
    """Total seconds of a request without a part (HEAD, page of a listing, token), with all retries and waits."""
    part_seconds: float = PART_SECONDS
    """Total seconds of a part, or of a whole clip no larger than a part, with all retries and waits."""
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def __call__(self, call: Callable[[], T], uri: str) -> T:
        """Return the call's result; `uri` names the object in errors. Raises `SourceUnavailable` when the time is over.

        A connection that the deadline closed may look like the end of an answer, so a late answer is dropped.
        """
        failures = 0
        with Deadline(self.request_seconds) as deadline, deadline.used():
            while True:
                try:
                    found = call()
                    if deadline.passed:
                        raise SourceUnavailable("the store did not answer in time", operation="read", uri=uri)
                    return found
                except SourceUnavailable as error:
                    failures += 1
                    check_pace(deadline, error)
                    self.wait(failures, error)
                    check_pace(deadline, error)

    def wait(self, failures: int, error: SourceUnavailable) -> None:
        """Sleep before the next try; raise the error after too many `failures` in a row."""
        asked = error.retry_after if isinstance(error, RateLimited) else None
        if failures >= self.attempts or (asked or 0) > self.longest_wait:
            raise error
        backoff = min(self.longest_wait, self.first_wait * 2 ** (failures - 1)) * (0.5 + self.jitter() / 2)
        self.sleep(backoff if asked is None else asked)


def check_pace(deadline: Deadline, error: SourceUnavailable) -> None:
    """Raise a timeout error if the request's time is over."""
    if deadline.passed:
        message = f"the store did not answer in time ({error.code})"
        raise SourceUnavailable(message, operation=error.operation, uri=error.uri) from None
