# Generated from clipferry/aio/resources/imports.py by `make client`: change that file.
"""`/v1/imports`."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Literal

import httpx
from typing_extensions import Unpack

from clipferry.decode import decode
from clipferry.errors import ApiError, ConnectionFailed, UnexpectedAnswer
from clipferry.job import Import, Progress
from clipferry.models.clips import Clip
from clipferry.models.errors import WaitTimeout
from clipferry.models.failures import Failures, Timeline
from clipferry.models.imports import Report
from clipferry.models.trail import AuditEntry
from clipferry.progress import progress_bar
from clipferry.requests import ImportRequest, body_of
from clipferry.resources.base import Resource
from clipferry.transport import Sleep, Transport
from clipferry.wire import ATTEMPTS, backoff, new_key, path_of

MIN_LOOK_SECONDS = 0.5
MAX_LOOK_SECONDS = 5.0
"""Bounds of the pause between two requests of `wait`, which is a tenth of the time that it has waited."""
REPORT_SECONDS = 1.0
"""Pause between two requests for a report, if the answer has no `Retry-After`."""
LISTED = 100
"""Imports per page of `list`."""


class Imports(Resource):
    """`/v1/imports`. `import_id` is `Import.id`; every call raises `NotFound` if the project has no such import."""

    def __init__(self, transport: Transport, *, sleep: Sleep = time.sleep) -> None:
        super().__init__(transport)
        self._sleep = sleep

    def create(self, *, idempotency_key: str | None = None, **request: Unpack[ImportRequest]) -> Import:
        """Start an import and return it. Two calls with the same `idempotency_key` and request start one import.

        Raises `Invalid`, `Forbidden` (CANNOT_ACCESS), `TooLarge` (a long list: use `manifest_uri`), and `Conflict` if
        the idempotency key was used with another request.
        """
        key, body = idempotency_key or new_key(), body_of(request)
        return self._one(self._http.call("POST", "/v1/imports", body=body, idempotency_key=key, repeatable=True))

    def list(
        self,
        *,
        status: str | None = None,
        trigger: str | None = None,
        folder: str | None = None,
        label: str | None = None,
        watch: str | None = None,
        created_after: str | None = None,
        created_before: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Import]:
        """Yield the project's imports that match every argument, newest first.

        `watch` is `Watch.id`. Times are ISO 8601 with a zone: `created_after` <= the import's time < `created_before`.
        """
        wanted = {
            "status": status,
            "trigger": trigger,
            "folder": folder,
            "label": label,
            "watch": watch,
            "created_after": created_after,
            "created_before": created_before,
        }
        for job in self._pages(Import, "/v1/imports", "imports", limit=limit, page=LISTED, query=wanted):
            yield replace(job, _calls=self)

    def get(self, import_id: str) -> Import:
        """Return the import as it is now."""
        return self._one(self._http.call("GET", path_of("imports", import_id), repeatable=True))

    def wait(self, import_id: str, *, progress: Progress | None = None, timeout: float | None = None) -> Import:
        """Wait until an import has ended, and return it.

        `progress` is called with each state that was read; True shows a bar, in a notebook or a terminal.
        Raises `WaitTimeout` after `timeout` seconds. The import goes on then, and after an interrupt.
        """
        if progress is True:
            with closing(progress_bar()) as bar:
                return self.wait(import_id, progress=bar, timeout=timeout)
        begun = time.monotonic()
        while True:
            job = self.get(import_id)
            if progress is not None:
                progress(job)
            if job.ended:
                return job
            waited = time.monotonic() - begun
            if timeout is not None and waited >= timeout:
                raise WaitTimeout(job, waited)
            pause = min(MAX_LOOK_SECONDS, max(MIN_LOOK_SECONDS, waited / 10))
            self._sleep(pause if timeout is None else min(pause, timeout - waited))

    def cancel(self, import_id: str) -> Import:
        """Ask the service to stop an import; it starts no more copies within seconds.

        Returns the import, which may still run. Raises `Conflict` (ALREADY_ENDED).
        """
        return self._one(self._http.call("POST", path_of("imports", import_id, "cancel"), repeatable=True))

    def retry(
        self,
        import_id: str,
        *,
        clip_ids: Sequence[str] | None = None,
        content_validation: Literal["none", "structure", "deep"] | None = None,
        codes: Sequence[str] | None = None,
        idempotency_key: str | None = None,
    ) -> Import:
        """Start the next attempt of an ended import: copy its failed and cancelled clips again.

        `clip_ids` limits it to these clips. Each is a `Clip.id`, not a `Clip.clip_id`. `codes` limits it to the clips
        with one of these codes, as `failures` shows them.
        `content_validation` is how this attempt checks clips: `none` copies clips that failed their check. Without
        `clip_ids`, it then runs all clips that failed their check, and no others.
        Raises `Conflict` (NOT_ENDED, NOTHING_TO_RETRY).
        """
        key = idempotency_key or new_key()
        body = body_of({"clip_ids": clip_ids, "content_validation": content_validation, "codes": codes})
        path = path_of("imports", import_id, "retry")
        return self._one(self._http.call("POST", path, body=body, idempotency_key=key, repeatable=True))

    def delete(self, import_id: str) -> None:
        """Delete an ended import's record; its clips stay. Raises `Conflict` (NOT_ENDED)."""
        self._http.call("DELETE", path_of("imports", import_id), repeatable=True)

    def clips(self, import_id: str, *, status: str | None = None, limit: int | None = None) -> Iterator[Clip]:
        """Yield an import's clips in its order; none until its planning has ended. `status` selects one status."""
        return self._pages(Clip, path_of("imports", import_id, "clips"), "clips", limit=limit, query={"status": status})

    def failures(self, import_id: str) -> Failures:
        """Return an import's failed and cancelled clips by code, with counts and examples."""
        return decode(Failures, self._http.call("GET", path_of("imports", import_id, "failures"), repeatable=True))

    def timeline(self, import_id: str) -> Timeline:
        """Return the phases of the present attempt, and the number of clips that it had done over time."""
        return decode(Timeline, self._http.call("GET", path_of("imports", import_id, "timeline"), repeatable=True))

    def audit(self, import_id: str, *, limit: int | None = None) -> Iterator[AuditEntry]:
        """Yield the audit entries of an import, newest first."""
        return self._pages(AuditEntry, path_of("imports", import_id, "audit"), "entries", limit=limit)

    def replay_webhook(self, import_id: str) -> Import:
        """Send the webhook of the last completion again. Raises `Conflict` (NOT_ENDED, NO_WEBHOOK)."""
        return self._one(self._http.call("POST", path_of("imports", import_id, "webhook", "replay"), repeatable=False))

    def report(self, import_id: str, *, format: str = "csv", wait: float = 0) -> Report:
        """Return a link to a file of an import's report: `csv`, `jsonl`, `summary` or `failures`.

        The service writes the report after the import's end. Wait up to `wait` seconds for both.
        Raises `Conflict` (NOT_ENDED or REPORT_PENDING, after the wait), `NotFound` (NO_REPORT).
        """
        begun = time.monotonic()
        while True:
            try:
                path = path_of("imports", import_id, "report")
                return decode(Report, self._http.call("GET", path, query={"format": format}, repeatable=True))
            except ApiError as refusal:
                left = wait - (time.monotonic() - begun)
                if refusal.code not in ("NOT_ENDED", "REPORT_PENDING") or left <= 0:
                    raise
                self._sleep(min(refusal.retry_after or REPORT_SECONDS, left))

    def download_report(self, import_id: str, path: Path, *, format: str = "csv", wait: float = 0) -> Report:
        """Download a file of an import's report to `path`. Waits and raises like `report`."""
        report = self.report(import_id, format=format, wait=wait)
        self.download(report, path)
        return report

    def download(self, report: Report, path: Path) -> None:
        """Download the file of a report's link to `path`.

        An existing file is replaced when the download is complete; a device is written to.
        Raises `ConnectionFailed`, `UnexpectedAnswer` (the link has expired), `OSError`.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._download(report.url, path)
            except httpx.RequestError as error:
                if attempt == ATTEMPTS:
                    raise ConnectionFailed(f"the report could not be downloaded: {error}") from error
                self._sleep(backoff(attempt))
            else:
                return

    def _download(self, url: str, path: Path) -> None:
        device = path.exists() and not path.is_file()
        handle, draft = tempfile.mkstemp(dir=None if device else path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file, self._http.files.stream("GET", url) as answer:
                if not answer.is_success:
                    raise UnexpectedAnswer(f"the link to the report answered with status {answer.status_code}")
                for piece in answer.iter_bytes():
                    file.write(piece)
            if device:
                with Path(draft).open("rb") as whole, path.open("wb") as sink:
                    shutil.copyfileobj(whole, sink)
            else:
                _as_open_would(Path(draft))
                Path(draft).replace(path)
        finally:
            Path(draft).unlink(missing_ok=True)

    def _one(self, answer: object) -> Import:
        return replace(decode(Import, answer), _calls=self)


def _as_open_would(path: Path) -> None:
    """Give a temporary file, which only its owner can read, the mode of a normal new file."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)
