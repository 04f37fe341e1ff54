"""Integrations through their life."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.errors import TooManyIntegrations
from service.domain.jobs import Door
from service.domain.projects import Action, Actor, AuditEntry, Integration, IntegrationState
from service.ports.projects import AuditLog, IntegrationStore
from service.projects.audit import entry_of
from tests.builders import PROJECT, an_integration

ASKER = Actor(door=Door.API, key_id="key_1")

NOW = "2026-11-22T18:00:00.000Z"

CREATING, READY, DELETING = IntegrationState.CREATING, IntegrationState.READY, IntegrationState.DELETING


@pytest.fixture
def store(integrations: IntegrationStore) -> IntegrationStore:
    return integrations


def new(n: int = 1, **changes: Any) -> Integration:
    made = an_integration(f"in_{n}", created_at=f"2026-11-22T17:00:0{n}.000Z", state=CREATING)
    return replace(made, **changes)


def entry(integration: Integration, action: Action = Action.INTEGRATION_CREATE) -> AuditEntry:
    return entry_of(action, integration.id, project=integration.project, by=ASKER, now=NOW, days=400)


def create(store: IntegrationStore, made: Integration, *, limit: int = 9) -> bool:
    return store.create(made, limit=limit, entry=entry(made))


def actions(audit: AuditLog) -> list[str]:
    return [one.action for one in audit.page(PROJECT, subject=None, limit=99, after=None)[0]]


def shown(store: IntegrationStore) -> list[Integration]:
    return list(store.page(PROJECT, limit=9, after=None)[0])


def test_a_row_goes_through_its_life(store: IntegrationStore, audit: AuditLog) -> None:
    made = new(prefix="ä/", region="auto", endpoint_url="https://s", role_arn="r", external_id="e", created_by=None)
    made = replace(made, requester_pays=True)
    assert create(store, made)
    assert not create(store, made)
    assert store.get(PROJECT, made.id) == made
    assert (shown(store), list(store.unsettled())) == ([], [made])
    assert store.settle(made, NOW)
    ready = replace(made, state=READY, touched_at=NOW)
    assert (shown(store), list(store.unsettled())) == ([ready], [])
    assert store.settle(made, "later"), "as often as anyone asks"
    assert store.get(PROJECT, made.id) == ready
    assert store.use(ready, "2026-11-22T19:00:00.000Z", entry=None)
    used = replace(ready, last_used="2026-11-22T19:00:00.000Z")
    assert store.get(PROJECT, made.id) == used
    assert store.begin_delete(used, NOW, entry=entry(made, Action.INTEGRATION_DELETE))
    assert not store.begin_delete(used, NOW, entry=entry(made, Action.INTEGRATION_DELETE))
    assert not store.use(used, NOW, entry=None)
    assert not store.settle(made, NOW)
    deleting = replace(used, state=DELETING)
    assert (shown(store), list(store.unsettled())) == ([], [deleting])
    for _ in range(2):
        store.remove(deleting)
    assert store.get(PROJECT, made.id) is None
    assert list(store.unsettled()) == []
    assert sorted(actions(audit)) == ["integration.create", "integration.delete"]


def test_one_that_is_not_being_deleted_is_not_removed(store: IntegrationStore) -> None:
    made = new()
    create(store, made)
    store.remove(made)
    store.settle(made, NOW)
    store.remove(made)
    assert len(shown(store)) == 1


def test_a_later_one_of_the_same_id_is_another(store: IntegrationStore) -> None:
    made = new()
    create(store, replace(made, secret_name="in_1/later"))
    assert not store.settle(made, NOW)
    assert not store.begin_delete(made, NOW, entry=None)
    store.settle(replace(made, secret_name="in_1/later"), NOW)
    assert not store.settle(made, NOW)
    assert not store.use(made, NOW, entry=None)


def test_a_project_has_a_limit(store: IntegrationStore, audit: AuditLog) -> None:
    for n in (1, 2):
        create(store, new(n), limit=2)
    with pytest.raises(TooManyIntegrations, match="2 integrations"):
        create(store, new(3), limit=2)
    assert not create(store, new(2), limit=2), "the same one again"
    assert create(store, new(3, project="other"), limit=2)
    assert len(actions(audit)) == 2
    store.begin_delete(new(1), NOW, entry=None)
    store.remove(new(1))
    assert create(store, new(3), limit=2)


def test_pages_are_oldest_first(store: IntegrationStore) -> None:
    for n in (3, 1, 2):
        create(store, new(n))
        store.settle(new(n), NOW)
    first, position = store.page(PROJECT, limit=2, after=None)
    second, end = store.page(PROJECT, limit=2, after=position)
    assert ([one.id for one in first], [one.id for one in second], end) == (["in_1", "in_2"], ["in_3"], None)


def test_what_it_allows_can_change_while_it_is_ready(store: IntegrationStore, audit: AuditLog) -> None:
    made = new(allow_delete=True)
    create(store, made)
    assert store.get(PROJECT, made.id) == made
    assert not store.allow_delete(made, False, entry=entry(made, Action.INTEGRATION_CHANGE))
    store.settle(made, NOW)
    for allowed in (False, True, False):
        assert store.allow_delete(made, allowed, entry=entry(made, Action.INTEGRATION_CHANGE))
        (ready,) = shown(store)
        assert ready.allow_delete is allowed
    assert actions(audit).count(Action.INTEGRATION_CHANGE) == 3
    store.begin_delete(ready, NOW, entry=None)
    assert not store.allow_delete(made, True, entry=entry(made, Action.INTEGRATION_CHANGE))
