"""Share memory between all streamed copies of a process."""

from collections import deque
from threading import Condition

from service.domain.multipart import STREAM_PART_BYTES

MEMORY_BYTES = 128 * 1024**2
"""Eight parts of 16 MiB, for up to eight copies at once: an eighth of the copy function's memory."""


class Memory:
    """Hands out buffers of `total` bytes altogether. Buffers of `reused` bytes are used again: new ones would fragment
    the heap.

    A copy that holds a buffer never waits for another, so some copy always makes progress. Waiting copies are served in
    order, before copies that want one more buffer.
    """

    def __init__(self, total: int = MEMORY_BYTES, *, reused: int = STREAM_PART_BYTES) -> None:
        self.total, self.reused = total, reused
        self._free = total
        self._kept: list[bytearray] = []
        """Free buffers; their bytes are among the free ones."""
        self._queue: deque[object] = deque()
        self._changed = Condition()

    def take(self, size: int) -> bytearray:
        """Wait for a buffer of `size` bytes (`total` at most). Only a copy that holds none may call it."""
        turn = object()
        with self._changed:
            self._queue.append(turn)
            try:
                self._changed.wait_for(lambda: self._queue[0] is turn and size <= self._free)
                return self._buffer(size)
            finally:
                self._queue.remove(turn)
                self._changed.notify_all()

    def try_take(self, size: int) -> bytearray | None:
        """One more buffer without waiting; None where there is no room, or another copy waits for it."""
        with self._changed:
            return None if self._queue or size > self._free else self._buffer(size)

    def give(self, buffer: bytearray) -> None:
        """Return a buffer, once."""
        with self._changed:
            self._free += len(buffer)
            if len(buffer) == self.reused:
                self._kept.append(buffer)
            self._changed.notify_all()

    def _buffer(self, size: int) -> bytearray:
        self._free -= size
        if size == self.reused and self._kept:
            return self._kept.pop()
        while len(self._kept) * self.reused > self._free:
            self._kept.pop()
        return bytearray(size)
