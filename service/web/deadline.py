"""A total time for an exchange with another server, however slowly its bytes come."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock, Timer
from typing import Self


class Deadline:
    """Shuts down the connections of its requests when its seconds are over.

    A socket's own timeout restarts with every byte, so a server that sends a byte a minute could block its client for
    ever. Requests inside `used()` belong to the deadline. A nested deadline never ends later than the outer one.
    """

    def __init__(self, seconds: float) -> None:
        outer = _current.get()
        ends_at = time.monotonic() + seconds
        self.ends_at: float = min(ends_at, outer.ends_at) if outer else ends_at
        """On the monotonic clock, in seconds."""
        self._links: list[socket.socket] = []
        self._lock = Lock()
        self._timer: Timer | None = None

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self.ends_at

    def __enter__(self) -> Self:
        self._timer = Timer(max(0.0, self.ends_at - time.monotonic()), self._end)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._timer:
            self._timer.cancel()
        with self._lock:
            self._links.clear()

    @contextmanager
    def used(self) -> Iterator[None]:
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def add(self, link: socket.socket) -> None:
        with self._lock:
            self._links.append(link)
        if self.passed:
            self._end()

    def _end(self) -> None:
        with self._lock:
            for link in self._links:
                shut_down(link)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def current_deadline() -> Deadline | None:
    return _current.get()


def shut_down(link: socket.socket) -> None:
    """Shut down from any thread: TLS's own shutdown would destroy the session while another thread reads it."""
    try:
        socket.socket.shutdown(link, socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already
