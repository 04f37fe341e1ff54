"""Share one memory budget between all streamed copies of a process."""

from collections import deque
from threading import Condition

from service.domain.multipart import STREAM_PART_BYTES

MEMORY_BYTES = 128 * 1024**2
"""Eight parts of 16 MiB, for up to eight copies at once: an eighth of the copy function's memory."""


class Memory:
    """Hands out buffers with `total` bytes together. Buffers of `reused` bytes are reused, since new ones would
    fragment the heap.

    A copy that holds a buffer never waits for another, so some copy always makes progress. Waiting copies are served in
    order, before copies that want one more buffer.
    """

    def __init__(self, total: int = MEMORY_BYTES, *, reused: int = STREAM_PART_BYTES) -> None:
        self.total, self.reused = total, reused
        self._free = total
        self._kept: list[bytearray] = []
        """Free buffers. Their bytes count as free."""
        self._queue: deque[object] = deque()
        self._changed = Condition()

    @property
    def waiting(self) -> int:
        """Return how many copies wait for a buffer."""
        return len(self._queue)

    def take(self, size: int) -> bytearray:
        """Wait for a buffer of `size` bytes (at most `total`). Call it only from a copy that holds no buffer."""
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
        """Return one more buffer without waiting; None if there is no room or another copy waits."""
        with self._changed:
            return None if self._queue or size > self._free else self._buffer(size)

    def give(self, buffer: bytearray) -> None:
        """Return a buffer. Call it once for each."""
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
