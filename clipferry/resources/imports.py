"""`/v1/imports`."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

import httpx

from clipferry.decode import decode
from clipferry.errors import ApiError, ConnectionFailed, UnexpectedAnswer
from clipferry.models.errors import WaitTimeout
from clipferry.models.imports import Clip, Import, Progress, Report
from clipferry.models.trail import AuditEntry
from clipferry.requests import ImportRequest, body_of
from clipferry.resources.base import Resource, new_key
from clipferry.transport import ATTEMPTS, Sleep, Transport, backoff, path_of

MIN_LOOK_SECONDS = 0.5
MAX_LOOK_SECONDS = 5.0
"""How often `wait` looks: at first often, later every tenth of the time that it has waited."""
LISTED = 100
"""Imports of a page."""


class Imports(Resource):
    def __init__(self, transport: Transport, *, sleep: Sleep = time.sleep) -> None:
        super().__init__(transport)
        self._sleep = sleep

    def create(self, *, idempotency_key: str | None = None, **request: Unpack[ImportRequest]) -> Import:
        """Start an import. The same `idempotency_key` and request give the same import; without one each call is new.

        Raises `Invalid`, `Forbidden` (CANNOT_ACCESS), `TooLarge` (a long list: use `manifest_uri`), `Conflict`.
        """
        key, body = idempotency_key or new_key(), body_of(request)
        return self._one(self._http.call("POST", "/v1/imports", body=body, idempotency_key=key, repeatable=True))

    def list(self, *, limit: int | None = None) -> Iterator[Import]:
        """Newest first."""
        for job in self._pages(Import, "/v1/imports", "imports", limit=limit, page=LISTED):
            yield replace(job, _calls=self)

    def get(self, import_id: str) -> Import:
        """Raises `NotFound`."""
        return self._one(self._http.call("GET", path_of("imports", import_id), repeatable=True))

    def wait(self, import_id: str, *, progress: Progress | None = None, timeout: float | None = None) -> Import:
        """Look at an import until it has ended; `progress` is told at every look, the last one too.

        Raises `WaitTimeout` after `timeout` seconds. The import goes on then, as it does if this is interrupted.
        """
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
        """Ask for its end: nothing more is copied, within seconds. Raises `Conflict` if it has ended."""
        return self._one(self._http.call("POST", path_of("imports", import_id, "cancel"), repeatable=True))

    def retry(
        self, import_id: str, *, clip_ids: Sequence[str] | None = None, idempotency_key: str | None = None
    ) -> Import:
        """Run what failed or was cancelled again, or those of it that `clip_ids` names. Raises `Conflict`."""
        key, body = idempotency_key or new_key(), body_of({"clip_ids": clip_ids})
        path = path_of("imports", import_id, "retry")
        return self._one(self._http.call("POST", path, body=body, idempotency_key=key, repeatable=True))

    def delete(self, import_id: str) -> None:
        """Remove an ended import's record; its clips stay. Raises `Conflict` while it runs."""
        self._http.call("DELETE", path_of("imports", import_id), repeatable=True)

    def clips(self, import_id: str, *, status: str | None = None, limit: int | None = None) -> Iterator[Clip]:
        """In the import's order; none before its planning has ended."""
        return self._pages(Clip, path_of("imports", import_id, "clips"), "clips", limit=limit, query={"status": status})

    def audit(self, import_id: str, *, limit: int | None = None) -> Iterator[AuditEntry]:
        """Who asked what of it, newest first."""
        return self._pages(AuditEntry, path_of("imports", import_id, "audit"), "entries", limit=limit)

    def replay_webhook(self, import_id: str) -> Import:
        """Send the webhook of its last end again. Raises `Conflict`."""
        return self._one(self._http.call("POST", path_of("imports", import_id, "webhook", "replay"), repeatable=False))

    def report(self, import_id: str, *, format: str = "csv", wait: float = 0) -> Report:
        """A link to a file of the ended import's report: `csv`, `jsonl`, `summary` or `failures`.

        The report is written after the end: `wait` is how many seconds to ask again for it.
        Raises `Conflict` (NOT_ENDED, REPORT_PENDING), `NotFound` (NO_REPORT).
        """
        begun = time.monotonic()
        while True:
            try:
                path = path_of("imports", import_id, "report")
                return decode(Report, self._http.call("GET", path, query={"format": format}, repeatable=True))
            except ApiError as refusal:
                left = wait - (time.monotonic() - begun)
                if refusal.code != "REPORT_PENDING" or left <= 0:
                    raise
                self._sleep(min(refusal.retry_after or 1.0, left))

    def download_report(self, import_id: str, path: Path, *, format: str = "csv", wait: float = 0) -> Report:
        """Download a file of the report to `path`, which is replaced once the file is whole."""
        report = self.report(import_id, format=format, wait=wait)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._download(report.url, path)
            except httpx.RequestError as error:
                if attempt == ATTEMPTS:
                    raise ConnectionFailed(f"the report could not be downloaded: {error}") from error
                self._sleep(backoff(attempt))
            else:
                break
        return report

    def _download(self, url: str, path: Path) -> None:
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file, self._http.files.stream("GET", url) as answer:
                if not answer.is_success:
                    raise UnexpectedAnswer(f"the report's link answered {answer.status_code}")
                for piece in answer.iter_bytes():
                    file.write(piece)
            _as_open_would(Path(draft))
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise

    def _one(self, answer: object) -> Import:
        return replace(decode(Import, answer), _calls=self)


def _as_open_would(path: Path) -> None:
    """A temporary file is its owner's alone; a report is a file like any other."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)
