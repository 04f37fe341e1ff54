"""Clients: when they are made, of what, and how many."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from service.aws import clients
from service.aws.dynamodb.connection import connection
from service.aws.dynamodb.table import ROWS, bind


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
    bind("another-table")
    assert {id(row._get_connection().connection.client) for row in ROWS} == {id(connection().client)}
    assert made == ["dynamodb"]
    assert [row._get_connection().get_meta_table().table_name for row in ROWS] == ["another-table"] * len(ROWS)
