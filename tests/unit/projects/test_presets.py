"""Saved execution settings: kept as given, used by imports, limited, idempotent."""

from typing import Any

import pytest

import service.projects.presets
from service.domain.errors import (
    IdempotencyConflict,
    InvalidRequest,
    NotFound,
    TooManyExecutionSettings,
    UnknownExecutionSettings,
)
from service.domain.jobs import Job
from service.domain.projects import ExecutionSettings
from service.domain.requests import ImportSettings, OnExisting
from service.imports.intake.submit import submit
from service.projects.audit import audit_page
from service.projects.presets import (
    ExecutionSettingsRequest,
    delete_saved,
    get_saved,
    replace_saved,
    save,
    saved_for_import,
    saved_page,
)
from tests.builders import ASKER, PROJECT, World, import_list


def asked(name: str = "n", **settings: object) -> ExecutionSettingsRequest:
    return ExecutionSettingsRequest(name=name, settings=settings, in_force=ImportSettings())


def saved(world: World, request: ExecutionSettingsRequest, *, project: str = PROJECT, **more: Any) -> ExecutionSettings:
    return save(request, project=project, by=ASKER, ports=world.execution_settings_ports, **more)


def get(world: World, settings_id: str, project: str = PROJECT) -> ExecutionSettings:
    return get_saved(settings_id, project=project, store=world.execution_settings)


def actions(world: World, subject: str) -> list[str]:
    return [one.action for one in audit_page(PROJECT, subject=subject, limit=9, cursor=None, log=world.audit).items]


def test_settings_are_kept_as_given_replaced_and_deleted_each_with_an_entry(world: World) -> None:
    first = saved(world, asked(on_existing="fail"))
    assert get(world, first.id) == first
    assert (first.settings, first.created_at) == ({"on_existing": "fail"}, first.updated_at)
    ports = world.execution_settings_ports
    changed = replace_saved(first.id, asked("m", keep_tags=False), project=PROJECT, by=ASKER, ports=ports)
    assert get(world, first.id) == changed
    assert (changed.name, changed.settings, changed.created_at) == ("m", {"keep_tags": False}, first.created_at)
    assert changed.updated_at > first.updated_at
    delete_saved(first.id, project=PROJECT, by=ASKER, ports=ports)
    words = ["execution_settings.delete", "execution_settings.replace", "execution_settings.create"]
    assert actions(world, first.id) == words
    for gone in (
        lambda: get(world, first.id),
        lambda: delete_saved(first.id, project=PROJECT, by=ASKER, ports=ports),
        lambda: replace_saved(first.id, asked(), project=PROJECT, by=ASKER, ports=ports),
    ):
        with pytest.raises(NotFound, match=first.id):
            gone()
    assert actions(world, first.id) == words


@pytest.mark.parametrize("settings_id", ["", "COUNT", "es_", "es_" + "0" * 24, "es_" + "g" * 24, "x" * 5_000])
def test_an_id_that_is_none_is_not_found(world: World, settings_id: str) -> None:
    with pytest.raises(NotFound):
        get(world, settings_id)
    with pytest.raises(UnknownExecutionSettings, match="execution_settings_id"):
        saved_for_import(settings_id, project=PROJECT, store=world.execution_settings)


def test_names_need_not_differ_and_another_project_sees_nothing(world: World) -> None:
    one, other = saved(world, asked()), saved(world, asked())
    foreign = saved(world, asked(), project="other")
    assert one.id != other.id
    page = saved_page(PROJECT, limit=1, cursor=None, store=world.execution_settings)
    assert page.items == [one]
    page = saved_page(PROJECT, limit=1, cursor=page.next_cursor, store=world.execution_settings)
    assert (page.items, page.next_cursor) == ([other], None)
    with pytest.raises(NotFound):
        get(world, foreign.id)


def test_an_idempotency_key_saves_once(world: World) -> None:
    one = saved(world, asked(), idempotency_key="k")
    assert saved(world, asked(), idempotency_key="k") == one
    assert actions(world, one.id) == ["execution_settings.create"]
    with pytest.raises(IdempotencyConflict):
        saved(world, asked(keep_tags=False), idempotency_key="k")
    assert saved(world, asked(), idempotency_key="k", project="other").id != one.id


def test_a_project_has_a_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.projects.presets, "MAX_PER_PROJECT", 2)
    first = saved(world, asked(), idempotency_key="k")
    saved(world, asked())
    with pytest.raises(TooManyExecutionSettings):
        saved(world, asked())
    assert saved(world, asked(), idempotency_key="k") == first
    saved(world, asked(), project="other")
    delete_saved(first.id, project=PROJECT, by=ASKER, ports=world.execution_settings_ports)
    saved(world, asked())


def test_an_import_runs_with_what_the_settings_mean_when_it_is_asked_for(world: World) -> None:
    meanings = {"es_1": ImportSettings(on_existing=OnExisting.FAIL)}
    request = import_list(["s3://source/a"], execution_settings_id="es_1", idempotency_key="k")

    def ask() -> str:
        job = submit(
            request, project=PROJECT, key_id="key_1", ports=world.submit_ports, saved_settings=meanings.__getitem__
        )
        assert (job.execution_settings_id, job.settings.on_existing) == ("es_1", OnExisting.FAIL)
        return job.id

    first = ask()
    meanings["es_1"] = ImportSettings(on_existing=OnExisting.OVERWRITE)
    assert ask() == first, "the same request, whatever its settings mean by now"
    del meanings["es_1"]
    assert ask() == first


def test_saved_names_are_checked_when_an_import_is_asked_for(world: World) -> None:
    world.put_sources(1)
    meanings = {name: ImportSettings(destination=f"{name}/{{name}}") for name in ("flat", "..")}

    def ask(saved_id: str) -> Job:
        request = import_list(["s3://source/p/000000.zip"], execution_settings_id=saved_id)
        ports = world.submit_ports
        return submit(request, project=PROJECT, key_id="key_1", ports=ports, saved_settings=meanings.__getitem__)

    job = ask("flat")
    world.plan(job.id)
    assert [entry.destination for entry in world.manifest(job.id)] == [f"{PROJECT}/-/flat/000000.zip"]
    with pytest.raises(InvalidRequest, match="destination"):
        ask("..")


def test_an_endpoint_without_presets_rejects_them(world: World) -> None:
    with pytest.raises(UnknownExecutionSettings, match="es_1"):
        world.submit(import_list(["s3://source/a"], execution_settings_id="es_1"))
    assert not world.jobs.rows
