"""The adapters on moto, in this process: one table and three buckets, new for every test."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.keys import DynamoKeys
from service.aws.dynamodb.multipart_uploads import DynamoLargeCopies
from service.aws.dynamodb.uploads import DynamoUploads
from service.aws.s3.state_files import S3StateFiles
from service.aws.s3.storage import S3Storage
from tests.builders import CLIPS_BUCKET, STATE_BUCKET
from tests.functional.aws import hooked, new_buckets, new_table
from tests.functional.botorequests import boto_session
from tests.functional.faults import FailingTransactions

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the retries would have slept."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr("service.aws.s3.http.requests.sleep", sleep)
    return slept


@pytest.fixture
def dynamodb() -> "DynamoDBClient":
    return new_table()


@pytest.fixture
def jobs(dynamodb: "DynamoDBClient") -> DynamoJobs:
    assert dynamodb
    return DynamoJobs()


@pytest.fixture
def clips(dynamodb: "DynamoDBClient") -> DynamoClips:
    assert dynamodb
    return DynamoClips()


@pytest.fixture
def large(dynamodb: "DynamoDBClient") -> DynamoLargeCopies:
    assert dynamodb
    return DynamoLargeCopies()


@pytest.fixture
def keys(dynamodb: "DynamoDBClient") -> DynamoKeys:
    assert dynamodb
    return DynamoKeys()


@pytest.fixture
def uploads(dynamodb: "DynamoDBClient") -> DynamoUploads:
    assert dynamodb
    return DynamoUploads()


@pytest.fixture
def s3() -> "S3Client":
    return new_buckets()


@pytest.fixture
def state(s3: "S3Client") -> S3StateFiles:
    return S3StateFiles(boto_session(s3), STATE_BUCKET)


@pytest.fixture
def storage(s3: "S3Client") -> S3Storage:
    return S3Storage(own=boto_session(s3), clips_bucket=CLIPS_BUCKET)


@pytest.fixture
def transactions(dynamodb: "DynamoDBClient") -> Iterator[FailingTransactions]:
    """Passes every TransactWriteItems of the service to it first."""
    assert dynamodb
    failing = FailingTransactions()
    with hooked("before-call.dynamodb.TransactWriteItems", failing.answer):
        yield failing
