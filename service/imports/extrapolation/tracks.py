"""Find stationary obstacle tracks, and the rows that they lack over the clip's whole time. Pure; times in microseconds.

- A track is **stationary** if all of its centres are known and none is farther than a given distance from their
  median, axis by axis.
- Its **period** is the lower median of the steps between its times. A track with a single time has no period and is
  left unchanged: nothing shows that it is stationary.
- A track is **extended** in steps of its period: from its first time back, from its last time on, to the ends of the
  clip's time, and in gaps longer than one and a half periods. A new row repeats the last given row before it, else the
  first one.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, median_low

Centre = tuple[float | None, float | None, float | None]

MAX_ROWS = 500_000
"""Maximum rows of a layer, given and new together: 20 seconds of 2,500 tracks at 10 Hz."""


class TooManyRows(ValueError):
    """The layer has, or would get, more rows than `MAX_ROWS`."""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A row that belongs to a track: its position in the layer, its time and its centre."""

    row: int
    time: int
    centre: Centre | None


@dataclass(frozen=True)
class NewRow:
    """A row to add: the row at position `like`, at another time."""

    like: int
    time: int


@dataclass(frozen=True, kw_only=True)
class Extension:
    new_rows: Sequence[NewRow] = ()
    tracks: int = 0
    stationary: int = 0
    """Stationary tracks, with or without missing rows."""


def extend(
    tracks: Sequence[str | None],
    times: Sequence[int | None],
    centres: Sequence[Centre | None],
    *,
    first: int,
    last: int,
    distance: float,
) -> Extension:
    """Find a layer's missing rows from time `first` to `last`. The sequences are its columns, `distance` is in metres.

    Rows without a track or a time belong to no track. Raises `TooManyRows`.
    """
    found: dict[str, list[Sighting]] = {}
    for row, (track, time, centre) in enumerate(zip(tracks, times, centres, strict=True)):
        if track is not None and time is not None:
            found.setdefault(track, []).append(Sighting(row=row, time=time, centre=centre))
    standing = [track for track in found.values() if stands_still(track, distance)]
    new_rows: list[NewRow] = []
    for sightings in standing:
        room = MAX_ROWS - len(tracks) - len(new_rows)
        new_rows += missing_rows(sightings, first=first, last=last, room=room)
    return Extension(new_rows=new_rows, tracks=len(found), stationary=len(standing))


def stands_still(sightings: Sequence[Sighting], distance: float) -> bool:
    if len({sighting.time for sighting in sightings}) < 2:
        return False
    axes = list(zip(*(sighting.centre or (None, None, None) for sighting in sightings), strict=True))
    known = [[value for value in axis if value is not None and math.isfinite(value)] for axis in axes]
    if any(len(values) < len(sightings) for values in known):
        return False
    middle = [median(values) for values in known]
    return all(math.dist(middle, centre) <= distance for centre in zip(*known, strict=True))


def missing_rows(sightings: Sequence[Sighting], *, first: int, last: int, room: int) -> list[NewRow]:
    """Return the missing rows of a stationary track, by time. Raises `TooManyRows` above `room` rows."""
    rows: dict[int, int] = {}
    for sighting in sightings:
        rows.setdefault(sighting.time, sighting.row)
    runs = [(like, _within(run, first, last)) for like, run in _runs(sorted(rows), first, last)]
    # Not `len`, which fails above 2**63.
    if sum(-(-(run.stop - run.start) // run.step) for _, run in runs) > room:
        raise TooManyRows(f"the extended layer would have more than {MAX_ROWS:,} rows")
    return [NewRow(rows[like], time) for like, run in runs for time in run]


def _runs(times: Sequence[int], first: int, last: int) -> Iterator[tuple[int, range]]:
    """Yield the times to add, in order: each run with the time of the given row that it repeats."""
    period = median_low([later - earlier for earlier, later in pairwise(times)])
    begin, end = times[0], times[-1]
    yield begin, range(begin - max(0, begin - first) // period * period, begin, period)
    for earlier, later in pairwise(times):
        if 2 * (later - earlier) > 3 * period:
            yield earlier, range(earlier + period, later - period // 2, period)
    yield end, range(end + period, max(end + period, last + 1), period)


def _within(run: range, first: int, last: int) -> range:
    """Return the part of the run within the clip's time."""
    skipped = max(0, -((run.start - first) // run.step))
    start = run.start + skipped * run.step
    return range(start, max(start, min(run.stop, last + 1)), run.step)
