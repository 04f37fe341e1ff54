"""Fragments of a film: the samples that each `moof` describes. Layouts: ISO/IEC 14496-12, 8.8."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from service.formats.boxes import Box, children, corrupt, fields, numbers
from service.formats.limits import Work
from service.formats.movie import Defaults

_NOTHING = Defaults(0, 0)
_BLOCK_SAMPLES = 100_000
"""Samples of a run that are processed together, which limits memory."""
_NEEDED = frozenset({b"traf", b"tfhd", b"tfdt", b"trun"})
_BASE, _DESCRIPTION, _DURATION, _SIZE, _BASE_IS_MOOF = 0x1, 0x2, 0x8, 0x10, 0x20000
_OFFSET, _FIRST_FLAGS, _DURATIONS, _SIZES, _FLAGS, _TIMES = 0x1, 0x4, 0x100, 0x200, 0x400, 0x800


class Run(NamedTuple):
    """Consecutive samples of one track."""

    start: int
    """Byte of the object."""
    size: int
    samples: int


@dataclass(slots=True)
class Timeline:
    """The time that fragments give for one track, in its time units."""

    start: int | None = None
    end: int = 0
    """Start of the next fragment, unless it has its own."""
    latest: int = 0
    samples: int = 0
    jump: int = 0
    """The largest distance between the end of a fragment and the start of the next."""

    timed: bool = True
    """Whether the last fragment has a start time."""

    def add(self, base: int | None, duration: int, samples: int) -> None:
        begin = self.end if base is None else base
        self.timed = base is not None
        if self.start is None:
            self.start = begin
        else:
            self.jump = max(self.jump, abs(begin - self.end))
            self.start = min(self.start, begin)
        self.end = begin + duration
        self.latest = max(self.latest, self.end)
        self.samples += samples

    @property
    def length(self) -> int:
        return self.latest - (self.start or 0)


@dataclass(slots=True)
class Fragments:
    """All fragments found so far."""

    count: int = 0
    timelines: dict[int, Timeline] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    def timeline(self, track: int) -> Timeline:
        return self.timelines.setdefault(track, Timeline())

    def add(self, data: bytes, at: int, box: Box, defaults: Mapping[int, Defaults], work: Work) -> None:
        """Add a `moof` box; `at` is where its content begins in `data`. Raises `ContentInvalid`."""
        self.count += 1
        end: int | None = None  # of the data of the track before, in the object
        for traf in children(data, at, at + box.end - box.body, "moof", work, _NEEDED).every:
            if traf.type == b"traf":
                end = self._track(data, traf, box.start, end, defaults, work)

    def _track(
        self, data: bytes, traf: Box, moof: int, end: int | None, defaults: Mapping[int, Defaults], work: Work
    ) -> int | None:
        found = children(data, traf.body, traf.end, "moof/traf", work, _NEEDED)
        header = found.get(b"tfhd")
        if header is None:
            raise corrupt("moof/traf", "no tfhd box in it")
        flags, track = fields(data, header, "2I")
        default = defaults.get(track, _NOTHING)
        # 8.8.7: without a base, the first track counts from the moof box, the next from the end of that one's data.
        base, duration, size = moof if flags & _BASE_IS_MOOF or end is None else end, default.duration, default.size
        offset = 8
        for flag, layout, length in ((_BASE, "Q", 8), (_DESCRIPTION, "I", 4), (_DURATION, "I", 4), (_SIZE, "I", 4)):
            if flags & flag:
                (value,) = fields(data, header, layout, offset)
                offset += length
                if flag == _BASE:
                    base = value
                elif flag == _DURATION:
                    duration = value
                elif flag == _SIZE:
                    size = value
        total = samples = 0
        end = None
        for box in found.every:
            if box.type == b"trun":
                run, lasted = _run(data, box, base, end, Defaults(duration, size), work)
                end = run.start + run.size
                total, samples = total + lasted, samples + run.samples
                if run.samples:
                    self.runs.append(run)
        start = None
        if time := found.get(b"tfdt"):
            (start,) = fields(data, time, "Q" if fields(data, time, "B")[0] == 1 else "I", 4)
        if samples:
            self.timeline(track).add(start, total, samples)
        return base if end is None else end


def _run(data: bytes, box: Box, base: int, end: int | None, default: Defaults, work: Work) -> tuple[Run, int]:
    """Return the run and its duration."""
    flags, samples = fields(data, box, "2I")
    offset, start = 8, base if end is None else end
    if flags & _OFFSET:
        start = base + fields(data, box, "i", 8)[0]
        offset += 4
    if flags & _FIRST_FLAGS:
        offset += 4
    columns = [flag for flag in (_DURATIONS, _SIZES, _FLAGS, _TIMES) if flags & flag]
    if samples * len(columns) * 4 > box.end - box.body - offset:
        raise corrupt("moof/traf/trun", f"{samples:,} samples do not fit into its {box.end - box.start:,} bytes")
    work.add_entries(1 + samples * len(columns))
    duration = 0 if flags & _DURATIONS else samples * default.duration
    size = 0 if flags & _SIZES else samples * default.size
    for first in range(0, samples if flags & (_DURATIONS | _SIZES) else 0, _BLOCK_SAMPLES):
        count = min(_BLOCK_SAMPLES, samples - first) * len(columns)
        values = numbers(data, box.body + offset + 4 * first * len(columns), count)
        if flags & _DURATIONS:
            duration += sum(values[:: len(columns)])
        if flags & _SIZES:
            size += sum(values[columns.index(_SIZES) :: len(columns)])
    return Run(start, size, samples), duration
