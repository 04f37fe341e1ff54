"""Objects that appear in the source buckets, as EventBridge reports them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.domain.errors import InvalidRequest
from service.domain.requests import Upload
from service.imports.intake.drop_bucket import parse_event


@dataclass(frozen=True)
class Arrival:
    """An object that appeared in a bucket, and when (ISO 8601)."""

    upload: Upload
    time: str


def parse_arrival(event: Mapping[str, Any], *, buckets: Collection[str]) -> Arrival | None:
    """Return the object of an "Object Created" event; None for one that is no clip. Raises `InvalidRequest`."""
    upload = parse_event(event, buckets=buckets)
    time = event.get("time")
    try:
        if not isinstance(time, str) or datetime.fromisoformat(time).tzinfo is None:
            raise ValueError(f"{time!r:.60} is not a time with a zone")
    except ValueError as error:
        raise InvalidRequest(f"not an S3 Object Created event: {error}") from error
    return Arrival(upload, time) if upload else None
