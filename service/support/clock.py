"""The real clock."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def utc_now() -> str:
    """Return the current time in the format of `service.domain.jobs`."""
    return timestamp(datetime.now(UTC))


def timestamp(moment: datetime) -> str:
    """Format a time, which must have a zone, like `service.domain.jobs` does.

    Raises `ValueError` if its year in UTC would be 0 or 10,000.
    """
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{moment} is no time in UTC") from error
    return in_utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_http_date(text: str) -> bool:
    """Whether the text is a date as HTTP headers have it."""
    try:
        parsedate_to_datetime(text)
    except ValueError:
        return False
    return True


def seconds_before(time: str, seconds: float) -> str:
    """Return the time that many seconds before `time`, in the same form."""
    return timestamp(datetime.fromisoformat(time) - timedelta(seconds=seconds))
