"""Jobs and batches in DynamoDB."""

from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import ClientCreator
from pynamodb.exceptions import TransactWriteError

from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.table import BatchRow
from service.domain.errors import TableBusy
from service.domain.jobs import Counts, JobStatus, Tally
from tests.builders import a_job
from tests.functional.aws import hooked
from tests.functional.faults import FailingTransactions
from tests.samples import FULL

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def ended_job(jobs: DynamoJobs) -> None:
    jobs.create(FULL)
    jobs.record_batch(FULL.id, 0, Tally(copied=1), "t1")
    jobs.end(FULL.id, status=JobStatus.COMPLETED, code=None, message=None, document={}, now="t2")


def test_a_deleted_job_leaves_a_tombstone_that_is_forgotten(jobs: DynamoJobs, dynamodb: "DynamoDBClient") -> None:
    ended_job(jobs)
    with BatchRow.batch_write() as batch:
        for number in range(1, 1_100):
            batch.save(BatchRow(f"JOB#{FULL.id}", f"BATCH#0000#{number:08d}"))
    jobs.create(a_job("ij_10"))
    jobs.record_batch("ij_10", 0, Tally(), "t")
    jobs.delete(FULL.id, "t3")
    assert jobs.delete_some(FULL.id)
    assert 0 < len(jobs.recorded_batches(FULL.id)) < 1_100
    assert jobs.delete_some(FULL.id), "how it ended"
    assert jobs.delete_some(FULL.id)
    assert not jobs.delete_some(FULL.id)
    jobs.bury(FULL.id)
    assert list(jobs.deleted(before="t4")) == []
    assert jobs.get(FULL.id) is None
    assert not jobs.create(FULL), "executions are named by jobs, and their names stay taken for 90 days"
    assert jobs.batch_state(FULL.id, 0).recorded
    [row] = dynamodb.query(
        TableName="clipferry",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"JOB#{FULL.id}"}},
    )["Items"]
    assert set(row) == {"pk", "sk", "deleted_at", "expires_at"}
    assert jobs.recorded_batches("ij_10") == {0}


def test_the_sweep_is_sent_a_few_fields_of_each_active_job(jobs: DynamoJobs) -> None:
    jobs.create(FULL)
    asked: list[str] = []

    def record(params: dict[str, Any], **_: object) -> None:
        for request in params["RequestItems"].values():
            names = request["ExpressionAttributeNames"]
            asked.extend(names[part.strip()] for part in request["ProjectionExpression"].split(","))

    with hooked("provide-client-params.dynamodb.BatchGetItem", record):
        [found] = jobs.active()
    assert found.id == FULL.id
    assert {"pk", "run", "updated_at"} <= set(asked)
    assert not {"filters", "labels", "settings", "runs"} & set(asked), "what may take 400 KB"


def counts(jobs: DynamoJobs) -> Counts:
    job = jobs.get(FULL.id)
    assert job
    return job.counts


def test_conflicts_with_other_transactions_are_tried_again(
    jobs: DynamoJobs, transactions: FailingTransactions, no_sleep: list[float]
) -> None:
    jobs.create(FULL)
    transactions.fail(["None", "TransactionConflict"], ["None", "ThrottlingError"], ["TransactionConflict", "None"])
    assert jobs.record_batch(FULL.id, 0, Tally(copied=1), "t")
    assert transactions.sent == 4
    assert len(no_sleep) == 3
    assert all(0 <= seconds <= 2 for seconds in no_sleep)
    assert counts(jobs).copied == 1


def test_conflicts_without_an_end_are_raised(
    jobs: DynamoJobs, transactions: FailingTransactions, no_sleep: list[float]
) -> None:
    jobs.create(FULL)
    transactions.fail(*[["None", "TransactionConflict"]] * 20)
    with pytest.raises(TableBusy):
        jobs.record_batch(FULL.id, 0, Tally(copied=1), "t")
    assert transactions.sent == 8
    assert len(no_sleep) == 7


@pytest.mark.usefixtures("no_sleep")
def test_other_refusals_of_a_transaction_are_raised_at_once(
    jobs: DynamoJobs, transactions: FailingTransactions
) -> None:
    jobs.create(FULL)
    transactions.fail(["None", "ValidationError"])
    with pytest.raises(TransactWriteError):
        jobs.record_batch(FULL.id, 0, Tally(copied=1), "t")
    assert transactions.sent == 1


def test_a_conflict_beside_the_condition_of_a_recorded_batch_is_a_recorded_batch(
    jobs: DynamoJobs, transactions: FailingTransactions
) -> None:
    jobs.create(FULL)
    transactions.fail(["ConditionalCheckFailed", "TransactionConflict"])
    assert not jobs.record_batch(FULL.id, 0, Tally(copied=1), "t")


def test_transactions_share_one_client(jobs: DynamoJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Making one takes some 80 ms of CPU and a new connection: more than all else that a batch's count costs."""
    jobs.create(FULL)
    jobs.record_batch(FULL.id, 0, Tally(), "t")
    made: list[object] = []
    create = ClientCreator.create_client

    def counted(self: ClientCreator, *args: Any, **kwargs: Any) -> object:
        made.append(args)
        return create(self, *args, **kwargs)

    monkeypatch.setattr(ClientCreator, "create_client", counted)
    for number in range(1, 4):
        jobs.record_batch(FULL.id, number, Tally(), "t")
    assert made == []


def test_the_indexes_hold_keys_only_and_lose_ended_jobs(jobs: DynamoJobs, dynamodb: "DynamoDBClient") -> None:
    jobs.create(FULL)
    scan = dynamodb.scan(TableName="clipferry", IndexName="attention")
    assert [set(item) for item in scan["Items"]] == [{"pk", "sk", "attention_pk", "attention_sk"}]
    jobs.end(FULL.id, status=JobStatus.COMPLETED, code=None, message=None, document={}, now="t")
    (left,) = dynamodb.scan(TableName="clipferry", IndexName="attention")["Items"]
    assert (left["sk"], left["attention_pk"]) == ({"S": "END#t"}, {"S": "ENDED"})
    assert len(dynamodb.scan(TableName="clipferry", IndexName="listing")["Items"]) == 1
