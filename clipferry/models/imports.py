"""Imports."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from clipferry.decode import Model
from clipferry.models.clips import Clip

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
    def settled(self) -> int:
        """Clips that are no longer pending."""
        return self.total - self.pending


@dataclass(frozen=True, kw_only=True)
class Source(Model):
    """What an import was started with."""

    kind: str
    """`list`, `prefix`, `manifest`, `sets` or `upload`."""
    uri: str | None = None
    """The prefix, the manifest, or the drop bucket of uploads."""
    count: int | None = None
    """URIs of a list, or number of sets."""


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
class Webhook(Model):
    """The delivery of an import's webhook."""

    url: str
    """Without its query."""
    status: str
    """`PENDING`, `DELIVERED` or `FAILED`."""
    attempts: int
    last_status_code: int | None = None
    last_error: str | None = None
    last_attempt_at: str | None = None
    delivered_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Report(Model):
    """A link to a file of the report. It works without a key until `expires_at`."""

    url: str = field(repr=False)
    uri: str
    """The file's place in the state bucket. A report of failures can be imported by it, as `manifest_uri`."""
    expires_at: str
    bytes: int


Progress = Callable[["Import"], None]
"""Called with the import each time that it was read."""


class Calls(Protocol):
    """The client's calls that an import's methods use. `clipferry.resources.imports.Imports` implements them."""

    def get(self, import_id: str) -> "Import": ...
    def wait(self, import_id: str, *, progress: Progress | None = None, timeout: float | None = None) -> "Import": ...
    def cancel(self, import_id: str) -> "Import": ...
    def retry(
        self,
        import_id: str,
        *,
        clip_ids: Sequence[str] | None = None,
        content_validation: Literal["none", "structure", "deep"] | None = None,
    ) -> "Import": ...
    def delete(self, import_id: str) -> None: ...
    def clips(self, import_id: str, *, status: str | None = None, limit: int | None = None) -> Iterator[Clip]: ...
    def download_report(self, import_id: str, path: Path, *, format: str = "csv", wait: float = 0) -> Report: ...


@dataclass(frozen=True, kw_only=True)
class Import(Model):
    """An import as it was when it was read. `refresh` and `wait` return a newer one."""

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
    rate: Rate | None = None
    eta_seconds: int | None = None
    """Seconds that the pending clips take at the present rate."""
    code: str | None = None
    """Why the import ended as it did, if the status does not say it."""
    message: str | None = None
    webhook: Webhook | None = None
    _calls: Calls | None = field(default=None, repr=False, compare=False)

    @property
    def ended(self) -> bool:
        """Whether this attempt is over."""
        return self.status in TERMINAL_STATUSES

    @property
    def succeeded(self) -> bool:
        """Whether every clip was copied or skipped."""
        return self.status == "COMPLETED"

    def refresh(self) -> "Import":
        """Read the import again."""
        return self._client.get(self.id)

    def wait(self, progress: Progress | None = None, timeout: float | None = None) -> "Import":
        """Wait for the end and return the import. Raises `WaitTimeout` after `timeout` seconds; the import goes on."""
        return self._client.wait(self.id, progress=progress, timeout=timeout)

    def cancel(self) -> "Import":
        """Ask the service to stop the import. Raises `Conflict` (ALREADY_ENDED)."""
        return self._client.cancel(self.id)

    def retry(
        self,
        clip_ids: Sequence[str] | None = None,
        content_validation: Literal["none", "structure", "deep"] | None = None,
    ) -> "Import":
        """Start the next attempt, for all failed and cancelled clips or for those in `clip_ids` (each a `Clip.id`).

        `content_validation` is how it checks clips. With it and no `clip_ids`, only clips that failed their check run.
        """
        return self._client.retry(self.id, clip_ids=clip_ids, content_validation=content_validation)

    def delete(self) -> None:
        """Delete the record of the ended import; its clips stay. Raises `Conflict` (NOT_ENDED)."""
        self._client.delete(self.id)

    def clips(self, status: str | None = None, limit: int | None = None) -> Iterator[Clip]:
        """Yield its clips in its order, or those of one status."""
        return self._client.clips(self.id, status=status, limit=limit)

    def download_report(self, path: Path, format: str = "csv", wait: float = 0) -> Report:
        """Download a file of its report, like `Imports.download_report`."""
        return self._client.download_report(self.id, path, format=format, wait=wait)

    @property
    def _client(self) -> Calls:
        if self._calls is None:
            raise RuntimeError("this import has no client, so it cannot send requests")
        return self._calls
