"""Settings of an import: inline, saved and the deployment's defaults."""

from dataclasses import asdict
from typing import Any

import pytest

from service.domain.requests import ContentValidation, ImportSettings, OnExisting
from tests.unit.lambdas.api import Api
from tests.unit.lambdas.shapes import DEFAULTS, LIST, SAVED


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"on_existing": "overwrite"},
        {"on_existing": "fail", "content_validation": "structure"},
        {"content_validation": "deep", "storage_class": "GLACIER_IR"},
        {"keep_metadata": False, "keep_tags": False},
        {"max_concurrency": 1},
        {"max_concurrency": 40},
        {"stationary_extrapolation": True},
        {"delete_source": "after_verified"},
        {"archived": "restore", "restore": {"tier": "expedited", "days": 30}},
        {"tolerated_failures": {"count": 0, "percent": None}},
        {"tolerated_failures": {"count": None, "percent": 0.5}},
        {"on_existing": None, "content_validation": None, "storage_class": None},
        *({"storage_class": name} for name in ("STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING")),
    ],
)
def test_settings_are_taken_and_shown_with_defaults_for_what_is_left_out(api: Api, asked: dict[str, Any]) -> None:
    status, job = api("POST", "/v1/imports", LIST | {"settings": asked})
    assert status == 202
    expected = DEFAULTS | {name: value for name, value in asked.items() if value is not None}
    assert job["settings"] == expected
    assert asdict(api.world.job(job["id"]).settings) == expected
    assert api.get(f"/v1/imports/{job['id']}")[1]["settings"] == expected
    assert api.get("/v1/imports")[1]["imports"][0]["settings"] == expected


def test_a_request_without_settings_has_the_deployments_defaults(api: Api) -> None:
    api.world.defaults = ImportSettings(on_existing=OnExisting.FAIL, content_validation=ContentValidation.DEEP)
    deployed = DEFAULTS | {"on_existing": "fail", "content_validation": "deep"}
    assert api("POST", "/v1/imports", LIST)[1]["settings"] == deployed
    asked = {"settings": {"on_existing": "skip"}}
    assert api("POST", "/v1/imports", LIST | asked)[1]["settings"] == deployed | {"on_existing": "skip"}


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ("skip", "settings"),
        (None, "settings"),
        ([], "settings"),
        ({"on_existing": "merge"}, "settings.on_existing"),
        ({"on_existing": "SKIP"}, "settings.on_existing"),
        ({"on_existing": True}, "settings.on_existing"),
        ({"content_validation": "full"}, "settings.content_validation"),
        ({"content_validation": 1}, "settings.content_validation"),
        ({"storage_class": "GLACIER"}, "settings.storage_class"),
        ({"storage_class": "DEEP_ARCHIVE"}, "settings.storage_class"),
        ({"storage_class": "standard"}, "settings.storage_class"),
        ({"keep_metadata": "yes"}, "settings.keep_metadata"),
        ({"keep_tags": 0}, "settings.keep_tags"),
        ({"keep_tags": None}, "settings.keep_tags"),
        ({"notify": "https://example.com"}, "settings.notify"),
        ({"notify": {"webhook_url": 5}}, "settings.notify.webhook_url"),
        ({"notify": {"event": None}}, "settings.notify.event"),
        ({"notify": {"url": "https://example.com"}}, "settings.notify.url"),
        ({"max_concurrency": 0}, "settings.max_concurrency"),
        ({"max_concurrency": "7"}, "settings.max_concurrency"),
        ({"tolerated_failures": {}}, "settings.tolerated_failures"),
        ({"tolerated_failures": {"count": 1, "percent": 1}}, "settings.tolerated_failures"),
        ({"tolerated_failures": {"count": -1}}, "settings.tolerated_failures.count"),
        ({"tolerated_failures": {"count": 1.5}}, "settings.tolerated_failures.count"),
        ({"tolerated_failures": {"percent": 0}}, "settings.tolerated_failures.percent"),
        ({"tolerated_failures": {"percent": 101}}, "settings.tolerated_failures.percent"),
        ({"tolerated_failures": 5}, "settings.tolerated_failures"),
        ({"archived": "thaw"}, "settings.archived"),
        ({"restore": {"tier": "Bulk"}}, "settings.restore.tier"),
        ({"restore": {"days": 0}}, "settings.restore.days"),
        ({"restore": {"days": 31}}, "settings.restore.days"),
        ({"overwrite": True}, "settings.overwrite"),
        ({"delete_source": "always"}, "settings.delete_source"),
        ({"delete_source": None}, "settings.delete_source"),
        ({"stationary_extrapolation": "yes"}, "settings.stationary_extrapolation"),
        ({"stationary_extrapolation": None}, "settings.stationary_extrapolation"),
    ],
)
def test_wrong_settings_are_named(api: Api, settings: object, place: str) -> None:
    status, code, detail = api.refusal("POST", "/v1/imports", LIST | {"settings": settings})
    assert (status, code) == (422, "INVALID_REQUEST")
    assert detail.startswith(f"{place}: "), detail
    assert not api.world.jobs.rows


