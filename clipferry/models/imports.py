"""Imports, their clips and their settings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from clipferry.decode import Model

TERMINAL_STATUSES = frozenset({"COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELLED"})
"""Of an import that has ended (a retry runs it again)."""
SETTLED_STATUSES = frozenset({"COPIED", "SKIPPED", "FAILED", "CANCELLED"})
"""Of a clip whose fate is known."""


@dataclass(frozen=True, kw_only=True)
class Clip(Model):
    id: str
    status: str
    source_uri: str
    destination: str
    run_name: str
    clip_id: str
    original_clipgt_url: str
    size: int | None = None
    etag: str | None = None
    verified: str | None = None
    facts: Mapping[str, Any] | None = None
    code: str | None = None
    message: str | None = None
    view: str | None = None
    set: str | None = None
    deleted_at: str | None = None
    """When it was deleted by itself; its status says what the import did."""
    extrapolation: Mapping[str, Any] | None = None
    """What became of its stationary extrapolation, where the import asks for one."""


@dataclass(frozen=True, kw_only=True)
class FoundClip(Clip):
    """A clip with its import, and what that was given."""

    import_id: str
    folder: str | None = None
    labels: tuple[str, ...] = ()
    test_run_group_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Counts(Model):
    """`pending + copied + skipped + failed + cancelled = total`, always; 0 until planning ends."""

    total: int
    pending: int
    copied: int
    skipped: int
    failed: int
    cancelled: int
    bytes: int
    """Of the copied clips."""

    @property
    def settled(self) -> int:
        return self.total - self.pending


@dataclass(frozen=True, kw_only=True)
class Source(Model):
    kind: str
    uri: str | None = None
    count: int | None = None


@dataclass(frozen=True, kw_only=True)
class Rate(Model):
    clips: float
    bytes: float


@dataclass(frozen=True, kw_only=True)
class Run(Model):
    """A run that has ended, with the import's counts then."""

    run: int
    started_at: str
    completed_at: str
    status: str
    counts: Counts
    code: str | None = None
    message: str | None = None
    key_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Webhook(Model):
    url: str
    status: str
    attempts: int
    last_status_code: int | None = None
    last_error: str | None = None
    last_attempt_at: str | None = None
    delivered_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Report(Model):
    """A link to a file of the report, which works without a key until `expires_at`."""

    url: str = field(repr=False)
    uri: str
    expires_at: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class ExecutionSettings(Model):
    """Settings of imports, saved under an id."""

    id: str
    name: str
    settings: Mapping[str, Any]
    created_at: str
    updated_at: str
    description: str | None = None


Progress = Callable[["Import"], None]
"""Is told how an import stands, each time that it was looked at."""


class Calls(Protocol):
    """What an import asks of the client that it came from: `clipferry.resources.imports.Imports`."""

    def get(self, import_id: str) -> "Import": ...
    def wait(self, import_id: str, *, progress: Progress | None = None, timeout: float | None = None) -> "Import": ...
    def cancel(self, import_id: str) -> "Import": ...
    def retry(self, import_id: str, *, clip_ids: Sequence[str] | None = None) -> "Import": ...
    def delete(self, import_id: str) -> None: ...
    def clips(self, import_id: str, *, status: str | None = None, limit: int | None = None) -> Iterator[Clip]: ...
    def download_report(self, import_id: str, path: Path, *, format: str = "csv", wait: float = 0) -> Report: ...


@dataclass(frozen=True, kw_only=True)
class Import(Model):
    """An import as it stood when it was asked for; `refresh` and `wait` give a newer one."""

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
    door: str = ""
    key_id: str | None = None
    folder: str | None = None
    labels: tuple[str, ...] = ()
    run_name_prefix: str | None = None
    filters: Mapping[str, Any] | None = None
    execution_settings_id: str | None = None
    integration_id: str | None = None
    completed_at: str | None = None
    cancel_requested: bool = False
    run: int = 0
    runs: tuple[Run, ...] = ()
    rate: Rate | None = None
    eta_seconds: int | None = None
    code: str | None = None
    message: str | None = None
    webhook: Webhook | None = None
    _calls: Calls | None = field(default=None, repr=False, compare=False)

    @property
    def ended(self) -> bool:
        return self.status in TERMINAL_STATUSES

    @property
    def succeeded(self) -> bool:
        """Every clip was copied or skipped."""
        return self.status == "COMPLETED"

    def refresh(self) -> "Import":
        return self._client.get(self.id)

    def wait(self, progress: Progress | None = None, timeout: float | None = None) -> "Import":
        """The import once it has ended. Raises `WaitTimeout` after `timeout` seconds; the import goes on then."""
        return self._client.wait(self.id, progress=progress, timeout=timeout)

    def cancel(self) -> "Import":
        return self._client.cancel(self.id)

    def retry(self, clip_ids: Sequence[str] | None = None) -> "Import":
        """Run what failed or was cancelled again, or those of it that `clip_ids` names."""
        return self._client.retry(self.id, clip_ids=clip_ids)

    def delete(self) -> None:
        self._client.delete(self.id)

    def clips(self, status: str | None = None, limit: int | None = None) -> Iterator[Clip]:
        return self._client.clips(self.id, status=status, limit=limit)

    def download_report(self, path: Path, format: str = "csv", wait: float = 0) -> Report:
        return self._client.download_report(self.id, path, format=format, wait=wait)

    @property
    def _client(self) -> Calls:
        if self._calls is None:
            raise RuntimeError("this import came from no client")
        return self._calls
