"""Audit entries and saved execution settings in DynamoDB."""

from typing import TYPE_CHECKING

import pytest

from service.aws.dynamodb.audit import DynamoAudit
from service.aws.dynamodb.execution_settings import DynamoExecutionSettings
from tests.functional.aws import TABLE
from tests.functional.faults import FailingTransactions
from tests.samples import an_entry, some

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def audit(dynamodb: "DynamoDBClient") -> DynamoAudit:
    assert dynamodb
    return DynamoAudit()


@pytest.fixture
def saved(dynamodb: "DynamoDBClient") -> DynamoExecutionSettings:
    assert dynamodb
    return DynamoExecutionSettings()


def test_an_entry_is_forgotten_by_ttl(audit: DynamoAudit, dynamodb: "DynamoDBClient") -> None:
    audit.add(an_entry())
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert item["expires_at"] == {"N": str(an_entry().expires_at)}


def test_conflicts_are_tried_again(
    saved: DynamoExecutionSettings, transactions: FailingTransactions, no_sleep: list[float]
) -> None:
    transactions.fail(["None", "None", "TransactionConflict"])
    assert saved.create(some(), limit=9, entry=an_entry())
    assert len(no_sleep) == 1
