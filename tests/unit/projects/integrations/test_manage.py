"""Integrations are created and deleted completely, also after crashes; only the secret store has credentials."""

from dataclasses import asdict, replace
from typing import Any

import pytest

import service.projects.integrations.manage
from service.domain.errors import IdempotencyConflict, InvalidRequest, NotFound, SweepIncomplete, TooManyIntegrations
from service.domain.projects import Integration, IntegrationState, IntegrationType
from service.projects.audit import audit_page
from service.projects.integrations.manage import (
    IntegrationRequest,
    create,
    delete,
    get,
    page,
)
from service.projects.integrations.mend import UNSETTLED_SECONDS, mend
from tests.builders import ASKER, PROJECT, World, never
from tests.fakes.faults import CrashError

SECRET = '{"token": "hf_planted"}'


def asked(**changes: Any) -> IntegrationRequest:
    request = IntegrationRequest(type=IntegrationType.S3, name="n", bucket="fleet", credentials=SECRET)
    return replace(request, **changes)


def made(
    world: World, request: IntegrationRequest | None = None, *, project: str = PROJECT, **more: Any
) -> Integration:
    return create(request or asked(), project=project, by=ASKER, ports=world.integration_ports, **more)


def gone(world: World, integration_id: str, project: str = PROJECT) -> None:
    delete(integration_id, project=project, by=ASKER, ports=world.integration_ports)


def mended(world: World) -> list[str]:
    return mend(world.integrations, world.integration_secrets, world.clock, out_of_time=never)


def actions(world: World) -> list[tuple[str, str]]:
    entries = audit_page(PROJECT, subject=None, limit=99, cursor=None, log=world.audit).items
    return [(one.action, one.subject) for one in reversed(entries)]


def test_one_is_made_listed_and_deleted_with_its_secret_and_its_entries(world: World) -> None:
    one = made(world, asked(prefix="a/", region="eu-west-1"))
    assert (one.prefix, one.region, one.created_by, one.last_used) == ("a/", "eu-west-1", "key_1", None)
    assert one.state is IntegrationState.READY
    assert world.integration_secrets.values == {one.secret_name: SECRET}
    assert one.secret_name.startswith(f"{one.id}/")
    assert get(one.id, project=PROJECT, store=world.integrations) == one
    assert page(PROJECT, limit=9, cursor=None, store=world.integrations).items == [one]
    gone(world, one.id)
    assert world.integrations.rows == {}
    assert world.integration_secrets.values == {}
    assert actions(world) == [("integration.create", one.id), ("integration.delete", one.id)]
    for look in (lambda: gone(world, one.id), lambda: get(one.id, project=PROJECT, store=world.integrations)):
        with pytest.raises(NotFound, match=one.id):
            look()


def test_the_secret_is_in_no_row_no_entry_and_no_representation(world: World) -> None:
    one = made(world)
    assert "planted" not in repr(asdict(one))
    assert "planted" not in repr(world.audit.entries)
    assert "planted" not in repr(asked())


def test_another_project_sees_nothing_and_deletes_nothing(world: World) -> None:
    one = made(world)
    with pytest.raises(NotFound):
        get(one.id, project="other", store=world.integrations)
    with pytest.raises(NotFound):
        gone(world, one.id, project="other")
    assert page("other", limit=9, cursor=None, store=world.integrations).items == []
    assert get(one.id, project=PROJECT, store=world.integrations) == one


@pytest.mark.parametrize("integration_id", ["", "COUNT", "in_", "in_" + "0" * 24, "in_" + "G" * 24, "x" * 5_000])
def test_an_id_that_is_none_is_not_found(world: World, integration_id: str) -> None:
    with pytest.raises(NotFound):
        gone(world, integration_id)


def test_a_region_is_auto_where_there_is_an_endpoint_only(world: World) -> None:
    endpoint = "https://store.example.com"
    assert made(world, asked(endpoint_url=endpoint)).region == "auto"
    assert made(world, asked(endpoint_url=endpoint, region="weur")).region == "weur"
    assert made(world, asked()).region is None
    assert made(world, asked(endpoint_url=endpoint, type=IntegrationType.GCS)).region is None


def test_a_role_gets_an_external_id_of_its_own_and_no_secret(world: World) -> None:
    request = asked(
        type=IntegrationType.S3_ROLE, role_arn="arn:aws:iam::123456789012:role/clipferry-read", credentials=None
    )
    one, other = made(world, request), made(world, request)
    assert one.external_id
    assert len(one.external_id) == 32
    assert one.external_id != other.external_id
    assert world.integration_secrets.values == {}
    gone(world, one.id)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bucket": "Fleet"}, "bucket name"),
        ({"bucket": "fleet/a"}, "not the name of a bucket"),
        ({"bucket": "maker", "type": IntegrationType.HF_BUCKET}, "Hugging Face"),
        ({"bucket": "a/b/c", "type": IntegrationType.HF_BUCKET}, "as hf://buckets/namespace/name"),
        ({"bucket": "goog..le", "type": IntegrationType.GCS}, "Google"),
        ({"prefix": "x" * 1_025}, "1,024"),
        ({"role_arn": "arn:aws:iam::123456789012:role/Admin"}, "must be named clipferry-"),
        ({"role_arn": "arn:aws:iam::123456789012:role/path/clipferry-a"}, "must be named clipferry-"),
        ({"role_arn": "arn:aws:iam::123456789012:user/clipferry-a"}, "must be named clipferry-"),
        ({"role_arn": "arn:aws:iam::123456789012:role/clipferry-a\n"}, "must be named clipferry-"),
    ],
)
def test_what_can_never_work_is_refused_and_leaves_nothing(world: World, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        made(world, asked(**changes))
    world.sources.refusal = InvalidRequest("not a key file")
    with pytest.raises(InvalidRequest, match="not a key file"):
        made(world)
    assert world.integrations.rows == {}
    assert world.integration_secrets.values == {}
    assert actions(world) == []


def test_a_project_has_a_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.projects.integrations.manage, "MAX_PER_PROJECT", 2)
    first = made(world, idempotency_key="k")
    made(world)
    with pytest.raises(TooManyIntegrations):
        made(world)
    assert len(world.integration_secrets.values) == 2
    assert made(world, idempotency_key="k") == first
    made(world, project="other")
    gone(world, first.id)
    made(world)


