"""Jobs and their batches in DynamoDB."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice

from pynamodb.exceptions import DoesNotExist, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from service.aws.dynamodb.audit_rows import audit_row
from service.aws.dynamodb.connection import busy
from service.aws.dynamodb.expiry import TOMBSTONE_SECONDS, after_completion, after_write, is_gone
from service.aws.dynamodb.job_rows import job_of_row, job_row, settings_of_batch
from service.aws.dynamodb.keys_of_rows import (
    ACTIVE,
    DELETED,
    OPEN_ENDS,
    batch_sk,
    batches_of,
    end_sk,
    job_of,
    job_pk,
    project_pk,
    tag_pk,
)
from service.aws.dynamodb.listing import listed
from service.aws.dynamodb.quota import add_active, check_active, quota_exceeded, remove_active
from service.aws.dynamodb.table import BatchRow, EndRow, JobRow, TagRow, TombstoneRow
from service.aws.dynamodb.transactions import DELETED_AT_ONCE, commit_if, delete_rows
from service.domain.errors import NotFound
from service.domain.jobs import (
    ActiveJob,
    Counts,
    Job,
    JobStatus,
    JobTag,
    RecordedBatch,
    Restores,
    Retry,
    SourceKind,
    Tally,
)
from service.domain.manifest import BatchState, Rounds
from service.domain.progress import runs_after
from service.domain.projects import AuditEntry
from service.domain.requests import (
    ImportSettings,
)
from service.domain.search_keys import job_position, tags_of
from service.support.clock import utc_now

READ_AT_ONCE = 100
"""Of BatchGetItem (DynamoDB)."""
_UNPLANNED = (JobStatus.PENDING, JobStatus.PLANNING, JobStatus.COPYING)
_CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoJobs:
    def create(self, job: Job, *, entry: AuditEntry | None = None, max_active: int | None = None) -> bool:
        def build(transaction: TransactWrite) -> None:
            add_job(transaction, job, entry)
            if max_active is not None:
                add_active(transaction, job.project, max_active)

        failed = commit_if(build)
        if max_active is not None and failed and 0 not in failed:
            raise quota_exceeded(max_active)
        return not failed

    def check_room(self, project: str, *, max_active: int) -> None:
        check_active(project, max_active)

    def get(self, job_id: str) -> Job | None:
        try:
            row = JobRow.get(job_pk(job_id), "JOB", consistent_read=True)
        except DoesNotExist:
            return None
        return job_of_row(row) if _is_shown(row) else None

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Job], str | None]:
        begin = JobRow.listing_sk < after if after else None
        rows, position = listed(JobRow, JobRow.listing, project_pk(project), begin, limit=limit, newest_first=True)
        return [job_of_row(row) for row in rows if _is_shown(row)], position

    def get_some(self, job_ids: Collection[str]) -> Mapping[str, Job]:
        rows = JobRow.batch_get([(job_pk(job_id), "JOB") for job_id in job_ids], consistent_read=True)
        return {job_of(row.pk): job_of_row(row) for row in rows if _is_shown(row) and row.project}

    def find(
        self, project: str, tag: JobTag, value: str, *, limit: int, begin: str | None
    ) -> tuple[Sequence[Job], str | None]:
        positions = [
            row.sk
            for row in TagRow.query(
                tag_pk(project, tag, value),
                TagRow.sk <= begin if begin else None,
                scan_index_forward=False,
                limit=limit + 1,
            )
        ]
        ids = [position.rpartition("#")[2] for position in positions[:limit]]
        jobs = self.get_some(ids)
        return [jobs[job_id] for job_id in ids if job_id in jobs], positions[limit] if len(positions) > limit else None

    def begin_planning(self, job_id: str, now: str, *, run: int = 0) -> Job | None:
        actions: list[Action] = [
            JobRow.status.set(JobStatus.PLANNING),
            JobRow.updated_at.set(now),
            JobRow.resume_at.remove(),
        ]
        return self._update(job_id, actions, _going_on(run))

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
        begun: list[Action] = [JobRow.status.set(JobStatus.COPYING), JobRow.updated_at.set(now)]
        figures: list[Action] = [
            JobRow.total.set(total),
            JobRow.skipped.add(skipped),
            JobRow.skipped_by_plan.set(skipped),
            JobRow.failed_before.set(failed_before),
            JobRow.plan_rounds.set(rounds),
            JobRow.settled_before.set(skipped),
            JobRow.planned.set(True),
            JobRow.planned_run.set(run),
            JobRow.copying_since.set(now),
            JobRow.cut_short.set(cut_short),
        ]
        first = _going_on(run) & (JobRow.planned_run.does_not_exist() | (JobRow.planned_run < run))
        job = self.get(job_id) if skipped else None

        def build(transaction: TransactWrite) -> None:
            row = JobRow(job_pk(job_id), "JOB")
            transaction.update(row, actions=[*begun, *figures], condition=JobRow.pk.exists() & first)
            if job:
                transaction.save(_tag_row(job, JobTag.SKIPPED, ""))

        if commit_if(build):
            self._update(job_id, begun, _going_on(run))

    def retry(self, job: Job, retry: Retry, *, max_active: int | None = None) -> Job | None:
        actions: list[Action] = [
            JobRow.status.set(JobStatus.PENDING),
            JobRow.run.set(job.run + 1),
            JobRow.runs.set([asdict(run) for run in runs_after(job)]),
            JobRow.retry.set(asdict(retry)),
            JobRow.updated_at.set(retry.at),
            JobRow.attention_pk.set(ACTIVE),
            JobRow.attention_sk.set(job_position(job.created_at, job.id)),
            JobRow.cancel_requested.set(False),
            JobRow.completed_at.remove(),
            JobRow.code.remove(),
            JobRow.message.remove(),
            JobRow.copying_since.remove(),
            JobRow.restores.remove(),
            JobRow.resumes.set(0),
            JobRow.gone_at.remove(),
            JobRow.expires_at.remove(),
        ]
        if job.counts.total == 0:
            actions += [JobRow.planned.set(False), JobRow.planned_run.remove(), JobRow.cut_short.set(False)]
        # Tags are written first: after a crash they outlive the job, and readers leave out jobs that are gone.
        for tag in _tag_rows(job) if after_write() else ():
            tag.save()
        ended = JobRow.completed_at.exists() & JobRow.deleted_at.does_not_exist()
        unchanged = ended & (JobRow.run == job.run)
        if max_active is None:
            return self._update(job.id, actions, unchanged)
        limit = max_active

        def build(transaction: TransactWrite) -> None:
            row = JobRow(job_pk(job.id), "JOB")
            transaction.update(row, actions=actions, condition=JobRow.pk.exists() & unchanged)
            add_active(transaction, job.project, limit)

        failed = commit_if(build)
        if failed and 0 not in failed:
            raise quota_exceeded(limit)
        return None if failed else self.get(job.id)

    def reopen(self, job: Job, again: Tally, now: str) -> bool:
        actions: list[Action] = [
            JobRow.status.set(JobStatus.COPYING),
            JobRow.planned_run.set(job.run),
            JobRow.failed.add(-again.failed),
            JobRow.cancelled.add(-again.cancelled),
            JobRow.settled_before.set(job.counts.settled - again.settled),
            JobRow.bytes_before.set(job.counts.bytes),
            JobRow.copying_since.set(now),
            JobRow.updated_at.set(now),
        ]
        return self._update(job.id, actions, _going_on(job.run) & (JobRow.planned_run < job.run)) is not None

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
        actions: list[Action] = [
            JobRow.status.set(status),
            JobRow.completed_at.set(now),
            JobRow.updated_at.set(now),
            JobRow.attention_pk.remove(),
            JobRow.attention_sk.remove(),
            JobRow.resume_at.remove(),
        ]
        expiry = after_completion(now)
        if expiry:
            actions += [JobRow.gone_at.set(expiry.gone_at), JobRow.expires_at.set(expiry.expires_at)]
        if code:
            actions.append(JobRow.code.set(code))
        if message:
            actions.append(JobRow.message.set(message))
        if counts:
            actions += [getattr(JobRow, name).set(number) for name, number in asdict(counts).items()]
        running = JobRow.pk.exists() & JobRow.completed_at.does_not_exist() & (JobRow.run == run)
        if unplanned:
            running &= JobRow.planned_run.does_not_exist() | (JobRow.planned_run < run)
        opened = EndRow(
            job_pk(job_id),
            end_sk(now),
            attention_pk=OPEN_ENDS,
            attention_sk=f"{now}#{job_id}",
            run=run,
            resumes=resumes,
            document=dict(document),
            touched_at=now,
            expires_at=expiry.gone_at if expiry else None,
        )

        def build(transaction: TransactWrite) -> None:
            # Two ends at the same millisecond would share a row: the later one is tried again.
            transaction.save(opened, condition=EndRow.pk.does_not_exist())
            transaction.update(JobRow(job_pk(job_id), "JOB"), actions=actions, condition=running)
            if counted_in is not None:
                remove_active(transaction, counted_in)

        failed = commit_if(build)
        if failed == [0]:
            raise busy()
        return not failed

    def restoring(self, job: Job, restores: Restores, now: str, *, resume_at: str | None = None) -> bool:
        actions: list[Action] = [JobRow.restores.set(asdict(restores)), JobRow.updated_at.set(now)]
        as_shown = _going_on(job.run)
        if resume_at:
            actions += [JobRow.resume_at.set(resume_at), JobRow.resumes.set(job.resumes + 1)]
            waits = JobRow.resume_at.exists() | (JobRow.resumes > job.resumes)
            as_shown &= ~waits & (JobRow.cancel_requested == False)  # noqa: E712  # pynamodb's condition
        return self._update(job.id, actions, as_shown) is not None

    def request_cancel(self, job_id: str, now: str) -> bool:
        actions: list[Action] = [JobRow.cancel_requested.set(True), JobRow.updated_at.set(now)]
        return self._update(job_id, actions, JobRow.completed_at.does_not_exist()) is not None

    def _update(self, job_id: str, actions: list[Action], condition: Condition) -> Job | None:
        """Update the job and return it; None where it is absent or the condition does not hold."""
        row = JobRow(job_pk(job_id), "JOB")
        try:
            row.update(actions=actions, condition=JobRow.pk.exists() & condition)
        except UpdateError as error:
            if error.cause_response_code == _CONDITION_FAILED:
                return None
            raise
        return job_of_row(row)

    def record_batch(self, job_id: str, number: int, tally: Tally, now: str, *, run: int = 0) -> bool:
        actions: list[Action] = [
            JobRow.copied.add(tally.copied),
            JobRow.skipped.add(tally.skipped),
            JobRow.failed.add(tally.failed),
            JobRow.cancelled.add(tally.cancelled),
            JobRow.bytes.add(tally.bytes),
            JobRow.updated_at.set(now),
        ]

        def build(transaction: TransactWrite) -> None:
            recorded = BatchRow(
                job_pk(job_id), batch_sk(number, run), at=now, tally=asdict(tally), expires_at=after_write()
            )
            transaction.save(recorded, condition=BatchRow.pk.does_not_exist())
            goes_on = JobRow.pk.exists() & JobRow.completed_at.does_not_exist() & (JobRow.run == run)
            transaction.update(JobRow(job_pk(job_id), "JOB"), actions=actions, condition=goes_on)

        failed = commit_if(build)
        if failed and failed != [0] and not self._exists(job_id):
            raise NotFound(f"there is no import {job_id!r}")
        return not failed

    @staticmethod
    def _exists(job_id: str) -> bool:
        return bool(list(JobRow.batch_get([(job_pk(job_id), "JOB")], consistent_read=True, attributes_to_get=["pk"])))

    def batch_state(self, job_id: str, number: int, *, run: int = 0) -> BatchState:
        keys = [(job_pk(job_id), "JOB"), (job_pk(job_id), batch_sk(number, run))]
        state = ["cancel_requested", "deleted_at", "completed_at", "run", "failed", "total"]
        wanted = ["pk", "sk", "settings", "retry", "project", "created_at", "restores", "source_kind", *state]
        rows = {row.sk: row for row in JobRow.batch_get(keys, consistent_read=True, attributes_to_get=wanted)}
        job = rows.get("JOB")
        over = bool(job and (job.deleted_at or job.completed_at or job.run != run))
        return BatchState(
            recorded=over or batch_sk(number, run) in rows,
            cancel_requested=job is None or bool(job.cancel_requested),
            settings=settings_of_batch(job) if job and not job.deleted_at else ImportSettings(),
            project=job.project if job and not job.deleted_at else "",
            created_at=job.created_at if job and not job.deleted_at else "",
            failed=int(job.failed) if job else 0,
            total=int(job.total) if job else 0,
            restores_until=job.restores["until"] if job and job.restores else "",
            mirrored=SourceKind(job.source_kind).mirrored if job and not job.deleted_at else False,
        )

    def recorded_batches(self, job_id: str, *, run: int = 0) -> set[int]:
        rows = BatchRow.query(job_pk(job_id), BatchRow.sk.startswith(batches_of(run)), consistent_read=True)
        return {int(row.sk.removeprefix(batches_of(run))) for row in rows}

    def recorded(self, job_id: str, *, run: int = 0) -> Sequence[RecordedBatch]:
        rows = BatchRow.query(job_pk(job_id), BatchRow.sk.startswith(batches_of(run)))
        return [RecordedBatch(at=row.at, tally=Tally(**row.tally)) for row in rows if row.at and row.tally]

    def delete(self, job_id: str, now: str) -> bool:
        actions: list[Action] = [
            JobRow.deleted_at.set(now),
            JobRow.attention_pk.set(DELETED),
            JobRow.attention_sk.set(f"{now}#{job_id}"),
            JobRow.listing_pk.remove(),
            JobRow.listing_sk.remove(),
        ]
        ended = JobRow.completed_at.exists() & JobRow.deleted_at.does_not_exist()
        return self._update(job_id, actions, ended) is not None

    def deleted(self, *, before: str) -> Iterator[str]:
        for key in JobRow.attention.query(DELETED, JobRow.attention_sk < before):
            yield key.pk.removeprefix("JOB#")

    def delete_some(self, job_id: str) -> bool:
        for kind in ("BATCH#", "LIST#", "LARGE#", "END#"):
            rows = BatchRow.query(
                job_pk(job_id),
                BatchRow.sk.startswith(kind),
                consistent_read=True,
                attributes_to_get=["pk", "sk"],
                limit=DELETED_AT_ONCE,
            )
            if delete_rows(BatchRow, rows):
                return True
        return False

    def bury(self, job_id: str) -> None:
        try:
            row = JobRow.get(job_pk(job_id), "JOB", consistent_read=True)
        except DoesNotExist:
            return
        if row.project:
            delete_rows(TagRow, _tag_rows(job_of_row(row)))
        expires_at = int(time.time()) + TOMBSTONE_SECONDS
        TombstoneRow(job_pk(job_id), "JOB", deleted_at=utc_now(), expires_at=expires_at).save()

    def active(self, *, after: str = "") -> Iterator[ActiveJob]:
        """The index has keys only. Of the rows only what the sweep needs is sent."""
        keys = JobRow.attention.query(ACTIVE, JobRow.attention_sk > after if after else None)
        resumed = ["resumes", "resume_at", "cancel_requested"]
        wanted = ["pk", "project", "run", "updated_at", "completed_at", "deleted_at", *resumed]
        while some := list(islice(keys, READ_AT_ONCE)):
            found = JobRow.batch_get([(key.pk, key.sk) for key in some], consistent_read=True, attributes_to_get=wanted)
            rows = {row.pk: row for row in found if not (row.completed_at or row.deleted_at)}
            for key in some:
                if row := rows.get(key.pk):
                    yield ActiveJob(
                        id=job_of(key.pk),
                        project=row.project,
                        run=int(row.run),
                        updated_at=row.updated_at,
                        position=key.attention_sk,
                        resumes=int(row.resumes),
                        resume_at=row.resume_at,
                        cancel_requested=bool(row.cancel_requested),
                    )


def _is_shown(row: JobRow) -> bool:
    return not (row.deleted_at or is_gone(row))


def _going_on(run: int) -> Condition:
    condition: Condition = JobRow.status.is_in(*_UNPLANNED) & (JobRow.run == run)
    return condition


def add_job(transaction: TransactWrite, job: Job, entry: AuditEntry | None) -> None:
    """Add a new job, its tags and its audit entry. Only the job's own row has a condition."""
    transaction.save(job_row(job), condition=JobRow.pk.does_not_exist())
    for row in _tag_rows(job):
        transaction.save(row)
    if entry:
        transaction.save(audit_row(entry))


def _tag_rows(job: Job) -> list[TagRow]:
    return [_tag_row(job, tag, value) for tag, value in tags_of(job)]


def _tag_row(job: Job, tag: JobTag, value: str) -> TagRow:
    position = job_position(job.created_at, job.id)
    return TagRow(tag_pk(job.project, tag, value), position, expires_at=after_write())
