"""The error that carries an answer of the API."""

from typing import Any

from clipferry.errors import ClipferryError
from clipferry.models.imports import ImportState


class WaitTimeout(ClipferryError, TimeoutError):
    """The import did not end within the time limit. It goes on.

    `job` is the `Import` (or `AsyncImport`) as it was at the last request.
    """

    code = "WAIT_TIMEOUT"

    def __init__(self, job: ImportState, seconds: float) -> None:
        super().__init__(f"import {job.id} is still {job.status} after {seconds:.0f} s; it goes on")
        self.job: Any = job
