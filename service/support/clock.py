"""The real clock."""

from datetime import UTC, datetime


def utc_now() -> str:
    """Now, as `service.domain.jobs` writes times."""
    return timestamp(datetime.now(UTC))


def timestamp(moment: datetime) -> str:
    """As `service.domain.jobs` writes times; `moment` must have a time zone."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
