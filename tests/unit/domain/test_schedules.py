"""Schedules: five cron fields in a time zone, or an interval; right where clocks are put forward or back."""

import pytest

from service.domain.errors import InvalidSchedule
from service.domain.schedules import Schedule, check_schedule, next_time

SINCE = "2026-01-01T00:00:30.000Z"
BERLIN = Schedule(cron="30 2 * * *", time_zone="Europe/Berlin")


def times(schedule: Schedule, after: str, count: int = 3) -> list[str]:
    found = [after]
    for _ in range(count):
        found.append(next_time(schedule, after=found[-1], since=SINCE))
    return [time.removesuffix(":00.000Z") for time in found[1:]]


def test_a_cron_expression_is_read_in_its_time_zone() -> None:
    assert times(BERLIN, "2026-01-10T01:30:00.000Z", 2) == ["2026-01-11T01:30", "2026-01-12T01:30"]
    assert times(Schedule(cron="0 2 * * *"), "2026-07-10T01:30:00.000Z", 1) == ["2026-07-10T02:00"]
    assert times(Schedule(cron="0 2 * * *", time_zone="Asia/Kolkata"), SINCE, 1) == ["2026-01-01T20:30"]


def test_a_fixed_time_that_the_clock_skips_comes_right_after_the_gap_and_once() -> None:
    assert times(BERLIN, "2026-03-28T12:00:00.000Z") == ["2026-03-29T01:00", "2026-03-30T00:30", "2026-03-31T00:30"]


def test_a_fixed_time_that_the_clock_repeats_comes_once() -> None:
    assert times(BERLIN, "2026-10-24T12:00:00.000Z") == ["2026-10-25T00:30", "2026-10-26T01:30", "2026-10-27T01:30"]


def test_every_quarter_of_an_hour_goes_on_through_a_change_of_the_clock() -> None:
    quarters = Schedule(cron="*/15 * * * *", time_zone="Europe/Berlin")
    found = times(quarters, "2026-10-25T00:40:00.000Z", 8)
    assert found == [
        f"2026-10-25T0{hour}:{minute:02}"
        for hour, minute in [(0, 45), (1, 0), (1, 15), (1, 30), (1, 45), (2, 0), (2, 15), (2, 30)]
    ]


@pytest.mark.parametrize(
    ("every", "after", "expected"),
    [
        ("1m", "2026-01-01T00:00:30.000Z", "2026-01-01T00:01:30.000Z"),
        ("15m", "2026-01-01T00:15:29.999Z", "2026-01-01T00:15:30.000Z"),
        ("15m", "2026-01-01T09:01:00.000Z", "2026-01-01T09:15:30.000Z"),
        ("6h", "2026-01-03T00:00:00.000Z", "2026-01-03T00:00:30.000Z"),
        ("31d", "2026-02-05T00:00:00.000Z", "2026-03-04T00:00:30.000Z"),
    ],
)
def test_intervals_are_counted_from_the_making_of_the_watch(every: str, after: str, expected: str) -> None:
    assert next_time(Schedule(every=every), after=after, since=SINCE) == expected


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(),
        Schedule(cron="0 2 * * *", every="1m"),
        Schedule(every="1m", time_zone="Europe/Berlin"),
        *(Schedule(every=text) for text in ("", "0m", "59s", "1", "m", "1.5h", "-1m", "32d", "99999d", " 1m", "1m\n")),
        *(Schedule(cron=text) for text in ("", "0 2 * *", "0 0 2 * * *", "61 2 * * *", "0 0 30 2 *", "@daily")),
        *(
            Schedule(cron="0 2 * * *", time_zone=name)
            for name in (
                "",
                "Europe",
                "Berlin",
                "../etc/passwd",
                "/etc/localtime",
                "Europe/Nowhere",
                "posix/Europe/Berlin",
                "right/UTC",
                "localtime",
                "posixrules",
                "Factory",
                "posix\0",
                "x" * 300,
            )
        ),
    ],
)
def test_what_is_no_schedule_is_refused(schedule: Schedule) -> None:
    with pytest.raises(InvalidSchedule, match="schedule"):
        check_schedule(schedule, SINCE)
