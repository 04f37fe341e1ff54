"""Schedules of watches: a cron expression in a time zone, or a fixed interval. Times are text as in `domain.jobs`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from service.domain.errors import InvalidSchedule

MAX_CRON = 100
"""Characters of a cron expression."""
MAX_INTERVAL_DAYS = 31
"""Longest interval of `every`; a cron expression can be rarer."""

_EVERY = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_ZONE = re.compile(r"(?!(?:posix|right)/|(?:posixrules|localtime|Factory)$)[A-Za-z0-9+_-]+(/[A-Za-z0-9+_-]+){0,2}")
"""Some machines also have files for the zone of their own clock, and copies of all zones with leap seconds."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Exactly one of `cron` and `every` is set."""

    cron: str | None = None
    """Five fields (minute, hour, day of month, month, day of week), read in `time_zone`."""
    time_zone: str = "UTC"
    """IANA name, such as Europe/Berlin."""
    every: str | None = None
    """A number and a unit: `15m`, `6h`, `1d`. At least `1m`."""


def check_schedule(schedule: Schedule, now: str) -> None:
    """Raises `InvalidSchedule` if the schedule is malformed, or never comes."""
    if (schedule.cron is None) == (schedule.every is None):
        raise InvalidSchedule("schedule: give exactly one of cron and every")
    if schedule.every is not None and schedule.time_zone != "UTC":
        raise InvalidSchedule("schedule.time_zone: an interval (every) has no time zone")
    next_time(schedule, after=now, since=now)


def next_time(schedule: Schedule, *, after: str, since: str) -> str:
    """Return the first time of the schedule after `after`. Intervals are counted from `since`.

    Where a clock is put forward, a fixed time in the gap comes right after it; where it is put back, a fixed time in
    the repeated hour comes once (as in Debian's cron). Raises `InvalidSchedule`.
    """
    start = datetime.fromisoformat(after)
    if schedule.every is not None:
        interval, first = _interval(schedule.every), datetime.fromisoformat(since)
        return _text(first + interval * ((start - first) // interval + 1))
    expression = schedule.cron or ""
    if len(expression) > MAX_CRON or len(expression.split()) != 5:
        raise InvalidSchedule(
            f"schedule.cron is {expression[:MAX_CRON]!a}: it must have five fields, as in '0 2 * * *' (daily at 2:00)"
        )
    try:
        return _text(next(CronSim(expression, start.astimezone(_zone(schedule.time_zone)))))
    except CronSimError as error:
        raise InvalidSchedule(f"schedule.cron is {expression!a}: {error}") from error
    except StopIteration:
        raise InvalidSchedule(f"schedule.cron is {expression!a}: it never comes") from None


def _interval(every: str) -> timedelta:
    match = _EVERY.fullmatch(every)
    interval = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None
    if interval is None or interval > timedelta(days=MAX_INTERVAL_DAYS):
        raise InvalidSchedule(
            f"schedule.every is {every[:40]!a}: it must be 1m to {MAX_INTERVAL_DAYS}d, as in 15m, 6h or 1d"
        )
    return interval


def _zone(name: str) -> ZoneInfo:
    try:
        if not _ZONE.fullmatch(name):
            raise ValueError(name)
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # a folder, a malformed key, an unknown one
        raise InvalidSchedule(
            f"schedule.time_zone is {name[:40]!a}: it must be an IANA name, as in Europe/Berlin"
        ) from error


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
