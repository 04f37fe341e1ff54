"""Fragments of a film: what each `moof` says of its samples. Layouts: ISO/IEC 14496-12, 8.8."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.formats.boxes import Box, children, corrupt, fields, first, need, parse_header, version_and_flags
from service.formats.movie import Movie

MAX_SAMPLES = 100_000
"""Of one run: an hour at 30 frames a second."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Samples of one track that lie one behind the other."""

    track: int
    duration: int
    """In the track's time units."""
    samples: int
    start: int | None
    """Byte of the object at which they begin; None where they follow the run before."""
    size: int
    path: str


@dataclass(frozen=True, kw_only=True)
class Fragment:
    start: int
    """The `moof` box's own, in the object."""
    runs: tuple[Run, ...]


@dataclass(frozen=True, kw_only=True)
class _Defaults:
    duration: int
    size: int


def parse_fragment(data: bytes, start: int, movie: Movie) -> Fragment:
    """`data` is the whole `moof` box, which lies at byte `start` of the object. Raises `ContentInvalid`."""
    box = parse_header(data, 0, len(data))
    defaults = _track_defaults(movie)
    runs = [run for traf in children(data, box) if traf.type == "traf" for run in _runs(data, traf, start, defaults)]
    return Fragment(start=start, runs=tuple(runs))


def duration_of(fragments: Iterable[Fragment], track: int | None) -> int:
    """Time units of all samples of a track."""
    return sum(run.duration for fragment in fragments for run in fragment.runs if run.track == track)


def _track_defaults(movie: Movie) -> dict[int, _Defaults]:
    extends = first(movie.data, movie.box, "mvex")
    found: dict[int, _Defaults] = {}
    for box in children(movie.data, extends) if extends else ():
        if box.type == "trex":
            track, _, duration, size = fields(movie.data, box, "4I", 4)
            found[track] = _Defaults(duration=duration, size=size)
    return found


def _runs(data: bytes, traf: Box, moof_start: int, defaults: Mapping[int, _Defaults]) -> Iterable[Run]:
    header = need(data, traf, "tfhd")
    _, flags = version_and_flags(data, header)
    (track,) = fields(data, header, "I", 4)
    default = defaults.get(track, _Defaults(duration=0, size=0))
    base, duration, size = moof_start, default.duration, default.size
    offset = 8
    for flag, layout in ((0x1, "Q"), (0x2, "I"), (0x8, "I"), (0x10, "I")):
        if flags & flag:
            (value,) = fields(data, header, layout, offset)
            offset += 8 if layout == "Q" else 4
            if flag == 0x1:
                base = value
            elif flag == 0x8:
                duration = value
            elif flag == 0x10:
                size = value
    for box in children(data, traf):
        if box.type == "trun":
            yield _run(data, box, track, base, _Defaults(duration=duration, size=size))


def _run(data: bytes, box: Box, track: int, base: int, default: _Defaults) -> Run:
    _, flags = version_and_flags(data, box)
    (samples,) = fields(data, box, "I", 4)
    start = base + fields(data, box, "i", 8)[0] if flags & 0x1 else None
    offset = 8 + 4 * bool(flags & 0x1) + 4 * bool(flags & 0x4)
    columns = [flag for flag in (0x100, 0x200, 0x400, 0x800) if flags & flag]
    if samples > MAX_SAMPLES:
        raise corrupt(box.path, f"{samples} samples in one run")
    values = fields(data, box, f"{samples * len(columns)}I", offset)

    def total(flag: int, value: int) -> int:
        return sum(values[columns.index(flag) :: len(columns)]) if flag in columns else value * samples

    return Run(
        track=track,
        duration=total(0x100, default.duration),
        samples=samples,
        start=start,
        size=total(0x200, default.size),
        path=box.path,
    )
