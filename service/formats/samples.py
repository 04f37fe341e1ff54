"""A track's sample tables (ISO/IEC 14496-12, 8.6 and 8.7), against each other and against the `mdat` boxes."""

import itertools
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.formats.boxes import Box, corrupt, fields, first, need
from service.formats.failures import ContentInvalid, Reason
from service.formats.fragments import Fragment
from service.formats.movie import Movie, Track

_TABLE = "mdia/minf/stbl"
_SIZES, _COMPACT_SIZES = "stsz", "stz2"


def sample_count(movie: Movie, track: Track) -> int:
    """Samples that `moov` itself describes; those of fragments do not count."""
    table = need(movie.data, track.box, _TABLE)
    sizes = first(movie.data, table, _SIZES) or first(movie.data, table, _COMPACT_SIZES)
    if sizes is None:
        raise corrupt(table.path, "no stsz box in it")
    count: int = fields(movie.data, sizes, "I", 8)[0]
    return count


def check_track(movie: Movie, track: Track, media: Sequence[Box], *, whole: bool) -> None:
    """Raises `ContentInvalid` (MP4_BAD_SAMPLES, MP4_BAD_OFFSETS). A track without a table or samples passes.

    `whole`: `media` are all `mdat` boxes of the object, in their order.
    """
    table = first(movie.data, track.box, _TABLE)
    if table is None or not (count := sample_count(movie, track)):
        return
    _check_times(movie, table, count)
    chunks = _chunk_offsets(movie, table)
    per_chunk = _samples_per_chunk(movie, table, len(chunks))
    if sum(per_chunk) != count:
        message = f"{len(chunks)} chunks hold {sum(per_chunk)} samples, {count} samples have a size"
        raise ContentInvalid(Reason.MP4_BAD_SAMPLES, message, part=table.path)
    if whole:
        places = _Places(media)
        for index, (offset, size) in enumerate(zip(chunks, _chunk_sizes(movie, table, per_chunk), strict=True)):
            places.check(offset, size, f"chunk {index + 1}", table.path)


def check_fragments(fragments: Iterable[Fragment], media: Sequence[Box], *, whole: bool) -> None:
    """Raises `ContentInvalid` (MP4_BAD_OFFSETS) where a run's samples are not in an `mdat` box."""
    if not whole:
        return
    places = _Places(media)
    for fragment in fragments:
        end: int | None = None
        for run in fragment.runs:
            start = run.start if run.start is not None else end
            if start is None:
                continue
            places.check(start, run.size, f"a run of {run.samples} samples", run.path)
            end = start + run.size


@dataclass(frozen=True)
class _Places:
    media: Sequence[Box]

    def check(self, start: int, size: int, what: str, path: str) -> None:
        index = bisect_right(self.media, start, key=lambda box: box.body) - 1
        if index < 0 or start + size > self.media[index].end:
            message = f"{what}, {size} bytes from byte {start}, lies outside the mdat boxes"
            raise ContentInvalid(Reason.MP4_BAD_OFFSETS, message, part=path)


def _check_times(movie: Movie, table: Box, count: int) -> None:
    box = need(movie.data, table, "stts")
    times = _numbers(movie, box, columns=2)
    if sum(times[0::2]) != count:
        message = f"{sum(times[0::2])} samples have a time, {count} have a size"
        raise ContentInvalid(Reason.MP4_BAD_SAMPLES, message, part=box.path)
    if not any(times[1::2]):
        raise ContentInvalid(Reason.MP4_NO_DURATION, "no sample lasts any time", part=box.path)


def _chunk_offsets(movie: Movie, table: Box) -> "array[int]":
    box = first(movie.data, table, "stco")
    return _numbers(movie, box) if box else _numbers(movie, need(movie.data, table, "co64"), wide=True)


def _samples_per_chunk(movie: Movie, table: Box, chunks: int) -> "array[int]":
    """From runs of (first chunk, counted from 1, samples a chunk, description)."""
    box = need(movie.data, table, "stsc")
    runs = _numbers(movie, box, columns=3)
    firsts = runs[0::3]
    firsts.append(chunks + 1)
    if firsts[0] != 1 or any(one >= following for one, following in itertools.pairwise(firsts)):
        message = f"its runs of chunks do not ascend from 1 to {chunks}"
        raise ContentInvalid(Reason.MP4_BAD_SAMPLES, message, part=box.path)
    counts = array("I")
    for (one, following), samples in zip(itertools.pairwise(firsts), runs[1::3], strict=True):
        counts += array("I", [samples]) * (following - one)
    return counts


def _chunk_sizes(movie: Movie, table: Box, per_chunk: "array[int]") -> Iterable[int]:
    """Bytes of each chunk, lazily: a hostile table has millions of them."""
    box = first(movie.data, table, _SIZES)
    if box is None:
        return (0 for _ in per_chunk)  # compact sizes: only where a chunk begins is checked
    (same,) = fields(movie.data, box, "I", 4)
    if same:
        return (same * samples for samples in per_chunk)
    sizes = _numbers(movie, box, count_at=8)
    ends = itertools.accumulate(per_chunk, initial=0)
    return (sum(sizes[start:end]) for start, end in itertools.pairwise(ends))


def _numbers(movie: Movie, box: Box, *, columns: int = 1, wide: bool = False, count_at: int = 4) -> "array[int]":
    """A table's values in one row; its count of entries is at `count_at` of the box and the entries follow."""
    (count,) = fields(movie.data, box, "I", count_at)
    length = count * columns * (8 if wide else 4)
    start = box.body + count_at + 4
    if length > box.end - start:
        message = f"{count} entries do not fit into its {box.end - box.start} bytes"
        raise ContentInvalid(Reason.MP4_BAD_SAMPLES, message, part=box.path)
    numbers = array("Q" if wide else "I", movie.data[start : start + length])
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers
