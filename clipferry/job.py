# Generated from clipferry/aio/job.py by `make client`: change that file.
"""An import with the calls that act on it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from clipferry.models.clips import Clip
from clipferry.models.failures import Failures, Timeline
from clipferry.models.imports import ImportState, Report

Progress = Callable[["Import"], None] | Literal[True]
"""Called with the import each time that it was read. True shows a bar (`clipferry.progress`)."""


class Calls(Protocol):
    """The client's calls that an import's methods use. `Imports` implements them."""

    def get(self, import_id: str) -> "Import": ...
    def wait(self, import_id: str, *, progress: Progress | None = None, timeout: float | None = None) -> "Import": ...
    def cancel(self, import_id: str) -> "Import": ...
    def retry(
        self,
        import_id: str,
        *,
        clip_ids: Sequence[str] | None = None,
        content_validation: Literal["none", "structure", "deep"] | None = None,
        codes: Sequence[str] | None = None,
    ) -> "Import": ...
    def delete(self, import_id: str) -> None: ...
    def clips(self, import_id: str, *, status: str | None = None, limit: int | None = None) -> Iterator[Clip]: ...
    def failures(self, import_id: str) -> Failures: ...
    def timeline(self, import_id: str) -> Timeline: ...
    def download_report(self, import_id: str, path: Path, *, format: str = "csv", wait: float = 0) -> Report: ...


@dataclass(frozen=True, kw_only=True)
class Import(ImportState):
    """An import as it was when it was read. `refresh` and `wait` return a newer one."""

    _calls: Calls | None = field(default=None, repr=False, compare=False)

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
        codes: Sequence[str] | None = None,
    ) -> "Import":
        """Start the next attempt: for all failed and cancelled clips, those in `clip_ids` (each a `Clip.id`), or those
        with one of `codes`.

        `content_validation` is how it checks clips. With it and no `clip_ids`, only clips that failed their check run.
        """
        return self._client.retry(self.id, clip_ids=clip_ids, content_validation=content_validation, codes=codes)

    def delete(self) -> None:
        """Delete the record of the ended import; its clips stay. Raises `Conflict` (NOT_ENDED)."""
        self._client.delete(self.id)

    def clips(self, status: str | None = None, limit: int | None = None) -> Iterator[Clip]:
        """Yield its clips in its order, or those of one status."""
        return self._client.clips(self.id, status=status, limit=limit)

    def failures(self) -> Failures:
        """Return its failed and cancelled clips by code, with counts and examples."""
        return self._client.failures(self.id)

    def timeline(self) -> Timeline:
        """Return the phases of the present attempt, and the number of clips that it had done over time."""
        return self._client.timeline(self.id)

    def download_report(self, path: Path, format: str = "csv", wait: float = 0) -> Report:
        """Download a file of its report, like `Imports.download_report`."""
        return self._client.download_report(self.id, path, format=format, wait=wait)

    @property
    def _client(self) -> Calls:
        if self._calls is None:
            raise RuntimeError("this import has no client, so it cannot send requests")
        return self._calls
