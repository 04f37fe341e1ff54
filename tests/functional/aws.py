"""The table and the buckets on moto, in this process."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

from service.aws.clients import s3_client
from service.aws.dynamodb.connection import connection
from service.aws.dynamodb.table import bind
from tests.builders import CLIPS_BUCKET, SOURCE_BUCKET, STATE_BUCKET
from tests.functional.faults import SourcePreconditions

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
    client.meta.events.register("before-call.s3", _as_bytes)
    for operation in ("CopyObject", "UploadPartCopy"):
        events: Any = client.meta.events  # the stubs know no handlers that answer
        events.register(f"before-call.s3.{operation}", SourcePreconditions(client))
    return client


def _as_bytes(params: dict[str, Any], **_: Any) -> None:
    """For moto, which takes no buffer."""
    if isinstance(params["body"], bytearray):
        params["body"] = bytes(params["body"])


@contextmanager
def hooked(event: str, handler: Callable[..., Any]) -> Iterator[None]:
    """While it lasts, the service's DynamoDB client calls the handler at this event of botocore's."""
    events: Any = connection().client.meta.events
    events.register_first(event, handler)
    try:
        yield
    finally:
        events.unregister(event, handler)


def new_table() -> "DynamoDBClient":
    """A client to a new table, with the keys and indexes of stacks/storage.py; the models point at it."""
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


def new_buckets() -> "S3Client":
    """A client to new state, clips and source buckets."""
    client = _s3()
    for bucket in (STATE_BUCKET, CLIPS_BUCKET, SOURCE_BUCKET):
        client.create_bucket(Bucket=bucket)
    return client
