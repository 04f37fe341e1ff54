"""Audit entries and saved execution settings in DynamoDB."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from service.aws.dynamodb.audit import DynamoAudit
from service.aws.dynamodb.execution_settings import DynamoExecutionSettings
from service.domain.jobs import Door
from service.domain.projects import Action, Actor, AuditEntry, ExecutionSettings
from service.projects.audit import entry_of
from tests.functional.aws import TABLE
from tests.functional.faults import FailingTransactions

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ADMIN = Actor(door=Door.API, key_id="admin", request_id="r-1")


def an_entry(second: int = 0, *, subject: str = "ij_1", project: str = "demo", by: Actor = ADMIN) -> AuditEntry:
    now = f"2026-11-22T17:00:{second:02d}.000Z"
    return entry_of(Action.IMPORT_START, subject, project=project, by=by, now=now, days=400)


def some(n: int = 1, **changes: Any) -> ExecutionSettings:
    saved = ExecutionSettings(
        id=f"es_{n}",
        project="demo",
        name="ü",
        description=None,
        settings={"on_existing": "fail", "keep_tags": False, "storage_class": None},
        created_at=f"2026-11-22T17:00:0{n}.000Z",
        updated_at=f"2026-11-22T17:00:0{n}.000Z",
        request_digest="d",
    )
    return replace(saved, **changes)


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
