"""Watches: prefixes that the service keeps imported."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clipferry.decode import Model
from clipferry.models.access import Check
from clipferry.models.imports import Counts, Delivery


@dataclass(frozen=True, kw_only=True)
class Schedule(Model):
    """When a watch runs. Either `cron` or `every` is set."""

    cron: str | None = None
    time_zone: str = "UTC"
    every: str | None = None


@dataclass(frozen=True, kw_only=True)
class WatchFailure(Model):
    """Why a watch cannot run. The service tries again with back-off."""

    code: str
    message: str
    since: str
    attempts: int


@dataclass(frozen=True, kw_only=True)
class WatchRun(Model):
    """An import of a watch. `cause` is `first`, `scheduled`, `events`, `manual` or `catch_up`."""

    id: str
    cause: str
    status: str
    created_at: str
    counts: Counts
    failed_before: int = 0
    """Clips among the skipped ones that failed their check in an earlier run."""
    completed_at: str | None = None
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class WatchWebhook(Delivery):
    """The delivery of a webhook about lost access, or about its end."""

    event_id: str
    type: str
    """`clipferry.watch.failing` or `clipferry.watch.recovered`."""
    at: str
    """When the service found it out."""
    next_attempt_at: str | None = None
    """None: it was delivered or given up."""


@dataclass(frozen=True, kw_only=True)
class Watch(Model):
    """A prefix that the service keeps imported. `status` is `ACTIVE`, `PAUSED` or `FAILING`."""

    id: str
    name: str
    root_path: str
    status: str
    created_at: str
    updated_at: str
    events: bool = False
    paused: bool = False
    schedule: Schedule | None = None
    failure: WatchFailure | None = None
    settings: Mapping[str, Any] | None = None
    filters: Mapping[str, Any] | None = None
    execution_settings_id: str | None = None
    integration_id: str | None = None
    folder: str | None = None
    labels: tuple[str, ...] = ()
    events_setup: str | None = None
    """Tells the bucket's owner what to switch on so that events come."""
    next_run_at: str | None = None
    last_run: str | None = None
    """The id of the last import that read the whole prefix."""
    created_by: str | None = None
    runs: tuple[WatchRun, ...] = ()
    """The last imports, newest first. Lists of watches leave them out, like the four fields below."""
    lag_seconds: int | None = None
    """How long the oldest object that is not imported yet has waited."""
    complete_until: str | None = None
    """All objects that changed before this time are imported."""
    missed_by_events: int | None = None
    """Objects that the last scheduled run had to copy because no event had."""
    webhooks: tuple[WatchWebhook, ...] = ()
    """The webhooks that wait to be sent, and the last 10 others, newest first."""


@dataclass(frozen=True, kw_only=True)
class WatchTest(Model):
    """The result of a watch's test."""

    ok: bool
    checks: tuple[Check, ...]
