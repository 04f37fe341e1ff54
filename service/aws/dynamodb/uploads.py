"""Claims of uploads in DynamoDB. One transaction writes the claims of a list, the list and a new job."""

import time
from collections.abc import Callable, Sequence

from pynamodb.constants import ALL_OLD
from pynamodb.exceptions import DoesNotExist, TransactWriteError
from pynamodb.transactions import TransactWrite

from service.aws.dynamodb.expiry import after_write
from service.aws.dynamodb.jobs import add_job
from service.aws.dynamodb.keys_of_rows import job_pk
from service.aws.dynamodb.table import ClaimRow, GatheringRow, JobRow, UploadListRow
from service.aws.dynamodb.transactions import commit, failed_conditions
from service.domain.jobs import Job, JobStatus
from service.domain.projects import AuditEntry
from service.domain.requests import Upload
from service.ports.uploads import AlreadyClaimed, GatheringClosed

CLAIM_SECONDS = 30 * 24 * 3600
"""Claims outlive their messages: 14 days in the queue and 14 in the dead-letter queue (SQS)."""


class DynamoUploads:
    @property
    def max_uploads_per_claim(self) -> int:
        """A transaction has 100 items (DynamoDB). Other ones are the job, list, audit entry, gathering row and tags."""
        return 95

    def gathering_job(self, gatherer: str) -> str | None:
        try:
            return GatheringRow.get(_gathering_pk(gatherer), "GATHERING", consistent_read=True).job_id
        except DoesNotExist:
            return None

    def claim(self, job_id: str, uploads: Sequence[Upload], list_key: str) -> None:
        def build(transaction: TransactWrite) -> None:
            # A retry is PENDING too, but takes no uploads; a cancelled job takes none, because it would cancel them.
            gathering = (JobRow.status == JobStatus.PENDING) & (JobRow.run == 0) & (JobRow.cancel_requested == False)  # noqa: E712
            transaction.condition_check(JobRow, job_pk(job_id), "JOB", condition=gathering)
            _add_claims(transaction, job_id, uploads)
            transaction.save(_list_row(job_id, list_key))

        # pynamodb sends condition checks before puts.
        _commit_claims(build, uploads, first_claim=1)

    def open(
        self,
        job: Job,
        uploads: Sequence[Upload],
        list_key: str,
        *,
        instead_of: str | None,
        entry: AuditEntry | None = None,
    ) -> None:
        def build(transaction: TransactWrite) -> None:
            _add_claims(transaction, job.id, uploads)
            transaction.save(_list_row(job.id, list_key))
            add_job(transaction, job, entry)
            unchanged = GatheringRow.job_id == instead_of if instead_of else GatheringRow.pk.does_not_exist()
            transaction.save(GatheringRow(_gathering_pk(job.gatherer), "GATHERING", job_id=job.id), condition=unchanged)

        _commit_claims(build, uploads, first_claim=0)

    def lists(self, job_id: str) -> Sequence[str]:
        rows = UploadListRow.query(
            job_pk(job_id), UploadListRow.sk.startswith(UploadListRow.PREFIX), consistent_read=True
        )
        return [row.list_key for row in rows]


def _add_claims(transaction: TransactWrite, job_id: str, uploads: Sequence[Upload]) -> None:
    expires_at = int(time.time()) + CLAIM_SECONDS
    for upload in uploads:
        transaction.save(
            ClaimRow(_claim_pk(upload.identity), "CLAIM", job_id=job_id, expires_at=expires_at),
            condition=ClaimRow.pk.does_not_exist(),
            return_values=ALL_OLD,
        )


def _list_row(job_id: str, list_key: str) -> UploadListRow:
    name = UploadListRow.PREFIX + list_key.rpartition("/")[2]
    return UploadListRow(job_pk(job_id), name, list_key=list_key, expires_at=after_write())


def _commit_claims(build: Callable[[TransactWrite], None], uploads: Sequence[Upload], *, first_claim: int) -> None:
    """Commit claims. Raises `AlreadyClaimed` for claims that exist, `GatheringClosed` if another condition fails."""
    try:
        commit(build)
    except TransactWriteError as error:
        failed = failed_conditions(error)
        owners = {
            upload.identity: _owner(error, index)
            for index, upload in enumerate(uploads, first_claim)
            if index in failed
        }
        if owners:
            raise AlreadyClaimed(owners) from error
        if failed:
            raise GatheringClosed from error
        raise


def _owner(error: TransactWriteError, index: int) -> str:
    """The job of the claim that exists, which `ALL_OLD` returns."""
    reason = error.cancellation_reasons[index]
    assert reason is not None
    assert reason.raw_item is not None
    return str(reason.raw_item["job_id"]["S"])


def _gathering_pk(gatherer: str) -> str:
    return f"GATHERING#{gatherer}"


def _claim_pk(identity: str) -> str:
    return f"UPLOAD#{identity}"
