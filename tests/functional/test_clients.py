"""Clients: when they are made, of what, and how many."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from service.aws import clients
from service.aws.dynamodb.connection import connection
from service.aws.dynamodb.table import ROWS, bind
from tests.functional.aws import TABLE, hooked, new_table


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Services that clients were made of since."""
    session, services = clients.session(), []
    create = session.create_client

    def counted(service: str, *arguments: Any, **options: Any) -> Any:
        services.append(service)
        return create(service, *arguments, **options)

    monkeypatch.setattr(session, "create_client", counted)
    connection.forget()
    yield services
    connection.forget()


@pytest.mark.parametrize(
    ("make", "service"),
    [
        (lambda: clients.s3_client(connections=1), "s3"),
        (clients.events_client, "events"),
        (clients.workflow_client, "stepfunctions"),
        (clients.secrets_client, "secretsmanager"),
        (clients.sts_client, "sts"),
    ],
)
def test_a_client_is_made_once_when_something_is_asked_of_it(
    make: Callable[[], Any], service: str, made: list[str]
) -> None:
    client = make()
    assert made == []
    assert client.meta.service_model.service_name == service
    assert client.meta.region_name == clients.own_region()
    assert made == [service]


def test_all_rows_are_asked_by_one_client(made: list[str]) -> None:
    asked: list[str] = []

    def note(params: dict[str, Any], **_: object) -> None:
        asked.append(params["TableName"])

    bind("another-table")
    new_table()
    with hooked("provide-client-params.dynamodb", note):
        for row in ROWS:
            assert row.count("nothing") == 0
    assert made == ["dynamodb"]
    assert asked == [TABLE] * len(ROWS)
