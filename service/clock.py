"""The real clock."""

from datetime import UTC, datetime


def utc_now() -> str:
    """Now, as `service.schema` writes times."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
