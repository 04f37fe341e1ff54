"""The reader: few requests, limits that hold, errors of the store untouched."""

import io

import pytest

from service.domain.errors import SourceChanged, SourceUnavailable
from service.formats.check import Depth, check_clip
from service.formats.failures import ContentInvalid, Reason
from service.formats.reader import RangeFile, Reader
from tests.unit.formats.making import CLIP, FILM, Source

DATA = bytes(range(256)) * 40


def test_what_was_read_is_not_read_again() -> None:
    source = Source(DATA, size=len(DATA))
    reader = Reader(source, "x")
    assert reader.read(100, 50, ahead=100) == DATA[100:150]
    assert reader.read(150, 100) == DATA[150:250]
    assert reader.read(100, 150) == DATA[100:250]
    assert (reader.reads, reader.bytes) == (1, 150)
    assert source.ranges == [(100, 150)]


def test_only_what_is_missing_is_read() -> None:
    source = Source(DATA, size=len(DATA))
    reader = Reader(source, "x")
    reader.read(1000, 100)
    assert reader.read(1050, 100) == DATA[1050:1150]
    assert reader.read(950, 100) == DATA[950:1050]
    assert source.ranges == [(1000, 100), (1100, 50), (950, 50)]


def test_the_first_span_is_kept() -> None:
    source = Source(DATA, size=len(DATA))
    reader = Reader(source, "x")
    for start in (0, 1000, 2000):
        reader.read(start, 10)
    assert reader.has(0, 10)
    assert not reader.has(1000, 10)
    assert reader.read(0, 10) == DATA[:10]
    assert reader.reads == 3


def test_the_end_cuts_reads_short() -> None:
    reader = Reader(Source(DATA), "x")
    assert reader.tail(10) == DATA[-10:]
    assert reader.read(len(DATA) - 5, 100, ahead=1000) == DATA[-5:]
    assert reader.read(len(DATA), 10) == reader.read(len(DATA) + 10, 10) == b""
    assert reader.tail(10**6) == DATA
    assert reader.size == len(DATA)


def test_the_size_comes_with_the_first_read() -> None:
    head, tail, alone = (Source(DATA) for _ in range(3))
    assert Reader(head, "x").head(10) == DATA[:10]
    assert Reader(tail, "x").tail(10) == DATA[-10:]
    assert Reader(alone, "x").size == len(DATA)
    assert [len(source.ranges) for source in (head, tail, alone)] == [1, 1, 1]


class Silent(Source):
    """Tells its size only where the protocol makes it."""

    def read(self, start: int, length: int) -> bytes:
        data = super().read(start, length)
        self.size = None
        return data


def test_a_size_that_is_not_told_is_asked_for() -> None:
    short, long = Silent(DATA[:100]), Silent(DATA)
    for source in (short, long):
        reader = Reader(source, "x")
        assert reader.head(200) == source.data[:200]
        assert reader.size == len(source.data)
    assert (len(short.ranges), len(long.ranges)) == (1, 2)


@pytest.mark.parametrize("call", ["read", "head", "tail"])
def test_a_read_too_large_is_not_made(call: str) -> None:
    source = Source(DATA)
    reader = Reader(source, "x", max_read=99)
    with pytest.raises(ContentInvalid) as caught:
        {"read": lambda: reader.read(0, 100), "head": lambda: reader.head(100), "tail": lambda: reader.tail(100)}[
            call
        ]()
    assert caught.value.reason is Reason.TOO_MUCH_TO_READ
    assert all(length < 100 for _, length in source.ranges)


def test_reads_stop_at_the_total() -> None:
    source = Source(DATA, size=len(DATA))
    reader = Reader(source, "x", max_total=250)
    reader.read(0, 100)
    reader.read(1000, 100)
    with pytest.raises(ContentInvalid):
        reader.read(2000, 100)
    assert reader.bytes == source.total == 200


def test_reading_ahead_stops_at_the_limit_of_a_read() -> None:
    source = Source(DATA, size=len(DATA))
    assert Reader(source, "x", max_read=50).read(0, 10, ahead=100) == DATA[:10]
    assert source.ranges == [(0, 50)]


@pytest.mark.parametrize("size", [len(CLIP) - 1, len(CLIP) + 1, 100, 10**6])
def test_another_size_than_planned_is_another_object(size: int) -> None:
    class Stubborn(Source):
        def _answer(self, start: int, length: int) -> bytes:
            answer = super()._answer(start, length)
            self.size = size
            return answer

    with pytest.raises(SourceChanged) as caught:
        check_clip("a/clip.zip", Stubborn(CLIP, size=size), depth=Depth.STRUCTURE)
    assert (caught.value.operation, caught.value.uri) == ("read", "a/clip.zip")


@pytest.mark.parametrize(("key", "data"), [("a.zip", CLIP), ("a.mp4", FILM)])
@pytest.mark.parametrize("error", [SourceUnavailable, SourceChanged])
def test_errors_of_the_store_pass_through(key: str, data: bytes, error: type[SourceUnavailable]) -> None:
    planned = error("slow down", operation="GetObject", uri="s3://b/k")

    class Broken(Source):
        def _answer(self, *_: int) -> bytes:
            raise planned

    with pytest.raises(error) as caught:
        check_clip(key, Broken(data), depth=Depth.STRUCTURE)
    assert caught.value is planned


def test_errors_in_the_middle_pass_through_zipfile() -> None:
    planned = SourceUnavailable("slow down", operation="GetObject", uri="s3://b/k")

    class Flaky(Source):
        def _answer(self, start: int, length: int) -> bytes:
            if self.ranges:
                raise planned
            return super()._answer(start, length)

    reader = Reader(Flaky(DATA), "x")
    reader.tail(10)
    with pytest.raises(SourceUnavailable):
        RangeFile(reader).read()


def test_a_file_to_read() -> None:
    file = RangeFile(Reader(Source(DATA), "x"))
    assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
    assert file.seek(-10, io.SEEK_END) == len(DATA) - 10
    assert file.read() == DATA[-10:]
    assert file.read(5) == b""
    assert file.seek(7) == file.tell() == 7
    assert file.seek(3, io.SEEK_CUR) == 10
    assert file.read(6) == DATA[10:16]
    assert file.read(None) == DATA[16:]
    with pytest.raises(OSError, match="seek"):
        file.seek(-1)
