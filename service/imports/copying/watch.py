"""Keep the state of a batch up to date in a thread of its own."""

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Protocol, Self

from service.domain.manifest import BatchState

WATCH_SECONDS = 2.0
"""How soon a worker notices that its import was cancelled, or that its batch was counted without it."""
STALE_SECONDS = 60.0
"""How old the state may get while it cannot be read. Then reading it raises the error of the last try."""


class Watch(Protocol):
    """A context manager that knows the batch's state from its beginning to its end."""

    @property
    def state(self) -> BatchState:
        """The last known state. Never waits for the table."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_error: object) -> None: ...


class BatchWatch:
    """Read the state at the beginning and every `seconds` from then on.

    Copies run on one event loop (`service.aws.s3.http.event_loop`) and look at the state before they begin. A read of
    the table there would stop all copies in flight for as long as it takes, so a thread reads.
    """

    def __init__(
        self,
        read: Callable[[], BatchState],
        *,
        seconds: float = WATCH_SECONDS,
        stale_seconds: float = STALE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._seconds, self._stale_seconds, self._monotonic = read, seconds, stale_seconds, monotonic
        self._over = Event()
        self._thread = Thread(target=self._watch, name="batch-watch", daemon=True)
        self._error: Exception | None = None

    @property
    def state(self) -> BatchState:
        """Raises the read's error once the state is older than `stale_seconds`."""
        if self._error and self._monotonic() - self._read_at > self._stale_seconds:
            raise self._error
        return self._state

    def __enter__(self) -> Self:
        self._refresh()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self._seconds):
            try:
                self._refresh()
            except Exception as error:  # noqa: BLE001  # `state` raises it when it matters
                self._error = error

    def _refresh(self) -> None:
        self._state, self._read_at = self._read(), self._monotonic()
        self._error = None
