"""Ports of uploads to the drop bucket."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from service.domain.jobs import Job
from service.domain.projects import AuditEntry
from service.domain.requests import Upload


class GatheringClosed(Exception):
    """The uploads cannot be added: the job's planning began, it was cancelled, or another job gathers uploads."""


class AlreadyClaimed(Exception):
    """Some uploads belong to jobs already: `owners` maps their identities to job ids. Nothing was written."""

    def __init__(self, owners: Mapping[str, str]) -> None:
        super().__init__(f"{len(owners)} uploads belong to jobs already")
        self.owners = owners


class UploadLists(Protocol):
    def lists(self, job_id: str) -> Sequence[str]:
        """Return the state keys of all lists claimed for the job, in a stable order."""
        ...


class UploadStore(UploadLists, Protocol):
    """Assigns uploads to jobs. A claim and its membership are one transaction."""

    @property
    def max_uploads_per_claim(self) -> int: ...

    def gathering_job(self, gatherer: str) -> str | None:
        """Return the id of the job that took the last uploads of this `Job.gatherer`. It may have closed since."""
        ...

    def claim(self, job_id: str, uploads: Sequence[Upload], list_key: str) -> None:
        """Assign all `uploads` to the pending job, or none of them. State object `list_key` lists them.

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
        """Like `claim`, for a new job, which is written with the uploads and becomes the gathering job.

        Raises `GatheringClosed` if the gathering job is no longer `instead_of`: another delivery was faster.
        """
        ...
