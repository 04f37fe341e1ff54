"""Listings of integrations read the table itself."""

from typing import Any

import pytest

from service.aws.dynamodb.integrations import DynamoIntegrations
from service.domain.jobs import Door
from service.domain.projects import Action, Actor
from service.projects.audit import entry_of
from tests.builders import PROJECT, an_integration
from tests.functional.aws import hooked

NOW = "2026-11-29T12:00:00.000Z"


@pytest.mark.usefixtures("jobs")
def test_a_listing_has_an_integration_that_was_saved_just_now() -> None:
    store, made, asked = DynamoIntegrations(), an_integration("in_1"), list[dict[str, Any]]()
    actor = Actor(door=Door.API, key_id="key_1")
    entry = entry_of(Action.INTEGRATION_CREATE, made.id, project=PROJECT, by=actor, now=NOW, days=400)
    store.create(made, limit=1, entry=entry)

    def record(params: dict[str, Any], **_: object) -> None:
        asked.append(params)

    with hooked("provide-client-params.dynamodb.Query", record):
        assert store.page(PROJECT, limit=1, after=None) == ([made], None)
    (query,) = asked
    assert "IndexName" not in query, "an index lags behind the table"
    assert query["ConsistentRead"] is True
