"""Port of what AWS says about the deployment: its alarms, and the queues that they watch."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class AlarmState(StrEnum):
    """The states of CloudWatch."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    name: str
    state: AlarmState
    since: str
    description: str
    queue: str | None = None
    """Name of the queue that it watches."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """`waiting` messages are not read yet, or are to be read again later, such as manifests that wait for room.
    `in_flight` ones are being worked on. SQS counts both approximately."""

    name: str
    waiting: int
    in_flight: int


class DeploymentMonitor(Protocol):
    def alarms(self) -> Sequence[Alarm]:
        """Return the deployment's alarms, by name."""
        ...

    def queue(self, name: str) -> Queue:
        """Count the messages of a queue."""
        ...
