"""Read parts of one object with few requests, and count them.

A check is a generator: it yields the `Range` that it needs next and receives the bytes. It does no input or output
itself, so a thread (`run`) and an event loop (`run_async`) can drive the same code.
"""

from collections.abc import Awaitable, Callable, Generator
from typing import NamedTuple, Protocol, TypeVar

from service.domain.errors import SourceChanged
from service.formats.failures import ContentUnchecked, Reason
from service.formats.limits import MAX_READ_BYTES, MAX_READS, MAX_TOTAL_BYTES, Work

JOINED_BYTES = 4 * 1024**2
"""Up to this size a new read is joined to the bytes at hand; above, the copy would need more memory than reading the
shared bytes again."""

T = TypeVar("T")


class Range(NamedTuple):
    """Bytes that a check needs: at least one, all within the object."""

    start: int
    length: int


Reading = Generator[Range, bytes, T]


class RangeReader(Protocol):
    """Reads one pinned object (size and ETag). Errors are `service.domain.errors.ObjectError`s."""

    @property
    def size(self) -> int:
        """Return the object's size, known from planning without a request."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """Return all requested bytes, which are within the object."""
        ...


def run(reading: Reading[T], source: RangeReader) -> T:
    """Run a check with blocking reads. Raises the errors of `source` and of the check."""
    try:
        wanted = next(reading)
        while True:
            wanted = reading.send(source.read(wanted.start, wanted.length))
    except StopIteration as done:
        result: T = done.value
        return result


async def run_async(reading: Reading[T], read: Callable[[int, int], Awaitable[bytes]]) -> T:
    """Run a check on an event loop; `read` takes start and length."""
    try:
        wanted = next(reading)
        while True:
            wanted = reading.send(await read(wanted.start, wanted.length))
    except StopIteration as done:
        result: T = done.value
        return result


class Span(NamedTuple):
    start: int
    data: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.data)


class Reader:
    """Random access to an object of `size` bytes. Keeps two spans of it: the first one read, and the latest.

    Raises `ContentUnchecked` (TOO_MUCH_TO_READ) before a read that would exceed a limit, and `SourceChanged` if an
    answer has another length than its range.
    """

    def __init__(self, size: int, name: str) -> None:
        self.size = size
        self.name = name
        self.work = Work()
        self.reads = 0
        """Requests made."""
        self.bytes = 0
        """Bytes read by them."""
        self._first = self._latest = Span(0, b"")

    def tail(self, length: int) -> Reading[bytes]:
        """Return the last `length` bytes, or all there are."""
        return (yield from self.read(max(self.size - length, 0), length))

    def has(self, start: int, length: int) -> bool:
        """Return whether reading this needs no request."""
        end = min(start + length, self.size)
        return end <= start or any(span.start <= start and end <= span.end for span in (self._latest, self._first))

    def read(self, start: int, length: int, *, ahead: int = 0) -> Reading[bytes]:
        """Return `length` bytes from `start`, fewer at the object's end. A request reads `ahead` more."""
        data, at = yield from self.view(start, length, ahead=ahead)
        return data[at : at + min(length, max(self.size - start, 0))]

    def view(self, start: int, length: int, *, ahead: int = 0) -> Reading[tuple[bytes, int]]:
        """Like `read`, without a copy: return bytes, and the position of `start` in them."""
        end = min(start + length, self.size)
        if end <= start:
            return b"", 0
        for span in (self._latest, self._first):
            if span.start <= start and end <= span.end:
                return span.data, start - span.start
        yield from self._fetch(start, end, min(end + ahead, self.size, max(end, start + MAX_READ_BYTES)))
        return self._latest.data, start - self._latest.start

    def _fetch(self, start: int, end: int, wanted: int) -> Reading[None]:
        """Make [start, wanted) the latest span. Does not read bytes again that a span has."""
        for span in (self._latest, self._first):
            if wanted - start <= JOINED_BYTES and len(span.data) <= JOINED_BYTES:
                if span.start <= start < span.end:
                    self._keep(Span(start, span.data[start - span.start :] + (yield from self._get(span.end, wanted))))
                    return
                if span.start < end <= span.end:
                    self._keep(Span(start, (yield from self._get(start, span.start)) + span.data))
                    return
        if wanted - start > JOINED_BYTES:
            self._latest = self._first  # two large spans would exceed the memory limit
        self._keep(Span(start, (yield from self._get(start, wanted))))

    def _get(self, start: int, end: int) -> Reading[bytes]:
        length = end - start
        if length > MAX_READ_BYTES or self.bytes + length > MAX_TOTAL_BYTES or self.reads >= MAX_READS:
            message = (
                f"{length:,} more bytes are needed after {self.reads:,} reads of {self.bytes:,} bytes; a check makes at"
                f" most {MAX_READS:,} reads of {MAX_READ_BYTES:,} bytes, {MAX_TOTAL_BYTES:,} bytes altogether"
            )
            raise ContentUnchecked(Reason.TOO_MUCH_TO_READ, message)
        data = yield Range(start, length)
        self.reads += 1
        self.bytes += len(data)
        if len(data) != length:
            message = f"bytes {start:,} to {end - 1:,} are {len(data):,} in number"
            raise SourceChanged(message, operation="read", uri=self.name)
        return data

    def _keep(self, span: Span) -> None:
        if not self._first.data and len(span.data) <= JOINED_BYTES:
            self._first = span
        self._latest = span
