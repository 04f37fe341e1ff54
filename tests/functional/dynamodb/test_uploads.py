"""Claims of uploads: all or nothing, each once."""

from typing import TYPE_CHECKING

import pytest

from service.aws.dynamodb.uploads import CLAIM_SECONDS, DynamoUploads
from service.domain.errors import TableBusy
from service.domain.jobs import Job, Source, SourceKind, Trigger
from service.domain.requests import Upload
from service.domain.state_keys import upload_list_key
from tests.builders import a_job, an_upload
from tests.functional.aws import TABLE
from tests.functional.faults import FailingTransactions

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

JOB = a_job(trigger=Trigger.UPLOAD, source=Source(kind=SourceKind.UPLOAD, uri="s3://drop/"))
A, B, C = (an_upload(name) for name in "abc")


def claim(uploads: DynamoUploads, name: str, *items: Upload, job: Job = JOB) -> None:
    uploads.claim(job.id, items, upload_list_key(job.id, name))


def open_(uploads: DynamoUploads, name: str, *items: Upload, job: Job = JOB, instead_of: str | None = None) -> None:
    uploads.open(job, items, upload_list_key(job.id, name), instead_of=instead_of)


def everything(dynamodb: "DynamoDBClient") -> list[object]:
    return dynamodb.scan(TableName=TABLE)["Items"]  # type: ignore[return-value]


def test_claims_outlive_the_messages_and_expire(
    uploads: DynamoUploads, dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.aws.dynamodb.uploads.time.time", lambda: 1_000_000.5)
    open_(uploads, "one", A)
    expiring = [item for item in everything(dynamodb) if "expires_at" in item]  # type: ignore[operator]
    assert [item["expires_at"] for item in expiring] == [{"N": str(1_000_000 + CLAIM_SECONDS)}]  # type: ignore[index]
    assert CLAIM_SECONDS > 28 * 24 * 3600


def test_conflicting_claims_are_tried_again(
    uploads: DynamoUploads, transactions: FailingTransactions, no_sleep: list[float]
) -> None:
    transactions.fail(["TransactionConflict", "None", "None", "None"])
    open_(uploads, "one", A)
    assert len(no_sleep) == 1
    assert uploads.gathering_job("demo") == JOB.id


def test_conflicts_without_an_end_are_raised(uploads: DynamoUploads, transactions: FailingTransactions) -> None:
    transactions.fail(*[["TransactionConflict", "None", "None", "None"]] * 20)
    with pytest.raises(TableBusy):
        open_(uploads, "one", A)
    assert uploads.gathering_job("demo") is None
