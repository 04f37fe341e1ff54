"""An import's failures by code, and its timeline."""

from dataclasses import dataclass

from clipferry.decode import Model
from clipferry.models.clips import Clip


@dataclass(frozen=True, kw_only=True)
class FailureGroup(Model):
    """The clips of an import that failed, or were cancelled, with one code."""

    status: str
    """`FAILED` or `CANCELLED`."""
    code: str
    count: int
    failed_check: int = 0
    """Clips among them that failed their check. `retry(content_validation="none")` copies them."""
    examples: tuple[Clip, ...] = ()
    """The first three clips."""


@dataclass(frozen=True, kw_only=True)
class Failures(Model):
    """The failed and cancelled clips of an import by code, the largest group first."""

    groups: tuple[FailureGroup, ...]
    complete: bool
    """False: there are so many failures that each `count` means at least this number."""


@dataclass(frozen=True, kw_only=True)
class Done(Model):
    """Clips of one attempt that have a result."""

    copied: int
    skipped: int
    failed: int
    cancelled: int
    bytes: int
    """The size of the copied clips."""


@dataclass(frozen=True, kw_only=True)
class Phase(Model):
    """A phase of an attempt."""

    name: str
    """`planning`, which includes the wait for its start, or `copying`."""
    run: int
    started_at: str
    ended_at: str | None = None
    """None while it goes on."""


@dataclass(frozen=True, kw_only=True)
class Point(Model):
    """The progress of an attempt at one time."""

    at: str
    done: Done


@dataclass(frozen=True, kw_only=True)
class Spent(Model):
    """The cost of an import in dollars, as the service estimates it."""

    so_far: float
    whole: float | None = None
    """With all clips that are pending. None before planning ends."""
    price_region: str
    prices_as_of: str


@dataclass(frozen=True, kw_only=True)
class Timeline(Model):
    """The course of an import's present attempt."""

    run: int
    """The number of the attempt: 0 is the first one."""
    phases: tuple[Phase, ...]
    points: tuple[Point, ...]
    """At most 200, oldest first."""
    cost: Spent | None = None
    """None from a service that does not estimate it."""
