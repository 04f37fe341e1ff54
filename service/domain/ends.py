"""The completion of one attempt, kept until its report, event and webhook are out."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class DeliveryStatus(StrEnum):
    """Of a webhook, for one end of a job."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How the webhook of one end stands."""

    ended_at: str
    """The end that it tells of: a job that runs again ends again."""
    status: DeliveryStatus
    attempts: int = 0
    last_status_code: int | None = None
    last_error: str | None = None
    last_attempt_at: str | None = None
    delivered_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class End:
    """The end of a job's run, and what has been concluded of it since. Without `closed` it is in the outbox."""

    job_id: str
    ended_at: str
    run: int = 0
    document: Mapping[str, object]
    """What event, webhook and report say of the end, as it was then (docs/events.md), all but the report."""
    touched_at: str
    report: Mapping[str, int] | None = None
    """Bytes of each report file by its format; empty where the end has no report, None while it has none yet."""
    event_sent_at: str | None = None
    webhook: Delivery | None = None
    closed: bool = False
    executions: int = 0
    """Executions that were started for this conclusion alone; who saves must have seen the last one begin."""
    failures: int = 0
    """How many of them the sweep started since anything last succeeded, or since a caller asked."""
