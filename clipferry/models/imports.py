"""Imports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clipferry.decode import Model

TERMINAL_STATUSES = frozenset({"COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELLED"})
"""The statuses of an import that has ended. Only a retry changes it."""


@dataclass(frozen=True, kw_only=True)
class Counts(Model):
    """Clips by status. `pending + copied + skipped + failed + cancelled = total`, always; 0 until planning ends."""

    total: int
    pending: int
    copied: int
    skipped: int
    failed: int
    cancelled: int
    bytes: int
    """The size of the copied clips."""

    @property
    def finished(self) -> int:
        """Clips that are no longer pending."""
        return self.total - self.pending

    @property
    def settled(self) -> int:
        """The former name of `finished`."""
        return self.finished


@dataclass(frozen=True, kw_only=True)
class Source(Model):
    """What an import was started with."""

    kind: str
    """`list`, `prefix`, `manifest`, `sets`, `clip_ids` or `upload`."""
    uri: str | None = None
    """The prefix, the manifest, or the drop bucket of uploads."""
    count: int | None = None
    """URIs of a list, or number of sets."""
    as_of: str | None = None
    """The time at which the source is seen."""


@dataclass(frozen=True, kw_only=True)
class Rate(Model):
    """Speed of the present attempt, per second, since its copying began."""

    clips: float
    bytes: float


@dataclass(frozen=True, kw_only=True)
class Attempt(Model):
    """An attempt that has ended. `counts` are the import's at that time, all attempts together."""

    run: int
    started_at: str
    completed_at: str
    status: str
    counts: Counts
    code: str | None = None
    message: str | None = None
    key_id: str | None = None
    """The id of the key that requested it."""


@dataclass(frozen=True, kw_only=True)
class Delivery(Model):
    """How far the delivery of a webhook is."""

    status: str
    """`PENDING`, `DELIVERED` or `FAILED`."""
    attempts: int
    last_status_code: int | None = None
    last_error: str | None = None
    last_attempt_at: str | None = None
    delivered_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Webhook(Delivery):
    """The delivery of an import's webhook."""

    url: str
    """Without its query."""


@dataclass(frozen=True, kw_only=True)
class Restores(Model):
    """The restores of archived sources that an attempt requested."""

    requested: int
    """Clips that needed one. Of a set all views count."""
    waiting: int
    """Clips that still wait, when the import last looked."""
    tier: str
    """`bulk`, `standard` or `expedited`."""
    hours: int
    """Hours that the slowest takes at most, as a rule."""
    until: str
    """The import waits until then; clips that still wait fail."""
    next_look: str | None = None
    """When the import looks again; None while it is at work."""


@dataclass(frozen=True, kw_only=True)
class Report(Model):
    """A link to a file of the report. It works without a key until `expires_at`."""

    url: str = field(repr=False)
    uri: str
    """The file's place in the state bucket. A report of failures can be imported by it, as `manifest_uri`."""
    expires_at: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class ImportState(Model):
    """An import as it was when it was read."""

    id: str
    status: str
    project: str
    source: Source
    counts: Counts
    created_at: str
    updated_at: str
    settings: Mapping[str, Any]
    test_run_group_name: str
    trigger: str = ""
    """`api`, `upload` or `watch`: what started it."""
    watch_id: str | None = None
    """The watch that started it."""
    door: str = ""
    """`api`, `upload`, `watch` or `nomadicml`: how the request came in."""
    key_id: str | None = None
    """The id of the key that started it; None for uploads."""
    folder: str | None = None
    labels: tuple[str, ...] = ()
    run_name_prefix: str | None = None
    filters: Mapping[str, Any] | None = None
    execution_settings_id: str | None = None
    """The preset that the settings came from."""
    integration_id: str | None = None
    completed_at: str | None = None
    cancel_requested: bool = False
    run: int = 0
    """The attempt's number: 0 is the first one, each retry is the next."""
    runs: tuple[Attempt, ...] = ()
    """The last 50 attempts before this one, oldest first."""
    failed_before: int = 0
    """Clips among the skipped ones that failed their check in an earlier run of the watch."""
    rate: Rate | None = None
    eta_seconds: int | None = None
    """Seconds that the pending clips take at the present rate."""
    restores: Restores | None = None
    """None if the attempt requested none."""
    code: str | None = None
    """Why the import ended as it did, if the status does not say it."""
    message: str | None = None
    webhook: Webhook | None = None

    @property
    def ended(self) -> bool:
        """Whether this attempt is over."""
        return self.status in TERMINAL_STATUSES

    @property
    def succeeded(self) -> bool:
        """Whether every clip was copied or skipped."""
        return self.status == "COMPLETED"
