"""An import with the calls that act on it."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from clipferry.models.clips import Clip
from clipferry.models.failures import Failures, Timeline
from clipferry.models.imports import ImportState, Report

Progress = Callable[["AsyncImport"], None] | Literal[True]
"""Called with the import each time that it was read. True shows a bar (`clipferry.progress`)."""


class Calls(Protocol):
    """The client's calls that an import's methods use. `Imports` implements them."""

    async def get(self, import_id: str) -> "AsyncImport": ...
    async def wait(
        self, import_id: str, *, progress: Progress | None = None, timeout: float | None = None
    ) -> "AsyncImport": ...
    async def cancel(self, import_id: str) -> "AsyncImport": ...
    async def retry(
        self,
        import_id: str,
        *,
        clip_ids: Sequence[str] | None = None,
        content_validation: Literal["none", "structure", "deep"] | None = None,
        codes: Sequence[str] | None = None,
    ) -> "AsyncImport": ...
    async def delete(self, import_id: str) -> None: ...
    def clips(self, import_id: str, *, status: str | None = None, limit: int | None = None) -> AsyncIterator[Clip]: ...
    async def failures(self, import_id: str) -> Failures: ...
    async def timeline(self, import_id: str) -> Timeline: ...
    async def download_report(self, import_id: str, path: Path, *, format: str = "csv", wait: float = 0) -> Report: ...


@dataclass(frozen=True, kw_only=True)
class AsyncImport(ImportState):
    """An import as it was when it was read. `refresh` and `wait` return a newer one."""

    _calls: Calls | None = field(default=None, repr=False, compare=False)

    async def refresh(self) -> "AsyncImport":
        """Read the import again."""
        return await self._client.get(self.id)

    async def wait(self, progress: Progress | None = None, timeout: float | None = None) -> "AsyncImport":
        """Wait for the end and return the import. Raises `WaitTimeout` after `timeout` seconds; the import goes on."""
        return await self._client.wait(self.id, progress=progress, timeout=timeout)

    async def cancel(self) -> "AsyncImport":
        """Ask the service to stop the import. Raises `Conflict` (ALREADY_ENDED)."""
        return await self._client.cancel(self.id)

    async def retry(
        self,
        clip_ids: Sequence[str] | None = None,
        content_validation: Literal["none", "structure", "deep"] | None = None,
        codes: Sequence[str] | None = None,
    ) -> "AsyncImport":
        """Start the next attempt: for all failed and cancelled clips, those in `clip_ids` (each a `Clip.id`), or those
        with one of `codes`.

        `content_validation` is how it checks clips. With it and no `clip_ids`, only clips that failed their check run.
        """
        return await self._client.retry(self.id, clip_ids=clip_ids, content_validation=content_validation, codes=codes)

    async def delete(self) -> None:
        """Delete the record of the ended import; its clips stay. Raises `Conflict` (NOT_ENDED)."""
        await self._client.delete(self.id)

    def clips(self, status: str | None = None, limit: int | None = None) -> AsyncIterator[Clip]:
        """Yield its clips in its order, or those of one status."""
        return self._client.clips(self.id, status=status, limit=limit)

    async def failures(self) -> Failures:
        """Return its failed and cancelled clips by code, with counts and examples."""
        return await self._client.failures(self.id)

    async def timeline(self) -> Timeline:
        """Return the phases of the present attempt, and the number of clips that it had done over time."""
        return await self._client.timeline(self.id)

    async def download_report(self, path: Path, format: str = "csv", wait: float = 0) -> Report:
        """Download a file of its report, like `Imports.download_report`."""
        return await self._client.download_report(self.id, path, format=format, wait=wait)

    @property
    def _client(self) -> Calls:
        if self._calls is None:
            raise RuntimeError("this import has no client, so it cannot send requests")
        return self._calls
