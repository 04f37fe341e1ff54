"""The memory that all streamed copies of a process share."""

from collections import deque
from threading import Condition

from service.domain.multipart import STREAM_PART_BYTES

MEMORY_BYTES = 128 * 1024**2
"""Eight parts: two copies at full width and a third at two parts, or eight at one each.

A small share of the copy function's memory."""


class Memory:
    """Buffers of `total` bytes altogether. Those of `reused` bytes are used again: new ones would fragment the heap.

    Who holds a buffer never waits for another one, so somebody always goes on; who waits is served in order, and before
    those who want one more, so nobody waits longer than the parts take that were begun before.
    """

    def __init__(self, total: int = MEMORY_BYTES, *, reused: int = STREAM_PART_BYTES) -> None:
        self.total, self.reused = total, reused
        self._free = total
        self._kept: list[bytearray] = []
        """Free buffers; their bytes are among the free ones."""
        self._queue: deque[object] = deque()
        self._changed = Condition()

    @property
    def waiting(self) -> int:
        """How many wait for a buffer."""
        return len(self._queue)

    def take(self, size: int) -> bytearray:
        """A buffer of `size` bytes, `total` at most. Waits: only for who holds none."""
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
        """One more buffer; None where there is no room, or someone waits for it."""
        with self._changed:
            return None if self._queue or size > self._free else self._buffer(size)

    def give(self, buffer: bytearray) -> None:
        """Back, once."""
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
