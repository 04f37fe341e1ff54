"""The completion of one attempt, kept until its report, event and webhook are out."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class DeliveryStatus(StrEnum):
    """Status of a webhook, for one document."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True)
class WebhookDelivery:
    """How far the delivery of one document is."""

    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    last_status_code: int | None = None
    last_error: str | None = None
    last_attempt_at: str | None = None
    delivered_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Delivery(WebhookDelivery):
    """Delivery of the webhook for one completed attempt of an import."""

    ended_at: str
    """When the attempt completed; a job that is retried completes again."""


@dataclass(frozen=True, kw_only=True)
class End:
    """The completion of an attempt. It is in the outbox until report, event and webhook are done and it is `closed`."""

    job_id: str
    ended_at: str
    run: int = 0
    resumes: int = 0
    """Which of the attempt's executions ended it (`Job.resumes`)."""
    document: Mapping[str, object]
    """The content of event, webhook and report (docs/events.md), without the places of the report's files."""
    touched_at: str
    report: Mapping[str, int] | None = None
    """Bytes of each report file by format; empty where there is no report, None while it is not written yet."""
    event_sent_at: str | None = None
    webhook: Delivery | None = None
    closed: bool = False
    uploads_due: str | None = None
    """When its uploads leave the drop bucket. Empty where none (or no more) have to; None while that is not decided."""
    sources_done: bool = False
    """Whether the sources of an import with `delete_source` are deleted, as far as they may be."""
    executions: int = 0
    """Executions that were started only to conclude it. A save must have seen the last of them."""
    failures: int = 0
    """How many of them the sweep started since a step last succeeded or a caller asked."""

    @property
    def position(self) -> str:
        """Where it stands among the open ends, the oldest first."""
        return f"{self.ended_at}#{self.job_id}"