WATCH = {"name": "n", "root_path": "s3://source/", "schedule": {"every": "1h"}}


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/imports", LIST), ("/v1/previews", LIST), ("/v1/watches", WATCH), ("/v1/execution-settings", {"name": "n"})],
)
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"max_concurrency": 41}, "settings.max_concurrency is 41, this deployment allows 1 to 40"),
        ({"notify": {"webhook_url": ""}}, "webhook_url must begin with https://"),
        ({"notify": {"webhook_url": "http://example.com/"}}, "webhook_url must begin with https://"),
        ({"notify": {"webhook_url": "https://ä/"}}, "webhook_url must be ASCII"),
        ({"destination": "{nope}"}, "settings.destination"),
    ],
)
def test_settings_that_this_deployment_does_not_allow_are_refused_by_every_door(
    api: Api, path: str, body: dict[str, object], settings: dict[str, object], told: str
) -> None:
    status, code, detail = api.refusal("POST", path, body | {"settings": settings})
    assert (status, code) == (422, "INVALID_REQUEST")
    assert detail.startswith(told), detail
    assert not api.world.jobs.rows


def test_the_same_key_with_other_settings_is_a_conflict(api: Api) -> None:
    headers = {"Idempotency-Key": "k"}
    _, first = api("POST", "/v1/imports", LIST, headers=headers)
    _, again = api("POST", "/v1/imports", LIST | {"settings": {"on_existing": "skip"}}, headers=headers)
    assert first["id"] == again["id"]
    other = LIST | {"settings": {"on_existing": "overwrite"}}
    assert api.refusal("POST", "/v1/imports", other, headers=headers)[:2] == (409, "IDEMPOTENCY_CONFLICT")


def test_an_import_takes_saved_settings_with_the_defaults_of_now(api: Api) -> None:
    _, made = api("POST", SAVED, {"name": "n", "settings": {"content_validation": "structure", "keep_tags": False}})
    api.world.defaults = ImportSettings(on_existing=OnExisting.FAIL)
    status, job = api("POST", "/v1/imports", LIST | {"execution_settings_id": made["id"]})
    assert (status, job["execution_settings_id"]) == (202, made["id"])
    expected = DEFAULTS | {"on_existing": "fail", "content_validation": "structure", "keep_tags": False}
    assert job["settings"] == expected
    assert api("POST", "/v1/imports", LIST)[1]["execution_settings_id"] is None


@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize(("asked", "runs"), [({}, None), (True, True), (False, False), (None, None)])
def test_a_request_may_ask_for_extrapolation_whatever_its_settings_say(
    api: Api, saved: bool, asked: object, runs: bool | None
) -> None:
    settings = {"stationary_extrapolation": saved, "keep_tags": False}
    _, made = api("POST", SAVED, {"name": "n", "settings": settings})
    field = {} if asked == {} else {"stationary_extrapolation": asked}
    for given in ({"execution_settings_id": made["id"]}, {"settings": settings}):
        status, job = api("POST", "/v1/imports", LIST | given | field)
        assert status == 202, job
        expected = settings | {"stationary_extrapolation": saved if runs is None else runs}
        assert expected.items() <= job["settings"].items()


def test_saved_and_inline_settings_exclude_each_other(api: Api) -> None:
    _, made = api("POST", SAVED, {"name": "n", "settings": {}})
    body = LIST | {"execution_settings_id": made["id"], "settings": {}}
    status, code, detail = api.refusal("POST", "/v1/imports", body)
    assert (status, code) == (422, "INVALID_REQUEST")
    assert detail == "Provide settings or execution_settings_id, not both"


@pytest.mark.parametrize("settings_id", ["", "es_nope", f"es_{'0' * 24}"])
def test_an_import_with_an_unknown_preset_is_refused(api: Api, settings_id: str) -> None:
    status, code, detail = api.refusal("POST", "/v1/imports", LIST | {"execution_settings_id": settings_id})
    assert (status, code) == (422, "UNKNOWN_EXECUTION_SETTINGS")
    assert detail == f"execution_settings_id: there is no preset {settings_id!r} in this project"
    assert not api.world.jobs.rows
