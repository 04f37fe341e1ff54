"""Job rows and completions in memory, under the conditions that DynamoDB checks."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from service.domain.ends import Delivery, End
from service.domain.errors import NotFound, QuotaExceeded, TableBusy
from service.domain.jobs import (
    ActiveJob,
    Counts,
    Job,
    JobStatus,
    JobTag,
    RecordedBatch,
    Restores,
    Retry,
    Tally,
    settings_of_run,
)
from service.domain.manifest import BatchState, Rounds
from service.domain.objects import LargeCopy
from service.domain.progress import runs_after
from service.domain.projects import AuditEntry
from service.domain.requests import ImportSettings
from service.domain.search_keys import job_position, tags_of
from tests.fakes.faults import Faults, port_call


@dataclass
class FakeJobs:
    faults: Faults = field(default_factory=Faults)
    rows: dict[str, Job] = field(default_factory=dict)
    batches: dict[str, dict[tuple[int, int], RecordedBatch]] = field(default_factory=lambda: defaultdict(dict))
    hidden: dict[str, str] = field(default_factory=dict)
    """Deleted jobs and the times of their deletion."""
    buried: set[str] = field(default_factory=set)
    audit: list[AuditEntry] = field(default_factory=list)
    ends: dict[tuple[str, str], End] = field(default_factory=dict)
    large: dict[tuple[str, int], LargeCopy] = field(default_factory=dict)
    """Records of unfinished multipart uploads, which belong to jobs like batches, completions and lists of uploads."""
    lists: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    retention_days: int = 0
    """Days after its completion for which a job is shown. 0: for ever."""
    port = "jobs"

    @port_call
    def create(self, job: Job, *, entry: AuditEntry | None = None, max_active: int | None = None) -> bool:
        if job.id in self.rows or job.id in self.hidden:
            return False
        if max_active is not None and job.counted:
            self._check_room(job.project, max_active)
        self.rows[job.id] = job
        self.audit += [entry] if entry else []
        return True

    @port_call
    def check_room(self, project: str, *, max_active: int) -> None:
        self._check_room(project, max_active)

    def _check_room(self, project: str, max_active: int) -> None:
        counted = [one for one in self.rows.values() if one.project == project and one.counted]
        active = sum(not one.status.terminal for one in counted)
        if active >= max_active:
            raise QuotaExceeded(f"this project has {max_active} active imports")

    @port_call
    def get(self, job_id: str) -> Job | None:
        job = self.rows.get(job_id)
        return job if job and self._is_shown(job) else None

    def _is_shown(self, job: Job) -> bool:
        if not (self.retention_days and job.completed_at):
            return True
        return datetime.now(UTC) - datetime.fromisoformat(job.completed_at) < timedelta(days=self.retention_days)

    @port_call
    def get_some(self, job_ids: Collection[str]) -> Mapping[str, Job]:
        return {job_id: job for job_id in job_ids if (job := self.rows.get(job_id)) and self._is_shown(job)}

    @port_call
    def find(
        self, project: str, tag: JobTag, value: str, *, limit: int, begin: str | None
    ) -> tuple[Sequence[Job], str | None]:
        found = {
            job_position(job.created_at, job.id): job
            for job in self.rows.values()
            if job.project == project and (tag, value) in tags_of(job)
        }
        rest = [position for position in sorted(found, reverse=True) if begin is None or position <= begin]
        shown = [found[position] for position in rest[:limit] if self._is_shown(found[position])]
        return shown, rest[limit] if len(rest) > limit else None

    @port_call
    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Job], str | None]:
        positions = {f"{job.created_at}#{job.id}": job for job in self.rows.values() if job.project == project}
        rest = [position for position in sorted(positions, reverse=True) if after is None or position < after]
        shown = rest[:limit]
        jobs = [job for position in shown if self._is_shown(job := positions[position])]
        return jobs, shown[-1] if len(rest) > limit else None

    @port_call
    def begin_planning(self, job_id: str, now: str, *, run: int = 0) -> Job | None:
        return self._update(job_id, run, status=JobStatus.PLANNING, updated_at=now, resume_at=None)

    @port_call
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
        job = self.rows.get(job_id)
        if job is None:
            return
        if job.planned_run is not None and job.planned_run >= run:
            self._update(job_id, run, status=JobStatus.COPYING, updated_at=now)
            return
        self._update(
            job_id,
            run,
            status=JobStatus.COPYING,
            counts=replace(job.counts, total=total, skipped=job.counts.skipped + skipped),
            skipped_by_plan=skipped,
            failed_before=failed_before,
            plan_rounds=rounds,
            settled_before=skipped,
            planned=True,
            planned_run=run,
            copying_since=now,
            cut_short=cut_short,
            updated_at=now,
        )

    @port_call
    def retry(self, job: Job, retry: Retry, *, max_active: int | None = None) -> Job | None:
        now = self.rows.get(job.id)
        if now is None or not now.status.terminal or now.run != job.run:
            return None
        if max_active is not None and job.counted:
            self._check_room(job.project, max_active)
        unplanned = {"planned": False, "planned_run": None, "cut_short": False} if job.counts.total == 0 else {}
        self.rows[job.id] = replace(
            now,
            status=JobStatus.PENDING,
            run=job.run + 1,
            runs=runs_after(job),
            retry=retry,
            updated_at=retry.at,
            cancel_requested=False,
            completed_at=None,
            code=None,
            message=None,
            copying_since=None,
            restores=None,
            resumes=0,
            **unplanned,  # type: ignore[arg-type]
        )
        return self.rows[job.id]

    @port_call
    def reopen(self, job: Job, again: Tally, now: str) -> bool:
        current = self.rows.get(job.id)
        if current is None or current.planned_run is None or current.planned_run >= job.run:
            return False
        counts = current.counts
        changes = {
            "planned_run": job.run,
            "counts": replace(
                counts, failed=counts.failed - again.failed, cancelled=counts.cancelled - again.cancelled
            ),
            "settled_before": job.counts.settled - again.settled,
            "bytes_before": job.counts.bytes,
            "copying_since": now,
            "updated_at": now,
        }
        return self._update(job.id, job.run, status=JobStatus.COPYING, **changes) is not None

    @port_call
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
        counted_in: str | None = None,  # noqa: ARG002  # this store counts the jobs directly
        unplanned: bool = False,
        resumes: int = 0,
    ) -> bool:
        changes = {"counts": counts} if counts else {}
        job = self.rows.get(job_id)
        if unplanned and job and job.planned_run == run:
            return False
        if job and not job.status.terminal and job.run == run and (job_id, now) in self.ends:
            raise TableBusy("another run ended at this very time")
        ended = self._update(
            job_id,
            run,
            status=status,
            code=code,
            message=message,
            updated_at=now,
            completed_at=now,
            resume_at=None,
            **changes,
        )
        if ended:
            self.ends[job_id, now] = End(
                job_id=job_id, ended_at=now, run=run, resumes=resumes, document=dict(document), touched_at=now
            )
        return ended is not None

    @port_call
    def restoring(self, job: Job, restores: Restores, now: str, *, resume_at: str | None = None) -> bool:
        changes: dict[str, object] = {"restores": restores, "updated_at": now}
        there = self.rows.get(job.id)
        if resume_at:
            if there is None or there.cancel_requested or there.resume_at or there.resumes > job.resumes:
                return False
            changes |= {"resume_at": resume_at, "resumes": job.resumes + 1}
        return self._update(job.id, job.run, **changes) is not None

    @port_call
    def request_cancel(self, job_id: str, now: str) -> bool:
        return self._update(job_id, None, cancel_requested=True, updated_at=now) is not None

    def _update(self, job_id: str, run: int | None, **changes: object) -> Job | None:
        """Return None, and change nothing, if the job is absent, terminal or in another run (None: any run)."""
        job = self.rows.get(job_id)
        if job is None or job.status.terminal or run not in (None, job.run):
            return None
        self.rows[job_id] = replace(job, **changes)  # type: ignore[arg-type]
        return self.rows[job_id]

    @port_call
    def record_batch(self, job_id: str, number: int, tally: Tally, now: str, *, run: int = 0) -> bool:
        if job_id in self.hidden:
            return False
        if job_id not in self.rows:
            raise NotFound(f"there is no import {job_id!r}")
        job = self.rows[job_id]
        if (run, number) in self.batches[job_id] or job.status.terminal or job.run != run:
            return False
        counts = replace(
            job.counts,
            copied=job.counts.copied + tally.copied,
            skipped=job.counts.skipped + tally.skipped,
            failed=job.counts.failed + tally.failed,
            cancelled=job.counts.cancelled + tally.cancelled,
            bytes=job.counts.bytes + tally.bytes,
        )
        self.rows[job_id] = replace(job, counts=counts, updated_at=now)
        self.batches[job_id][run, number] = RecordedBatch(at=now, tally=tally)
        return True

    @port_call
    def batch_state(self, job_id: str, number: int, *, run: int = 0) -> BatchState:
        job = self.rows.get(job_id)
        over = job_id in self.hidden or (job is not None and (job.status.terminal or job.run != run))
        return BatchState(
            recorded=over or (run, number) in self.batches[job_id],
            cancel_requested=job is None or job.cancel_requested,
            settings=settings_of_run(job.settings, job.retry) if job else ImportSettings(),
            project=job.project if job else "",
            created_at=job.created_at if job else "",
            failed=job.counts.failed if job else 0,
            total=job.counts.total if job else 0,
            restores_until=job.restores.until if job and job.restores else "",
            mirrored=job is not None and job.source.kind.mirrored,
        )

    @port_call
    def recorded_batches(self, job_id: str, *, run: int = 0) -> set[int]:
        return {number for of, number in self.batches[job_id] if of == run}

    @port_call
    def recorded(self, job_id: str, *, run: int = 0) -> Sequence[RecordedBatch]:
        return [batch for (of, _), batch in self.batches[job_id].items() if of == run]

    @port_call
    def delete(self, job_id: str, now: str) -> bool:
        job = self.rows.get(job_id)
        if job is None or not job.status.terminal:
            return False
        del self.rows[job_id]
        self.hidden[job_id] = now
        return True

    def deleted(self, *, before: str) -> Iterator[str]:
        yield from [job_id for job_id, at in self.hidden.items() if at < before and job_id not in self.buried]

    @port_call
    def delete_some(self, job_id: str) -> bool:
        ends = [self.ends.pop(key) for key in list(self.ends) if key[0] == job_id]
        large = [self.large.pop(key) for key in list(self.large) if key[0] == job_id]
        return bool(self.batches.pop(job_id, None) or self.lists.pop(job_id, None) or ends or large)

    @port_call
    def bury(self, job_id: str) -> None:
        self.buried.add(job_id)

    def active(self, *, after: str = "") -> Iterator[ActiveJob]:
        with self.faults.lock:
            self.faults.enter("jobs.active")
            found = [
                ActiveJob(
                    id=job.id,
                    project=job.project,
                    run=job.run,
                    updated_at=job.updated_at,
                    position=job_position(job.created_at, job.id),
                    resumes=job.resumes,
                    resume_at=job.resume_at,
                    cancel_requested=job.cancel_requested,
                )
                for job in self.rows.values()
                if not job.status.terminal
            ]
        yield from sorted((job for job in found if job.position > after), key=lambda job: job.position)


@dataclass
class FakeEnds:
    """Shares the jobs with `FakeJobs`, since both are in one table."""

    jobs: FakeJobs
    faults: Faults = field(default_factory=Faults)
    port = "ends"

    @port_call
    def get(self, job_id: str, ended_at: str) -> End | None:
        return self.jobs.ends.get((job_id, ended_at))

    def open(self, *, after: str = "") -> Iterator[End]:
        with self.faults.lock:
            self.faults.enter("ends.open")
            found = [end for end in self.jobs.ends.values() if not end.closed and end.position > after]
        yield from sorted(found, key=lambda end: end.position)

    def due(self, now: str) -> Iterator[End]:
        with self.faults.lock:
            self.faults.enter("ends.due")
            ends = [end for end in self.jobs.ends.values() if end.closed and end.uploads_due and end.uploads_due < now]
        yield from sorted(ends, key=lambda end: (end.uploads_due, end.job_id))

    @port_call
    def save(self, end: End, *, now: str) -> bool:
        return self._write(end, replace(end, touched_at=now)) is not None

    @port_call
    def restart(self, end: End, *, failures: int, webhook: Delivery | None, now: str) -> End | None:
        known = self.jobs.ends.get((end.job_id, end.ended_at))
        if known is None:
            return None
        executions = end.executions + 1
        return self._write(
            end,
            replace(
                known,
                executions=executions,
                failures=failures,
                webhook=webhook or known.webhook,
                closed=False,
                touched_at=now,
            ),
        )

    def _write(self, read: End, new: End) -> End | None:
        known = self.jobs.ends.get((read.job_id, read.ended_at))
        if known is None or known.executions != read.executions:
            return None
        self.jobs.ends[read.job_id, read.ended_at] = new
        job = self.jobs.rows.get(read.job_id)
        if job and job.completed_at == read.ended_at and new.webhook:
            self.jobs.rows[read.job_id] = replace(job, webhook=new.webhook)
        return new
