"""Ports of the job rows and of completions."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from service.domain.ends import Delivery, End
from service.domain.jobs import ActiveJob, Counts, Job, JobStatus, JobTag, RecordedBatch, Restores, Retry, Tally
from service.domain.manifest import BatchState, Rounds
from service.domain.projects import AuditEntry


class JobReader(Protocol):
    def get(self, job_id: str) -> Job | None: ...


class JobStore(JobReader, Protocol):
    """Methods that take a `run` do nothing if the job is in another run now."""

    def create(self, job: Job, *, entry: AuditEntry | None = None, max_active: int | None = None) -> bool:
        """Write the job, its index entries and its audit entry, all or nothing.

        Return False, and write nothing, if a job of that id exists. Raises `QuotaExceeded` if the project has
        `max_active` active imports. None: the import neither needs room nor counts, as for imports that uploads start.
        """
        ...

    def check_room(self, project: str, *, max_active: int) -> None:
        """Raises `QuotaExceeded` if the project has `max_active` active imports."""
        ...

    def get_some(self, job_ids: Collection[str]) -> Mapping[str, Job]:
        """Return the existing jobs by id."""
        ...

    def find(
        self, project: str, tag: JobTag, value: str, *, limit: int, begin: str | None
    ) -> tuple[Sequence[Job], str | None]:
        """Return the project's jobs with this tag, newest first, from position `begin` (inclusive).

        Reads at most `limit` jobs and leaves deleted ones out. The second value is the next position (None: the end).
        """
        ...

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Job], str | None]:
        """Return jobs, newest first. `after` and the second value are positions (None: the end)."""
        ...

    def begin_planning(self, job_id: str, now: str, *, run: int = 0) -> Job | None:
        """Close a pending job for further uploads, or end its wait for restores, and return it.

        None if the run has ended or the job is absent.
        """
        ...

    def end_planning(
        self,
        job_id: str,
        *,
        run: int = 0,
        total: int,
        skipped: int = 0,
        failed_before: int = 0,
        cut_short: bool = False,
        rounds: Rounds = (),
        now: str,
    ) -> None:
        """Begin copying, with `total` clips. Count the `skipped` ones, whose result is the plan.

        `rounds` says which files hold the manifest, `failed_before` is that of `Job`.

        With such clips `JobTag.SKIPPED` finds the job. Only the first end of a run's planning decides these figures; a
        repeated call changes the status alone.
        """
        ...

    def retry(self, job: Job, retry: Retry, *, max_active: int | None = None) -> Job | None:
        """Begin the run after the ended one that `job` shows, which is added to the history.

        A job without clips is planned again. None if the job is in another run now, or deleted. Raises `QuotaExceeded`
        like `create`.
        """
        ...

    def reopen(self, job: Job, again: Tally, now: str) -> bool:
        """Complete the planning of a retry: subtract the former results of its clips from the counts, once.

        Return False if that was done before, or the run has ended.
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
        unplanned: bool = False,
        resumes: int = 0,
    ) -> bool:
        """Set the run's terminal status and any `counts`, and open an `End` with `document`: once, all or nothing.

        Return False if the run has ended already; with `unplanned` also if its planning is complete by now.
        `counted_in` is the project whose count of active imports goes down by one, for each run that began with a
        `max_active`. Raises `TableBusy` if a run ended at the same time.
        """
        ...

    def restoring(self, job: Job, restores: Restores, now: str, *, resume_at: str | None = None) -> bool:
        """Store how far the restores of the job's run are.

        With `resume_at` the job waits until then for its next execution. Return False, and store nothing, if the job
        is not as `job` shows it: it waits already, was cancelled, or its run has ended.
        """
        ...

    def request_cancel(self, job_id: str, now: str) -> bool:
        """Return False if the job is terminal already."""
        ...

    def record_batch(self, job_id: str, number: int, tally: Tally, now: str, *, run: int = 0) -> bool:
        """Add the batch's tally to the counts, once. Return False if it was recorded before or its run has ended.

        Raises `NotFound` if there is no such job.
        """
        ...

    def batch_state(self, job_id: str, number: int, *, run: int = 0) -> BatchState:
        """Read it in one call. A deleted job counts as cancelled; batches of an ended run count as recorded."""
        ...

    def recorded_batches(self, job_id: str, *, run: int = 0) -> set[int]: ...

    def recorded(self, job_id: str, *, run: int = 0) -> Sequence[RecordedBatch]:
        """Return the run's counted batches, in any order, without those of service versions that kept no time."""
        ...

    def delete(self, job_id: str, now: str) -> bool:
        """Hide a terminal job from every other method and put it on the list of deleted jobs; else return False.

        Its id stays taken, and its batches count as recorded.
        """
        ...

    def deleted(self, *, before: str) -> Iterator[str]:
        """Yield the ids of jobs that were deleted before this time and are not purged yet."""
        ...

    def delete_some(self, job_id: str) -> bool:
        """Delete some of the rows that belong to the job. False if there were none."""
        ...

    def bury(self, job_id: str) -> None:
        """Replace a deleted job by a tombstone, which expires when the id can be used again."""
        ...

    def active(self, *, after: str = "") -> Iterator[ActiveJob]:
        """Yield jobs without a terminal status after a position, oldest first; reads them when they are needed."""
        ...


class EndStore(Protocol):
    """Completions of attempts. The open ones are a transactional outbox: no report, event or webhook gets lost."""

    def get(self, job_id: str, ended_at: str) -> End | None: ...

    def open(self, *, after: str = "") -> Iterator[End]:
        """Yield the open ones after a position, oldest first; reads them when they are needed."""
        ...

    def due(self, now: str) -> Iterator[End]:
        """Yield the closed ones whose uploads were due for removal before `now`, oldest first."""
        ...

    def save(self, end: End, *, now: str) -> bool:
        """Store its report, event, webhook, `uploads_due`, `sources_done` and `closed`.

        The webhook is stored on the job, too, if this is its last completion.

        Return False, and store nothing, if another execution began since `end` was read, or `end` is gone.
        """
        ...

    def restart(self, end: End, *, failures: int, webhook: Delivery | None, now: str) -> End | None:
        """Open the end (again) for one more execution and return the new state. None if another caller was faster."""
        ...