def test_an_idempotency_key_makes_one(world: World) -> None:
    one = made(world, idempotency_key="k")
    assert made(world, idempotency_key="k") == one
    assert actions(world) == [("integration.create", one.id)]
    for changes in ({"name": "m"}, {"prefix": "a/"}, {"credentials": "other"}, {"credentials": None}):
        with pytest.raises(IdempotencyConflict):
            made(world, asked(**changes), idempotency_key="k")
    assert world.integration_secrets.values == {one.secret_name: SECRET}
    assert made(world, idempotency_key="k", project="other").id != one.id
    gone(world, one.id)
    again = made(world, idempotency_key="k")
    assert again.id == one.id
    assert again.secret_name != one.secret_name, "the name of a secret that was just deleted may still be taken"


@pytest.mark.parametrize("take_effect", [False, True])
def test_a_creation_that_crashes_is_not_seen_and_is_mended_by_a_repeat_or_by_the_sweep(take_effect: bool) -> None:
    for repeat in (True, False):
        for calls in range(1, 9):
            world = World()
            world.faults.crash_in(calls, take_effect=take_effect)
            try:
                made(world, idempotency_key="k")
            except CrashError:
                world.faults.revive()
            else:
                world.faults.revive()
                break
            seen = page(PROJECT, limit=9, cursor=None, store=world.integrations).items
            assert {one.secret_name for one in seen} <= set(world.integration_secrets.values), "never without a secret"
            named = {one.secret_name for one in world.integrations.rows.values()}
            assert set(world.integration_secrets.values) <= named, "no secret that no row names"
            if repeat:
                one = made(world, idempotency_key="k")
                assert world.integration_secrets.values == {one.secret_name: SECRET}
                assert list(world.integrations.rows) == [(PROJECT, one.id)]
            else:
                assert mended(world) == []
                world.clock.advance(UNSETTLED_SECONDS)
                mended(world)
                assert set(world.integrations.rows) == {(PROJECT, one.id) for one in seen}
                assert set(world.integration_secrets.values) == {one.secret_name for one in seen}
        assert calls > 3


@pytest.mark.parametrize("take_effect", [False, True])
def test_a_deletion_that_crashes_is_ended_by_a_repeat_or_by_the_sweep(take_effect: bool) -> None:
    for repeat in (True, False):
        for calls in range(1, 9):
            world = World()
            one = made(world)
            world.faults.crash_in(calls, take_effect=take_effect)
            try:
                gone(world, one.id)
            except CrashError:
                world.faults.revive()
            else:
                world.faults.revive()
                break
            began = one not in page(PROJECT, limit=9, cursor=None, store=world.integrations).items
            if repeat and world.integrations.rows:
                gone(world, one.id)
            else:
                world.clock.advance(UNSETTLED_SECONDS)
                mended(world)
            if repeat or began:
                assert world.integrations.rows == {}
                assert world.integration_secrets.values == {}
        assert calls > 3


def test_a_repeat_during_deletion_gets_a_clear_error(world: World) -> None:
    one = made(world, idempotency_key="k")
    world.faults.plan("integration_secrets.delete", [RuntimeError("throttled")])
    with pytest.raises(RuntimeError):
        gone(world, one.id)
    with pytest.raises(IdempotencyConflict, match="is being deleted"):
        made(world, idempotency_key="k")
    with pytest.raises(NotFound):
        get(one.id, project=PROJECT, store=world.integrations)
    gone(world, one.id)
    made(world, idempotency_key="k")


def test_a_creation_that_the_sweep_overtook_leaves_no_secret(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put = world.integration_secrets.put

    def slowly(name: str, value: str) -> bool:
        world.clock.advance(UNSETTLED_SECONDS)
        assert len(mended(world)) == 1
        return put(name, value)

    monkeypatch.setattr(world.integration_secrets, "put", slowly)
    with pytest.raises(IdempotencyConflict, match="send the request again"):
        made(world)
    assert world.integrations.rows == {}
    assert world.integration_secrets.values == {}


def test_one_that_cannot_be_mended_keeps_no_other_from_it(world: World) -> None:
    for _ in range(2):
        world.faults.plan("integrations.settle", [RuntimeError("throttled")])
        with pytest.raises(RuntimeError):
            made(world)
    world.clock.advance(UNSETTLED_SECONDS)
    world.faults.plan("integration_secrets.delete", [RuntimeError("throttled")])
    with pytest.raises(SweepIncomplete, match="1 integrations"):
        mended(world)
    assert len(world.integrations.rows) == 1
    world.clock.advance(UNSETTLED_SECONDS)
    assert len(mended(world)) == 1
    assert mended(world) == []


def test_what_time_does_not_allow_is_mended_by_the_next_sweep(world: World) -> None:
    for _ in range(2):
        world.faults.plan("integrations.settle", [RuntimeError("throttled")])
        with pytest.raises(RuntimeError):
            made(world)
    world.clock.advance(UNSETTLED_SECONDS)
    late = iter([False, True])
    stores = world.integrations, world.integration_secrets
    assert len(mend(*stores, world.clock, out_of_time=lambda: next(late))) == 1
    assert len(mended(world)) == 1
