"""Reads parts of one object: few requests, none of them large, all of them counted."""

import io
from dataclasses import dataclass
from typing import Protocol

from service.domain.errors import SourceChanged
from service.formats.failures import ContentInvalid, Reason

MAX_READ_BYTES = 16 * 1024**2
"""Of one read: a size that a hostile file declares must not decide our memory."""
MAX_TOTAL_BYTES = 64 * 1024**2
"""Of all reads of one check: about a second of a function's network, and ten times what a large valid clip needs."""


class RangeReader(Protocol):
    """What an adapter offers for one pinned object (size and ETag). Errors are `service.domain.errors.ObjectError`s.

    Both methods answer all of the bytes asked for; only the object's end cuts them short. S3 answers 416 to a range
    that has no byte, and to any range of an empty object: that is an empty answer here, not an error.
    """

    @property
    def size(self) -> int | None:
        """Bytes of the object; None until known, which is after the first read at the latest."""
        ...

    def read(self, start: int, length: int) -> bytes: ...

    def read_tail(self, length: int) -> tuple[bytes, int]:
        """The last `length` bytes (all of them where there are fewer) and the object's size."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    data: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.data)

    def covers(self, start: int, end: int) -> bool:
        return self.start <= start and end <= self.end


class Reader:
    """Random access over a `RangeReader` that keeps two spans: the first one read, and the latest.

    Raises `ContentInvalid` (TOO_MUCH_TO_READ) in place of a read that would go over a limit, and `SourceChanged` where
    the object is not as long as it was said to be. For one thread.
    """

    def __init__(
        self,
        source: RangeReader,
        name: str,
        *,
        max_read: int = MAX_READ_BYTES,
        max_total: int = MAX_TOTAL_BYTES,
    ) -> None:
        self.name = name
        self.max_read = max_read
        self.reads = 0
        """Requests made."""
        self.bytes = 0
        """Bytes they brought."""
        self._source = source
        self._max_total = max_total
        self._size = source.size
        self._first = self._latest = Span(0, b"")

    @property
    def size(self) -> int:
        if self._size is None:
            self.tail(1)
            assert self._size is not None
        return self._size

    def head(self, length: int) -> bytes:
        """The first `length` bytes, or all there are. The first read where the size is unknown yet."""
        if self._size is not None:
            return self.read(0, length)
        self._allow(length)
        data = self._source.read(0, length)
        self._count(data)
        self._first = Span(0, data)
        self._size = self._source.size
        if self._size is None and len(data) < length:
            self._size = len(data)
        return self.read(0, length)

    def tail(self, length: int) -> bytes:
        """The last `length` bytes, or all there are."""
        if self._size is not None and (self._size == 0 or self.has(max(self._size - length, 0), length)):
            return self.read(max(self._size - length, 0), length)
        self._allow(length)
        data, size = self._source.read_tail(length)
        self._count(data)
        if self._size not in (None, size) or len(data) != min(length, size):
            raise self._changed(f"its last {length} bytes are {len(data)} of {size}, planned {self._size}")
        self._size = size
        self._keep(Span(size - len(data), data))
        return data

    def has(self, start: int, length: int) -> bool:
        """Whether reading this makes no request."""
        end = min(start + length, self.size)
        return end <= start or self._latest.covers(start, end) or self._first.covers(start, end)

    def read(self, start: int, length: int, *, ahead: int = 0) -> bytes:
        """`length` bytes from `start`, fewer at the object's end. A request, where one is made, brings `ahead` more."""
        end = min(start + length, self.size)
        if end <= start:
            return b""
        for span in (self._latest, self._first):
            if span.covers(start, end):
                return span.data[start - span.start : end - span.start]
        self._keep(Span(start, self._fetch(start, end, min(end + ahead, self.size))))
        return self._latest.data[: end - start]

    def _fetch(self, start: int, end: int, wanted: int) -> bytes:
        """The bytes of [start, wanted), or [start, end) at least; what a span has of them is not read again."""
        self._allow(end - start)
        for span in (self._latest, self._first):
            if span.start <= start < span.end:
                return span.data[start - span.start :] + self._get(span.end, wanted)
            if span.start < end <= span.end:
                return self._get(start, span.start) + span.data
        return self._get(start, wanted)

    def _get(self, start: int, end: int) -> bytes:
        end = min(end, start + self.max_read)
        self._allow(end - start)
        data = self._source.read(start, end - start)
        self._count(data)
        if len(data) != end - start:
            raise self._changed(f"bytes {start} to {end - 1} are {len(data)} in number")
        return data

    def _keep(self, span: Span) -> None:
        if not self._first.data:
            self._first = span
        self._latest = span

    def _allow(self, length: int) -> None:
        if length > self.max_read or self.bytes + length > self._max_total:
            raise ContentInvalid(
                Reason.TOO_MUCH_TO_READ,
                f"reading {length} more bytes than the {self.bytes} read so far is over the limits of a check"
                f" ({self.max_read} a read, {self._max_total} in total)",
            )

    def _count(self, data: bytes) -> None:
        self.reads += 1
        self.bytes += len(data)

    def _changed(self, message: str) -> SourceChanged:
        return SourceChanged(message, operation="read", uri=self.name)


class RangeFile(io.RawIOBase):
    """A seekable file to read over a `Reader`, for `zipfile`. Reads what is cached without a request."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._reader.size}[whence]
        if base + offset < 0:
            raise OSError(f"cannot seek to {base + offset}")
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        length = max(self._reader.size - self._at, 0) if size is None or size < 0 else size
        data = self._reader.read(self._at, length)
        self._at += len(data)
        return data
