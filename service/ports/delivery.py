"""Ports of events, webhooks and the state machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from service.domain.ends import End


class EventBus(Protocol):
    def put(self, detail_type: str, detail: Mapping[str, object], *, time: str) -> None:
        """Raises `EventRefused`."""
        ...


@dataclass(frozen=True)
class WebhookAnswer:
    status: int
    retry_after: str | None = None
    """The header, as it came."""


class WebhookSender(Protocol):
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """Raises `WebhookUnreachable`, `WebhookRefused`."""
        ...


class ExecutionState(StrEnum):
    ABSENT = "ABSENT"
    RUNNING = "RUNNING"
    ENDED = "ENDED"


class Workflow(Protocol):
    def start(self, job_id: str, *, run: int = 0, resumes: int = 0, wait_seconds: int = 0) -> None:
        """Start an execution, named by job, run and `resumes`; a second start of the same name does nothing."""
        ...

    def state(self, name: str) -> ExecutionState: ...

    def conclude(self, end: End) -> None:
        """Start the execution that concludes `end` for the `end.executions`th time; a second start does nothing."""
        ...
