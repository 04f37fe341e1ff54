"""Compare a track's sample tables (ISO/IEC 14496-12, 8.6 and 8.7) with each other and with the `mdat` boxes."""

import itertools
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import add, mul
from typing import NamedTuple

from service.formats.boxes import Box, corrupt, fields, numbers
from service.formats.facts import Findings
from service.formats.failures import ContentInvalid, ContentUnchecked, Note, Reason
from service.formats.fragments import Run
from service.formats.limits import CHUNK_ENTRIES, MAX_TABLE_ENTRIES, Work
from service.formats.movie import SOUND, VIDEO, Movie, Track

_SLACK, _SLACK_SHARE = 2, 100
"""Two tables may differ by 2 samples or 1 %: players show the rest."""


class _Chunks(NamedTuple):
    offsets: "array[int]"
    samples: "array[int]"
    """Samples in each chunk."""


def check_track(
    movie: Movie,
    track: Track,
    media: Sequence[Box],
    work: Work,
    findings: Findings,
    *,
    whole: bool,
    size: int,
) -> None:
    """Check a video or sound track.

    `whole`: `media` has all `mdat` boxes of the object; else samples must only be within its `size` bytes. Raises
    `ContentInvalid` (MP4_BAD_SAMPLES, MP4_BAD_OFFSETS, MP4_CORRUPT).
    """
    if not track.samples:
        return
    _check_times(movie, track, work, findings)
    chunks = _chunks(movie, track, work, findings)
    places = media if whole else [Box(b"mdat", 0, 0, size)]
    work.add_entries(CHUNK_ENTRIES * len(chunks.offsets))
    if len(places) == 1 and chunks.offsets:
        ends = map(add, chunks.offsets, _chunk_sizes(movie, track, chunks, work))
        if min(chunks.offsets) >= places[0].body and max(ends) <= places[0].end:
            return
    for start, length in zip(chunks.offsets, _chunk_sizes(movie, track, chunks, work), strict=True):
        _check_place(places, start, length, "a chunk", track.path)


def check_fragments(runs: Iterable[Run], media: Sequence[Box], *, whole: bool) -> None:
    """Raises `ContentInvalid` (MP4_BAD_OFFSETS) if a run's samples are not in an `mdat` box."""
    if whole:
        for run in runs:
            _check_place(media, run.start, run.size, f"a run of {run.samples} samples", "moof")


def last_byte(movie: Movie, track: Track, work: Work) -> int:
    """Return the object's byte after the track's last sample, by its tables."""
    if not track.samples:
        return 0
    chunks = _chunks(movie, track, work, Findings("mp4"))
    return max(
        start + length for start, length in zip(chunks.offsets, _chunk_sizes(movie, track, chunks, work), strict=True)
    )


def _check_place(media: Sequence[Box], start: int, size: int, what: str, path: str) -> None:
    index = bisect_right(media, start, key=lambda box: box.body) - 1
    if index < 0 or start + size > media[index].end:
        message = f"{what}, {size:,} bytes from byte {start:,}, lies outside the media"
        raise ContentInvalid(Reason.MP4_BAD_OFFSETS, message, part=path)


def _check_times(movie: Movie, track: Track, work: Work, findings: Findings) -> None:
    times = _table(movie, track, b"stts", work, columns=2)
    _agree(sum(times[0::2]), track.samples, "have a time", track, findings)


def _agree(count: int, samples: int, what: str, track: Track, findings: Findings) -> None:
    if count == samples:
        return
    if track.handler == VIDEO and abs(count - samples) > max(_SLACK, samples // _SLACK_SHARE):
        message = f"{count:,} samples {what}, {samples:,} have a size"
        raise ContentInvalid(Reason.MP4_BAD_SAMPLES, message, part=track.path)
    findings.note(Note.MP4_SAMPLE_COUNT)


def _chunks(movie: Movie, track: Track, work: Work, findings: Findings) -> _Chunks:
    """Read the chunks from runs of (first chunk, counted from 1, samples per chunk, description)."""
    wide = b"stco" not in track.tables
    offsets = _table(movie, track, b"co64" if wide else b"stco", work, wide=wide)
    runs = _table(movie, track, b"stsc", work, columns=3)
    firsts = [first for first in runs[0::3] if first <= len(offsets)]
    if len(firsts) * 3 < len(runs):
        findings.note(Note.MP4_SAMPLE_COUNT)
    firsts.append(len(offsets) + 1)
    if firsts[0] != 1 or any(one >= following for one, following in itertools.pairwise(firsts)):
        message = f"its runs of chunks do not ascend from 1 to {len(offsets):,}"
        raise ContentInvalid(Reason.MP4_BAD_SAMPLES, message, part=track.path)
    counts = array("I")
    for (one, following), samples in zip(itertools.pairwise(firsts), runs[1::3], strict=False):
        counts += array("I", [samples]) * (following - one)
    _agree(sum(counts), track.samples, "are in a chunk", track, findings)
    return _Chunks(offsets, counts)


def _chunk_sizes(movie: Movie, track: Track, chunks: _Chunks, work: Work) -> Iterable[int]:
    """Yield the bytes of each chunk, lazily: a hostile table has millions of them."""
    box = track.tables.get(b"stsz")
    same = fields(movie.data, box, "I", 4)[0] if box else 0
    # Compact sizes are not unpacked. QuickTime's sound counts frames of one byte, for packets of any size.
    if box is None or (same and track.handler == SOUND):
        return itertools.repeat(0, len(chunks.samples))
    if same:
        return map(mul, itertools.repeat(same), chunks.samples)
    sizes = _table(movie, track, b"stsz", work, count_at=8)
    if len(sizes) == len(chunks.samples) and max(chunks.samples) == 1:
        return sizes
    ends = itertools.accumulate(chunks.samples, initial=0)
    return (sum(sizes[start:end]) for start, end in itertools.pairwise(ends))


def _table(
    movie: Movie, track: Track, kind: bytes, work: Work, *, columns: int = 1, wide: bool = False, count_at: int = 4
) -> "array[int]":
    """Return a table's values in one row. `count_at` is the position of its number of entries; the entries follow."""
    box = track.tables.get(kind)
    if box is None:
        raise corrupt(track.path, f"no {kind.decode()} box in it")
    (count,) = fields(movie.data, box, "I", count_at)
    start = box.body + count_at + 4
    if count * columns * (8 if wide else 4) > box.end - start:
        message = f"{count:,} entries do not fit into its {box.end - box.start:,} bytes"
        raise ContentInvalid(Reason.MP4_BAD_SAMPLES, message, part=f"{track.path}/{box.name}")
    if count * columns > MAX_TABLE_ENTRIES:
        message = f"a table has {count * columns:,} entries, at most {MAX_TABLE_ENTRIES:,} are compared"
        raise ContentUnchecked(Reason.TOO_MUCH_TO_READ, message, part=f"{track.path}/{box.name}")
    work.add_entries(count * columns)
    return numbers(movie.data, start, count * columns, wide=wide)
