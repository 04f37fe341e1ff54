"""The adapters against moto, in this process: one table and three buckets, new for every test."""

import os
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from service.aws.clients import s3_client
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.keys import DynamoKeys
from service.aws.dynamodb.multipart_uploads import DynamoLargeCopies
from service.aws.dynamodb.table import bind
from service.aws.dynamodb.uploads import DynamoUploads
from service.aws.s3.state_files import S3StateFiles
from service.aws.s3.storage import S3Storage
from tests.builders import CLIPS_BUCKET, SOURCE_BUCKET, STATE_BUCKET
from tests.functional.botorequests import boto_session
from tests.functional.faults import FailingTransactions, SourcePreconditions

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

os.environ["AWS_DEFAULT_REGION"] = "us-east-1"

TABLE = "clipferry"
INDEXES = ("listing", "attention", "clip", "url")


@cache
def _dynamodb() -> "DynamoDBClient":
    """Making a client takes longer than most tests."""
    return boto3.client("dynamodb")


@cache
def _s3() -> "S3Client":
    client = s3_client(connections=10)
    for operation in ("CopyObject", "UploadPartCopy"):
        client.meta.events.register(f"before-call.s3.{operation}", SourcePreconditions(client))
    return client


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the retries would have slept."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr("service.aws.s3.http.requests.sleep", sleep)
    return slept


@pytest.fixture
def dynamodb() -> "DynamoDBClient":
    """A client to the table, with the keys and indexes of stacks/storage.py."""
    client = _dynamodb()
    names = ["pk", "sk", *(f"{index}_{part}" for index in INDEXES for part in ("pk", "sk"))]
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": f"{index}_pk", "KeyType": "HASH"},
                    {"AttributeName": f"{index}_sk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index in INDEXES
        ],
    )
    bind(TABLE)
    return client


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
    client = _s3()
    for bucket in (STATE_BUCKET, CLIPS_BUCKET, SOURCE_BUCKET):
        client.create_bucket(Bucket=bucket)
    return client


@pytest.fixture
def state(s3: "S3Client") -> S3StateFiles:
    return S3StateFiles(boto_session(s3), STATE_BUCKET)


@pytest.fixture
def storage(s3: "S3Client") -> S3Storage:
    return S3Storage(own=boto_session(s3), clips_bucket=CLIPS_BUCKET)


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> FailingTransactions:
    """Every TransactWriteItems asks it first, whichever client sends it."""
    failing = FailingTransactions()
    send = BaseClient._make_api_call

    def asking_first(self: BaseClient, operation: str, kwargs: object) -> object:
        if operation == "TransactWriteItems":
            failing.next()
        return send(self, operation, kwargs)

    monkeypatch.setattr(BaseClient, "_make_api_call", asking_first)
    return failing
