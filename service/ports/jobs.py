"""Ports of the job rows and of completions."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from service.domain.ends import Delivery, End
from service.domain.jobs import ActiveJob, Counts, Job, JobStatus, JobTag, Retry, Tally
from service.domain.manifest import BatchState
from service.domain.projects import AuditEntry


class JobReader(Protocol):
    def get(self, job_id: str) -> Job | None: ...


class JobStore(JobReader, Protocol):
    """Whatever names a `run` does nothing where the job is in another one by now."""

    def create(self, job: Job, *, entry: AuditEntry | None = None, max_active: int | None = None) -> bool:
        """Write the job, what it is found by and its audit entry, all or nothing.

        False where a job of that id exists already; nothing is written then. Raises `QuotaExceeded` if the project has
        `max_active` active imports. None: this import neither needs room nor counts, as those that uploads start.
        """
        ...

    def get_some(self, job_ids: Collection[str]) -> Mapping[str, Job]:
        """Those that exist, by id."""
        ...

    def find(
        self, project: str, tag: JobTag, value: str, *, limit: int, begin: str | None
    ) -> tuple[Sequence[Job], str | None]:
        """The project's jobs with this tag, newest first, from position `begin` on, which is included.

        At most `limit` are looked at; deleted ones are left out. The second value is where to go on (None: the end).
        """
        ...

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Job], str | None]:
        """Newest first; `after` and the second value are positions (None: the end)."""
        ...

    def begin_planning(self, job_id: str, now: str, *, run: int = 0) -> Job | None:
        """Close a pending job for further uploads and return it; None where the run has ended or the job is absent."""
        ...

    def end_planning(self, job_id: str, *, run: int = 0, total: int, cut_short: bool = False, now: str) -> None: ...

    def retry(self, job: Job, retry: Retry, *, max_active: int | None = None) -> Job | None:
        """Begin the run after the ended one that `job` shows, which goes into the history.

        A job without clips is to be planned anew. None where it is in another run by now, or deleted. Raises
        `QuotaExceeded` as `create` does.
        """
        ...

    def reopen(self, job: Job, again: Tally, now: str) -> bool:
        """End the planning of a retry: take the former fates of its clips off the counts, once.

        False where that was done before, or the run has ended.
        """
        ...

    def end(
        self,
        job_id: str,
        *,
        run: int = 0,
        status: JobStatus,
        code: str | None,
        message: str | None,
        counts: Counts | None = None,
        document: Mapping[str, object],
        now: str,
        counted_in: str | None = None,
    ) -> bool:
        """Set the run's terminal status and any `counts`, and open an `End` with `document`: once, all or nothing.

        False where the run has ended already. `counted_in` is the project whose active imports become one less: of
        each run that began with a `max_active`. Raises `TableBusy` where an earlier run ended at this very time.
        """
        ...

    def request_cancel(self, job_id: str, now: str) -> bool:
        """False where the job is terminal already."""
        ...

    def record_batch(self, job_id: str, number: int, tally: Tally, now: str, *, run: int = 0) -> bool:
        """Add the batch's tally to the counts, once. False where it was recorded before or its run has ended.

        Raises `NotFound` where there is no such job.
        """
        ...

    def batch_state(self, job_id: str, number: int, *, run: int = 0) -> BatchState:
        """In one call. A job that is gone counts as cancelled; batches of a run that has ended as recorded."""
        ...

    def recorded_batches(self, job_id: str, *, run: int = 0) -> set[int]: ...

    def delete(self, job_id: str, now: str) -> bool:
        """Hide a terminal job from every other method and put it on the list of deleted ones; else False.

        Its id stays taken, and its batches count as recorded.
        """
        ...

    def deleted(self) -> Iterator[str]:
        """Ids of deleted jobs that are not buried."""
        ...

    def delete_some(self, job_id: str) -> bool:
        """Delete some of the rows that belong to the job's; False where there were none."""
        ...

    def bury(self, job_id: str) -> None:
        """Leave of a deleted job nothing but a tombstone, which goes when the id can be used again."""
        ...

    def active(self, *, after: str = "") -> Iterator[ActiveJob]:
        """Jobs without a terminal status behind a position, oldest first; read as they are asked for."""
        ...


class EndStore(Protocol):
    """Ends of jobs. Those that are not closed are the outbox: nothing that hangs on an end gets lost."""

    def get(self, job_id: str, ended_at: str) -> End | None: ...

    def open(self, *, after: str = "") -> Iterator[End]:
        """Those that are not closed, behind a position, oldest first; read as they are asked for."""
        ...

    def save(self, end: End, *, now: str) -> bool:
        """Keep its report, event, webhook and `closed`; the webhook on the job, too, where this is its last end.

        False, and nothing is kept, where another execution began since `end` was read, or the end is gone.
        """
        ...

    def restart(self, end: End, *, failures: int, webhook: Delivery | None, now: str) -> End | None:
        """Open the end (again) for one execution more and return it as it is then; None where another was faster."""
        ...
