"""Which tracks stand still and what they lack, for any times and centres."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.imports.extrapolation import tracks
from service.imports.extrapolation.tracks import Centre, Extension, NewRow, Sighting, TooManyRows, extend, stands_still

FIRST, LAST = 0, 2_000
DISTANCE = 0.5
HERE: Centre = (20.0, -6.0, 0.75)


def standing(times: Sequence[int], *, first: int = FIRST, last: int = LAST) -> list[int]:
    """The times that a track lacks which stood still at `times`."""
    found = extend(["a"] * len(times), times, [HERE] * len(times), first=first, last=last, distance=DISTANCE)
    assert (found.tracks, found.stationary) == (1, 1)
    return [row.time for row in found.new_rows]


def seen(*centres: Centre | None) -> list[Sighting]:
    return [Sighting(row=row, time=100 * row, centre=centre) for row, centre in enumerate(centres)]


def test_a_track_is_carried_to_both_ends_by_its_own_period() -> None:
    assert standing([500, 600, 700], first=250, last=1_000) == [300, 400, 800, 900, 1_000]


def test_a_gap_is_filled_and_an_uneven_step_is_not() -> None:
    assert standing([0, 100, 200, 600, 700], last=700) == [300, 400, 500]
    assert standing([0, 100, 250, 350], last=350) == []
    assert standing([0, 100, 251, 351], last=351) == [200]


def test_a_whole_track_lacks_nothing() -> None:
    assert standing(range(FIRST, LAST + 1, 100)) == []


def test_times_outside_of_the_clip_get_no_company_there() -> None:
    assert standing([-400, -300, 100, 200], first=0, last=250) == [0]
    assert standing([-300, -200], first=0, last=250) == [0, 100, 200]
    assert standing([3_000, 3_100], first=0, last=250) == [0, 100, 200]


def test_new_rows_repeat_the_last_given_row_before_them_else_the_first() -> None:
    times = [700, 300, 200]
    found = extend(["a"] * 3, times, [HERE] * 3, first=100, last=800, distance=DISTANCE)
    assert found.new_rows == [NewRow(2, 100), NewRow(1, 400), NewRow(1, 500), NewRow(1, 600), NewRow(0, 800)]


def test_moving_tracks_and_rows_of_no_track_are_left_alone() -> None:
    found = extend(
        ["still", "moves", None, "still", "moves", "once", "still"],
        [100, 100, 100, 200, 200, 200, None],
        [HERE, HERE, HERE, HERE, (21.2, -6.0, 0.75), HERE, HERE],
        first=100,
        last=300,
        distance=DISTANCE,
    )
    assert found == Extension(new_rows=[NewRow(3, 300)], tracks=3, stationary=1)


@pytest.mark.parametrize(
    ("centres", "still"),
    [
        ((HERE, HERE), True),
        ((HERE,), False),
        ((), False),
        ((HERE, None), False),
        ((HERE, (20.0, None, 0.75)), False),
        ((HERE, (float("nan"), -6.0, 0.75)), False),
        ((HERE, (float("inf"), -6.0, 0.75)), False),
        (((1e308, 0.0, 0.0), (-1e308, 0.0, 0.0)), False),
        (((0.0, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, -0.5, 0.0)), True),
        (((0.0, 0.0, 0.0), (0.6, 0.0, 0.0), (0.0, 0.0, 0.0)), False),
        (((0.0, 0.0, 0.0), (0.4, 0.4, 0.0), (0.0, 0.0, 0.0)), False),
    ],
)
def test_a_track_stands_still_where_all_centres_are_near_their_median(
    centres: tuple[Centre | None, ...], still: bool
) -> None:
    assert stands_still(seen(*centres), DISTANCE) is still


def test_two_rows_at_one_time_show_no_period() -> None:
    assert not stands_still([Sighting(row=row, time=5, centre=HERE) for row in range(2)], DISTANCE)


def test_no_layer_gets_more_rows_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracks, "MAX_ROWS", 21)
    assert len(standing([0, 100])) == 19
    with pytest.raises(TooManyRows, match="more than 21 rows"):
        standing([0, 100], last=2_100)


def test_an_endless_clip_is_refused_without_counting_to_its_end() -> None:
    with pytest.raises(TooManyRows):
        standing([0, 1], first=-(2**63), last=2**63 - 1)


times_of_tracks = st.lists(st.integers(-500, 2_500), min_size=2, max_size=30, unique=True)


@given(times=times_of_tracks, first=st.integers(0, 300), length=st.integers(0, 2_000))
def test_whatever_is_given_the_clip_is_covered_evenly(times: list[int], first: int, length: int) -> None:
    last = first + length
    added = standing(times, first=first, last=last)
    steps = sorted(later - earlier for earlier, later in pairwise(sorted(times)))
    period = steps[(len(steps) - 1) // 2]
    assert len(set(added)) == len(added)
    assert not set(added) & set(times)
    assert all(first <= time <= last for time in added)
    whole = sorted([*times, *added])
    before = [(earlier, later) for earlier, later in pairwise(whole) if first <= earlier and later <= last]
    assert all(2 * (later - earlier) <= 3 * period for earlier, later in before), "nowhere a gap"
    new = set(added)
    assert all(2 * (later - earlier) >= period for earlier, later in pairwise(whole) if new & {earlier, later})
    inside = [time for time in whole if first <= time <= last]
    if min(times) >= first:
        assert inside[0] - first < period if inside else length < period
    if max(times) <= last:
        assert last - inside[-1] < period if inside else length < period
    if not inside:
        assert 2 * length <= 3 * period


@given(times=times_of_tracks, step=st.integers(1, 100))
def test_a_second_pass_adds_nothing(times: list[int], step: int) -> None:
    regular = [time * step for time in range(min(times), min(times) + len(times))]
    whole = sorted([*regular, *standing(regular)])
    assert standing(whole) == []
