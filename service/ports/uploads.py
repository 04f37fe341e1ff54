"""Ports of uploads to the drop bucket."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from service.domain.jobs import Job
from service.domain.projects import AuditEntry
from service.domain.requests import Upload


class GatheringClosed(Exception):
    """The uploads cannot be added as asked: the job's planning began, it was cancelled, or another job gathers."""


class AlreadyClaimed(Exception):
    """Some uploads belong to jobs already: `owners` maps their identities to job ids. Nothing was written."""

    def __init__(self, owners: Mapping[str, str]) -> None:
        super().__init__(f"{len(owners)} uploads belong to jobs already")
        self.owners = owners


class UploadLists(Protocol):
    def lists(self, job_id: str) -> Sequence[str]:
        """State keys of all lists that were claimed for the job, in a stable order."""
        ...


class UploadStore(UploadLists, Protocol):
    """Which upload belongs to which job. A claim and its membership are one transaction."""

    @property
    def max_uploads_per_claim(self) -> int: ...

    def gathering_job(self, project: str) -> str | None:
        """Id of the job that took this project's last uploads; it may have closed since."""
        ...

    def claim(self, job_id: str, uploads: Sequence[Upload], list_key: str) -> None:
        """Make all `uploads` the pending job's, listed in state object `list_key`, or none of them.

        Raises `GatheringClosed` or `AlreadyClaimed`.
        """
        ...

    def open(
        self,
        job: Job,
        uploads: Sequence[Upload],
        list_key: str,
        *,
        instead_of: str | None,
        entry: AuditEntry | None = None,
    ) -> None:
        """Like `claim` for a job that is written with them, as by `JobStore.create`, and becomes the gathering job.

        Raises `GatheringClosed` where the gathering job is no longer `instead_of`: another delivery was faster.
        """
        ...
