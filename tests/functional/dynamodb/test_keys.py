"""API keys in DynamoDB, and the admin's in Secrets Manager."""

from typing import TYPE_CHECKING

import boto3
from botocore.stub import Stubber

from service.aws.dynamodb.keys import DynamoKeys
from service.aws.secrets import CACHE_SECONDS, SecretsManager
from service.domain.projects import ApiKey
from tests.functional.aws import TABLE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def a_key(n: int = 1, project: str = "demo") -> ApiKey:
    return ApiKey(
        id=f"key_{n}", project=project, name="ci ü", digest="d" * 64, created_at=f"2026-11-22T17:00:0{n}.000Z"
    )


def test_what_is_stored_is_the_digest(keys: DynamoKeys, dynamodb: "DynamoDBClient") -> None:
    keys.put(a_key())
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert set(item) == {"pk", "sk", "listing_pk", "listing_sk", "project", "name", "digest", "created_at"}


def test_a_secret_is_read_again_only_after_a_while() -> None:
    client, now = boto3.client("secretsmanager"), [0.0]
    secrets = SecretsManager(client, monotonic=lambda: now[0])
    with Stubber(client) as stub:
        for value in ("first", "rotated"):
            stub.add_response(
                "get_secret_value",
                {"SecretString": value, "ARN": "arn:aws:secretsmanager:us-east-1:1:secret:s"},
                {"SecretId": "s"},
            )
        assert [secrets.get("s"), secrets.get("s")] == ["first", "first"]
        now[0] = CACHE_SECONDS - 0.1
        assert secrets.get("s") == "first"
        now[0] = CACHE_SECONDS
        assert secrets.get("s") == "rotated"
        stub.assert_no_pending_responses()
