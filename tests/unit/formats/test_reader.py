"""The reader: few requests, limits that hold, errors of the store untouched."""

import asyncio

import pytest

from service.domain.errors import SourceChanged, SourceUnavailable
from service.formats import limits
from service.formats.check import Depth, check_clip, checking
from service.formats.failures import ContentUnchecked, Reason
from service.formats.reader import Range, Reader, run, run_async
from tests.unit.formats.making import CLIP, FILM, Source, Sparse

DATA = bytes(range(256)) * 40


class Read:
    """A `Reader` with its source, driven at once."""

    def __init__(self, source: Source) -> None:
        self.source, self.reader = source, Reader(source.size, "x")

    def __call__(self, start: int, length: int, *, ahead: int = 0) -> bytes:
        return run(self.reader.read(start, length, ahead=ahead), self.source)


def test_what_was_read_is_not_read_again() -> None:
    read = Read(Source(DATA))
    assert read(100, 50, ahead=100) == DATA[100:150]
    assert read(150, 100) == DATA[150:250]
    assert read(100, 150) == DATA[100:250]
    assert (read.reader.reads, read.reader.bytes) == (1, 150)
    assert read.source.ranges == [(100, 150)]


def test_only_what_is_missing_is_read() -> None:
    read = Read(Source(DATA))
    read(1000, 100)
    assert read(1050, 100) == DATA[1050:1150]
    assert read(950, 100) == DATA[950:1050]
    assert read.source.ranges == [(1000, 100), (1100, 50), (950, 50)]


def test_the_first_span_is_kept() -> None:
    read = Read(Source(DATA))
    for start in (0, 1000, 2000):
        read(start, 10)
    assert read.reader.has(0, 10)
    assert not read.reader.has(1000, 10)
    assert read(0, 10) == DATA[:10]
    assert read.reader.reads == 3


def test_the_end_cuts_reads_short() -> None:
    read = Read(Source(DATA))
    assert run(read.reader.tail(10), read.source) == DATA[-10:]
    assert read(len(DATA) - 5, 100, ahead=1000) == DATA[-5:]
    assert read(len(DATA), 10) == read(len(DATA) + 10, 10) == b""
    assert run(read.reader.tail(10**6), read.source) == DATA


def test_two_large_reads_are_not_held_together() -> None:
    """Each is a new range: to join them would hold both, and their copy."""
    source = Sparse(b"", length=100 * 1024**2)
    read = Read(source)
    for start in (0, 20_000_000, 40_000_000):
        read(start, 20_000_001)
    assert source.ranges == [(0, 20_000_001), (20_000_000, 20_000_001), (40_000_000, 20_000_001)]


def test_a_read_too_large_is_not_made() -> None:
    read = Read(Sparse(b"", length=100 * 1024**2))
    with pytest.raises(ContentUnchecked) as caught:
        read(0, limits.MAX_READ_BYTES + 1)
    assert caught.value.reason is Reason.TOO_MUCH_TO_READ
    assert read.source.ranges == []


def test_reads_stop_at_the_total() -> None:
    read = Read(Sparse(b"", length=10 * limits.MAX_TOTAL_BYTES))
    count = limits.MAX_TOTAL_BYTES // limits.MAX_READ_BYTES
    for index in range(count):
        read(2 * index * limits.MAX_READ_BYTES, limits.MAX_READ_BYTES)
    with pytest.raises(ContentUnchecked):
        read(limits.MAX_TOTAL_BYTES * 9, 1)
    assert read.reader.bytes == read.source.total == limits.MAX_TOTAL_BYTES


def test_reads_stop_at_their_number() -> None:
    read = Read(Sparse(b"", length=10**6))
    for index in range(limits.MAX_READS):
        read(index * 100, 1)
    with pytest.raises(ContentUnchecked):
        read(900_000, 1)
    assert read.reader.reads == limits.MAX_READS


def test_reading_ahead_stops_at_the_limit_of_a_read() -> None:
    read = Read(Sparse(b"", length=10 * limits.MAX_READ_BYTES))
    assert read(0, 10, ahead=2 * limits.MAX_READ_BYTES) == bytes(10)
    assert read.source.ranges == [(0, limits.MAX_READ_BYTES)]


@pytest.mark.parametrize("size", [len(CLIP) - 1, len(CLIP) + 1, 100, 10**6])
def test_another_size_than_planned_is_another_object(size: int) -> None:
    class Stubborn(Source):
        @property
        def size(self) -> int:
            return size

        def read(self, start: int, length: int) -> bytes:
            return CLIP[start : start + length] if size > len(CLIP) else CLIP[start:]

    with pytest.raises(SourceChanged) as caught:
        check_clip("a/clip.zip", Stubborn(CLIP), depth=Depth.STRUCTURE)
    assert (caught.value.operation, caught.value.uri) == ("read", "a/clip.zip")


@pytest.mark.parametrize(("key", "data"), [("a.zip", CLIP), ("a.mp4", FILM)])
@pytest.mark.parametrize("error", [SourceUnavailable, SourceChanged])
def test_errors_of_the_store_pass_through(key: str, data: bytes, error: type[SourceUnavailable]) -> None:
    planned = error("slow down", operation="GetObject", uri="s3://b/k")

    class Broken(Source):
        def read(self, *_: int) -> bytes:
            raise planned

    with pytest.raises(error) as caught:
        check_clip(key, Broken(data), depth=Depth.STRUCTURE)
    assert caught.value is planned


@pytest.mark.parametrize(("key", "data"), [("a.zip", CLIP), ("a.mp4", FILM)])
def test_a_thread_and_an_event_loop_come_to_the_same_verdict(key: str, data: bytes) -> None:
    source, asked = Source(data), []

    async def read(start: int, length: int) -> bytes:
        await asyncio.sleep(0)
        asked.append(Range(start, length))
        return data[start : start + length]

    verdict = asyncio.run(run_async(checking(key, len(data), depth=Depth.DEEP), read))
    assert verdict == check_clip(key, source, depth=Depth.DEEP)
    assert asked == source.ranges
