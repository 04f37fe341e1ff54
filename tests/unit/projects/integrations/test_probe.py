"""A test of an integration says which of listing and reading works, and which permission is missing."""

import threading
from typing import Any

import pytest

import service.projects.integrations.probe
import service.sources.deadline
from service.domain.errors import (
    AccessDenied,
    ClipferryError,
    CredentialsLost,
    CredentialsRejected,
    NotFound,
    ObjectMissing,
    RoleRefused,
)
from service.domain.projects import IntegrationType
from service.projects.integrations.manage import IntegrationRequest, create, delete, get
from service.projects.integrations.probe import OBJECTS_LOOKED_AT, PERMISSIONS, PROBE_SECONDS, Probe, probe
from tests.builders import ASKER, PROJECT, World


def made(world: World, kind: IntegrationType = IntegrationType.S3, **changes: Any) -> str:
    fields: dict[str, Any] = {"bucket": "maker/clips" if kind is IntegrationType.HF_BUCKET else "fleet"}
    request = IntegrationRequest(type=kind, name="n", **fields | changes)
    return create(request, project=PROJECT, by=ASKER, ports=world.integration_ports).id


def tried(world: World, integration_id: str) -> Probe:
    return probe(integration_id, project=PROJECT, by=ASKER, ports=world.integration_ports)


def failing(kind: type[Any], message: str = "no") -> ClipferryError:
    error: ClipferryError = kind(message, operation="list", uri="s3://fleet/")
    return error


def codes(found: Probe) -> list[tuple[str, bool, str | None]]:
    """Return the checks of listing and reading."""
    return [(check.action, check.ok, check.code) for check in found.checks[:2]]


def test_both_work_and_the_use_and_the_asker_are_kept(world: World) -> None:
    world.sources.source.objects = {"a/": b"", "a/b.zip": b"clip", "z": b"z"}
    integration_id = made(world, prefix="a/")
    found = tried(world, integration_id)
    assert found.ok
    assert codes(found) == [("list", True, None), ("read", True, None)]
    assert world.sources.source.read_keys == ["a/b.zip"]
    assert get(integration_id, project=PROJECT, store=world.integrations).last_used is not None
    entry = world.audit.entries[-1]
    assert (entry.action, entry.subject, entry.by) == ("integration.test", integration_id, ASKER)


@pytest.mark.parametrize("kind", list(IntegrationType))
def test_a_missing_permission_is_named(world: World, kind: IntegrationType) -> None:
    world.sources.source.objects = {"a": b"clip"}
    integration_id = made(world, kind)
    world.sources.source.errors["read"] = failing(AccessDenied)
    found = tried(world, integration_id)
    assert codes(found) == [("list", True, None), ("read", False, "CANNOT_ACCESS")]
    assert found.checks[1].message is not None
    assert found.checks[1].message.endswith(f"; the missing permission is {PERMISSIONS[kind]['read']}")
    world.sources.source.errors["list"] = failing(AccessDenied)
    found = tried(world, integration_id)
    assert codes(found) == [("list", False, "CANNOT_ACCESS"), ("read", False, "NOT_TRIED")]
    assert found.checks[0].message is not None
    assert found.checks[0].message.endswith(f"; the missing permission is {PERMISSIONS[kind]['list']}")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (CredentialsRejected, "CREDENTIALS_REJECTED"),
        (RoleRefused, "CANNOT_ASSUME_ROLE"),
        (ObjectMissing, "NOT_FOUND"),
    ],
)
def test_other_causes_are_not_taken_for_a_missing_permission(world: World, kind: type[Any], code: str) -> None:
    world.sources.source.errors["list"] = failing(kind)
    check = tried(world, made(world)).checks[0]
    assert (check.ok, check.code, check.message) == (False, code, "cannot list s3://fleet/: no")


def test_lost_credentials_are_reported(world: World) -> None:
    world.sources.lost = CredentialsLost("gone", operation="open", uri="integration in_1")
    assert codes(tried(world, made(world)))[0] == ("list", False, "CREDENTIALS_LOST")


def test_where_there_is_nothing_to_read_reading_was_not_seen_to_work(world: World) -> None:
    world.sources.source.objects = {"a": b"", "b": b""}
    found = tried(world, made(world))
    assert not found.ok
    assert codes(found) == [("list", True, None), ("read", False, "NOT_TRIED")]


@pytest.mark.parametrize("kind", list(IntegrationType))
def test_of_s3_it_says_whether_tags_can_be_kept_which_imports_do_without(world: World, kind: IntegrationType) -> None:
    integration_id = made(world, kind)
    told = {}
    for name, objects, error in (
        ("none", {}, None),
        ("works", {"a": b"a"}, None),
        ("denied", {"a": b"a"}, AccessDenied),
    ):
        world.sources.source.objects = objects
        world.sources.source.errors = {"tags": failing(error)} if error else {}
        found = tried(world, integration_id)
        assert found.ok == bool(objects)
        told[name] = [(check.ok, check.code, check.message) for check in found.checks if check.action == "tags"]
    denied = (False, "CANNOT_ACCESS", "cannot list s3://fleet/: no; the missing permission is s3:GetObjectTagging")
    expected = {"none": [(False, "NOT_TRIED", "it is tested after read works")], "works": [(True, None, None)]}
    s3 = kind in (IntegrationType.S3, IntegrationType.S3_ROLE)
    assert told == (expected | {"denied": [denied]} if s3 else {name: [] for name in told})


def test_only_so_many_objects_are_looked_at(world: World) -> None:
    world.sources.source.objects = {f"{n:04d}": b"" for n in range(OBJECTS_LOOKED_AT)} | {"z": b"z"}
    assert codes(tried(world, made(world)))[1] == ("read", False, "NOT_TRIED")


@pytest.mark.parametrize("hanging", ["list_pages", "read"])
def test_a_store_that_hangs_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch, hanging: str) -> None:
    freed = threading.Event()

    def hang(*_: object, **__: object) -> Any:
        freed.wait(30)
        return iter([])

    world.sources.source.objects = {"a": b"a"}
    monkeypatch.setattr(world.sources.source, hanging, hang)
    monkeypatch.setattr(service.projects.integrations.probe, "PROBE_SECONDS", 0)
    monkeypatch.setattr(service.sources.deadline, "LAST_SECONDS", 2.0)
    found = tried(world, made(world))
    freed.set()
    listed = hanging == "read"
    expected = [
        ("list", listed, None if listed else "TIMED_OUT"),
        ("read", False, "TIMED_OUT" if listed else "NOT_TRIED"),
    ]
    assert codes(found) == expected


def test_it_answers_before_api_gateway_s_timeout() -> None:
    assert PROBE_SECONDS + service.sources.deadline.LAST_SECONDS < 25


def test_one_that_is_gone_is_not_tried(world: World) -> None:
    integration_id = made(world)
    delete(integration_id, project=PROJECT, by=ASKER, ports=world.integration_ports)
    with pytest.raises(NotFound):
        tried(world, integration_id)
    with pytest.raises(NotFound):
        probe(made(world), project="other", by=ASKER, ports=world.integration_ports)
