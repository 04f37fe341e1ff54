"""The REST API through its handler, with fakes in the place of the wiring: what a user hits first."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

import lambdas.api
import lambdas.routes.audit
import lambdas.routes.clips
import lambdas.routes.ended
import lambdas.routes.execution_settings
import lambdas.routes.folders
import lambdas.routes.imports
import lambdas.routes.integrations
import lambdas.routes.keys
from service.domain.clips import ClipStatus
from service.domain.errors import AccessDenied, CredentialsRejected, SourceUnavailable
from service.domain.ids import new_job_id
from service.domain.jobs import JobStatus
from service.domain.requests import ContentValidation, ImportSettings, OnExisting
from service.projects.integrations.policies import Trusted
from service.support.settings import ApiSettings
from tests.builders import DEPLOYMENT, LambdaContext, World, api_event
from tests.paths import DATA

LIMIT = 100_000
JOB_FIELDS = {
    "id",
    "status",
    "project",
    "source",
    "trigger",
    "folder",
    "labels",
    "run_name_prefix",
    "test_run_group_name",
    "filters",
    "settings",
    "execution_settings_id",
    "integration_id",
    "door",
    "key_id",
    "created_at",
    "updated_at",
    "completed_at",
    "cancel_requested",
    "run",
    "runs",
    "counts",
    "rate",
    "eta_seconds",
    "code",
    "message",
    "webhook",
}
PREVIEW_FIELDS = {
    "root_path",
    "count",
    "bytes",
    "keys",
    "by_extension",
    "complete",
    "sample",
    "outcome",
    "estimate",
}
CLIP_FIELDS = {
    "deleted_at",
    "view",
    "set",
    "id",
    "status",
    "source_uri",
    "destination",
    "run_name",
    "clip_id",
    "original_clipgt_url",
    "size",
    "etag",
    "verified",
    "facts",
    "code",
    "message",
    "extrapolation",
}


class Api:
    def __init__(self, world: World) -> None:
        self.world = world
        self.headers: dict[str, Any] = {}

    def __call__(self, method: str, path: str, body: object = None, **event: Any) -> tuple[int, Any]:
        """(status, parsed body); a body that is text is sent as it is."""
        context: Any = LambdaContext()
        answer = lambdas.api.handler(api_event(method, path, body, **event), context)
        self.headers = {**(answer.get("headers") or {}), **(answer.get("multiValueHeaders") or {})}
        text = answer.get("body")
        return answer["statusCode"], json.loads(text) if text else None

    def get(self, path: str, **query: str) -> tuple[int, Any]:
        return self("GET", path, query=query)

    def refusal(self, *args: Any, **kwargs: Any) -> tuple[int, str, str]:
        """(status, code, detail) of an answer that has exactly the error's shape."""
        status, body = self(*args, **kwargs)
        assert set(body) == {"detail", "code"}, body
        return status, body["code"], body["detail"]


@pytest.fixture
def api(world: World, monkeypatch: pytest.MonkeyPatch) -> Api:
    settings = ApiSettings(
        table_name="table",
        state_bucket="state",
        clips_bucket="clips",
        state_machine_arn="arn",
        source_buckets=("source",),
        drop_bucket="drop",
        default_project="demo",
        max_clips_per_import=1_000,
        max_body_bytes=LIMIT,
        preview_seconds=8,
        **asdict(DEPLOYMENT),
        default_on_existing="skip",
        default_content_validation="none",
        audit_retention_days=400,
        webhook_secret_arn="webhook-secret",
        allow_private_urls=False,
        report_url_seconds=3_600,
        integration_secrets_prefix="clipferry/Clipferry/integrations/",
        trusted_account="arn:aws:iam::111111111111:root",
        trusted_roles="arn:aws:iam::111111111111:role/Clipferry-*",
        copy_roles=(),
    )
    monkeypatch.setattr(lambdas.api, "api_settings", lambda: settings)
    monkeypatch.setattr(lambdas.routes.imports, "submit_ports", lambda: world.submit_ports)
    monkeypatch.setattr(lambdas.routes.imports, "preview_ports", lambda: world.preview_ports)
    monkeypatch.setattr(lambdas.routes.imports, "status_ports", lambda: world.status_ports)
    monkeypatch.setattr(lambdas.routes.clips, "status_ports", lambda: world.status_ports)
    monkeypatch.setattr(lambdas.routes.ended, "ended_ports", lambda: world.ended_ports)
    monkeypatch.setattr(lambdas.routes.folders, "folder_ports", lambda: world.folder_ports)
    monkeypatch.setattr(lambdas.routes.keys, "key_store", lambda: world.keys)
    monkeypatch.setattr(lambdas.routes.integrations, "integration_ports", lambda: world.integration_ports)
    trusted = Trusted(
        account=settings.trusted_account, roles=settings.trusted_roles, clips_bucket=settings.clips_bucket
    )
    monkeypatch.setattr(lambdas.routes.integrations, "trusted", lambda: trusted)
    for module in (lambdas.routes.audit, lambdas.routes.imports, lambdas.routes.keys):
        monkeypatch.setattr(module, "audit_ports", lambda: world.audit_ports)
    for module in (lambdas.routes.execution_settings, lambdas.routes.imports):
        monkeypatch.setattr(module, "execution_settings_ports", lambda: world.execution_settings_ports)
    return Api(world)


LIST = {"exact_paths": ["s3://source/a.zip"]}


# --- starting imports ------------------------------------------------------------------------------------------------


def test_a_list_is_accepted_with_the_whole_job(api: Api) -> None:
    body = LIST | {"folder": "f", "labels": ["l1", "l2"], "run_name_prefix": "r", "test_run_group_name": "g"}
    status, job = api("POST", "/v1/imports", body)
    assert status == 202
    assert set(job) == JOB_FIELDS
    assert job["counts"] == dict.fromkeys(("total", "pending", "copied", "skipped", "failed", "cancelled", "bytes"), 0)
    assert job["source"] == {"kind": "list", "uri": None, "count": 1}
    assert (job["status"], job["project"], job["trigger"], job["completed_at"]) == ("PENDING", "demo", "api", None)
    assert (job["folder"], job["labels"], job["run_name_prefix"], job["test_run_group_name"]) == (
        "f",
        ["l1", "l2"],
        "r",
        "g",
    )
    assert api.world.workflow.started == [job["id"]]
    assert api.world.job(job["id"]).key_id == "key_1"


def test_an_import_is_cancelled_and_an_ended_one_is_not(api: Api) -> None:
    api.world.put_sources(1)
    _, job = api("POST", "/v1/imports", {"exact_paths": ["s3://source/p/000000.zip"]})
    for _ in range(2):
        status, cancelled = api("POST", f"/v1/imports/{job['id']}/cancel")
        assert (status, cancelled["cancel_requested"], cancelled["status"]) == (202, True, "PENDING")
    api.world.run(job["id"])
    status, code, detail = api.refusal("POST", f"/v1/imports/{job['id']}/cancel")
    assert (status, code) == (409, "ALREADY_ENDED")
    assert "CANCELLED" in detail
    assert api.refusal("POST", "/v1/imports/ij_nope/cancel")[:2] == (404, "NOT_FOUND")
    assert api.refusal("POST", f"/v1/imports/{job['id']}/cancel", project="other")[:2] == (404, "NOT_FOUND")


def test_failed_clips_of_an_ended_import_are_run_again(api: Api) -> None:
    keys = api.world.put_sources(2)
    job = api.world.submit_list([*keys, "missing", "missing too"])
    path = f"/v1/imports/{job.id}/retry"
    assert api.refusal("POST", path)[:2] == (409, "NOT_ENDED")
    api.world.run(job.id)
    status, again = api("POST", path)
    assert (status, again["status"], again["run"], again["completed_at"]) == (202, "PENDING", 1, None)
    assert again["counts"]["failed"] == 2
    (before,) = again["runs"]
    assert (before["run"], before["status"], before["code"], before["key_id"]) == (
        0,
        "COMPLETED_WITH_ERRORS",
        "CLIPS_FAILED",
        "key_1",
    )
    assert before["counts"]["copied"] == 2
    assert api.world.workflow.started == [job.id, f"{job.id}-r1"]
    entries = [
        (entry.action, entry.by.key_id, entry.by.request_id)
        for entry in api.world.audit.entries
        if entry.subject == job.id
    ]
    assert entries[-1] == ("import.retry", "key_1", "request-1")
    for key in ("missing", "missing too"):
        api.world.storage.put("source", key)
    api.world.run(job.id)
    assert api.refusal("POST", path)[:2] == (409, "NOTHING_TO_RETRY")
    assert api.refusal("POST", path, project="other")[:2] == (404, "NOT_FOUND")


def test_chosen_clips_are_run_again_once_for_an_idempotency_key(api: Api) -> None:
    job = api.world.run(api.world.submit_list(["a", "b"]).id)
    path, chosen = f"/v1/imports/{job.id}/retry", {"clip_ids": [f"{job.id}-1"]}
    headers = {"Idempotency-Key": "k"}
    for _ in range(2):
        status, again = api("POST", path, chosen, headers=headers)
        assert (status, again["run"]) == (202, 1)
    assert api.refusal("POST", path, {}, headers=headers)[:2] == (409, "IDEMPOTENCY_CONFLICT")
    api.world.run(job.id)
    assert api("POST", path, chosen, headers=headers)[1]["run"] == 1
    assert api.world.job(job.id).run == 1


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"clip_ids": []}, "clip_ids"),
        ({"clip_ids": "x"}, "clip_ids"),
        ({"clip_ids": [1]}, "clip_ids[0]"),
        ({"clip_ids": ["x"] * 10_001}, "10000"),
        ({"clips": ["x"]}, "clips"),
        ({"clip_ids": ["elsewhere-0"]}, "elsewhere-0"),
        ([], "dictionary"),
    ],
)
def test_a_retry_that_cannot_be_is_refused(api: Api, body: object, place: str) -> None:
    job = api.world.run(api.world.submit_list(["a"]).id)
    status, code, detail = api.refusal("POST", f"/v1/imports/{job.id}/retry", body)
    assert (status, code) == (422, "INVALID_REQUEST")
    assert place in detail
    assert api.world.job(job.id) == job


def test_an_ended_import_is_deleted_and_a_running_one_is_not(api: Api) -> None:
    api.world.put_sources(1)
    _, job = api("POST", "/v1/imports", {"exact_paths": ["s3://source/p/000000.zip"]})
    path = f"/v1/imports/{job['id']}"
    assert api.refusal("DELETE", path)[:2] == (409, "NOT_ENDED")
    api.world.run(job["id"])
    assert api.refusal("DELETE", path, project="other")[:2] == (404, "NOT_FOUND")
    assert api("DELETE", path) == (204, None)
    for method, gone in (("DELETE", path), ("GET", path), ("GET", f"{path}/clips"), ("POST", f"{path}/cancel")):
        assert api.refusal(method, gone)[:2] == (404, "NOT_FOUND")
    assert api.get("/v1/imports")[1]["imports"] == []


def test_a_job_shows_its_rate_and_when_it_will_have_ended(api: Api) -> None:
    world = api.world
    _, job = api("POST", "/v1/imports", {"exact_paths": [f"s3://source/{key}" for key in world.put_sources(250)]})
    assert (job["rate"], job["eta_seconds"]) == (None, None)
    world.plan(job["id"])
    world.clock.advance(10)
    world.copy(world.batches(job["id"])[0])
    _, job = api.get(f"/v1/imports/{job['id']}")
    assert job["rate"]["clips"] == pytest.approx(10, abs=0.1)
    assert job["rate"]["bytes"] == pytest.approx(100, abs=1)
    assert job["eta_seconds"] in (15, 16)
    _, page = api.get("/v1/imports")
    assert page["imports"][0]["eta_seconds"] in (15, 16)


def test_a_prefix_is_accepted(api: Api) -> None:
    api.world.put_sources(2)
    status, job = api("POST", "/v1/imports", {"root_path": "s3://source/p/"})
    assert status == 202
    assert job["source"] == {"kind": "prefix", "uri": "s3://source/p/", "count": None}
    assert job["test_run_group_name"].startswith("import-")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"content-type": "text/plain"},
        {"Content-Type": "application/json; charset=utf-8"},
    ],
)
def test_a_body_is_json_whatever_its_header_says(api: Api, headers: dict[str, str]) -> None:
    assert api("POST", "/v1/imports", LIST, headers=headers)[0] == 202


@pytest.mark.parametrize("body", [{}, LIST | {"root_path": "s3://source/p/"}, {"exact_paths": None, "root_path": None}])
def test_both_or_neither_path_is_refused(api: Api, body: object) -> None:
    status, code, detail = api.refusal("POST", "/v1/imports", body)
    assert (status, code) == (422, "INVALID_REQUEST")
    assert detail.startswith("Provide exactly one of exact_paths or root_path")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (LIST | {"folders": "f"}, "folders"),
        (LIST | {"validate_": False}, "validate_"),
        (LIST | {"Folder": "f"}, "Folder"),
        ({"exact_paths": "s3://source/a.zip"}, "exact_paths"),
        ({"exact_paths": ["s3://source/a.zip", 3]}, "exact_paths[1]"),
        ({"exact_paths": ["s3://source/a.zip", None]}, "exact_paths[1]"),
        ({"root_path": 5}, "root_path"),
        ({"root_path": ["s3://source/"]}, "root_path"),
        (LIST | {"validate": "yes"}, "validate"),
        (LIST | {"validate": 1}, "validate"),
        (LIST | {"labels": "l"}, "labels"),
        (LIST | {"labels": [""]}, "labels[0]"),
        (LIST | {"labels": ["x"] * 51}, "labels"),
        (LIST | {"labels": ["x" * 129]}, "labels[0]"),
        (LIST | {"folder": ""}, "folder"),
        (LIST | {"folder": "x" * 65}, "folder"),
        (LIST | {"folder": "a\nb"}, "folder"),
        (LIST | {"folder": "a\n"}, "folder"),
        (LIST | {"run_name_prefix": "x" * 129}, "run_name_prefix"),
        (LIST | {"test_run_group_name": 5}, "test_run_group_name"),
        (LIST | {"idempotency_key": ""}, "idempotency_key"),
    ],
)
def test_unknown_fields_and_wrong_types_are_named(api: Api, body: object, place: str) -> None:
    status, code, detail = api.refusal("POST", "/v1/imports", body)
    assert (status, code) == (422, "INVALID_REQUEST")
    assert detail.startswith(f"{place}: "), detail
    assert not api.world.jobs.rows


DEFAULTS = {
    "on_existing": "skip",
    "content_validation": "none",
    "storage_class": None,
    "keep_metadata": True,
    "keep_tags": True,
    "notify": {"webhook_url": None, "event": True},
    "destination": None,
    "max_concurrency": None,
    "tolerated_failures": None,
    "stationary_extrapolation": False,
}


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


def test_a_request_without_settings_has_the_deployments_defaults(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = ImportSettings(on_existing=OnExisting.FAIL, content_validation=ContentValidation.DEEP)
    ports = replace(api.world.submit_ports, defaults=defaults)
    monkeypatch.setattr(lambdas.routes.imports, "submit_ports", lambda: ports)
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
        ({"overwrite": True}, "settings.overwrite"),
        ({"stationary_extrapolation": "yes"}, "settings.stationary_extrapolation"),
        ({"stationary_extrapolation": None}, "settings.stationary_extrapolation"),
    ],
)
def test_wrong_settings_are_named(api: Api, settings: object, place: str) -> None:
    status, code, detail = api.refusal("POST", "/v1/imports", LIST | {"settings": settings})
    assert (status, code) == (422, "INVALID_REQUEST")
    assert detail.startswith(f"{place}: "), detail
    assert not api.world.jobs.rows


def test_more_concurrency_than_the_deployment_allows_is_refused(api: Api) -> None:
    status, code, detail = api.refusal("POST", "/v1/imports", LIST | {"settings": {"max_concurrency": 41}})
    assert (status, code) == (422, "INVALID_REQUEST")
    assert detail == "settings.max_concurrency is 41, this deployment allows 1 to 40"
    assert not api.world.jobs.rows


def test_the_same_key_with_other_settings_is_a_conflict(api: Api) -> None:
    headers = {"Idempotency-Key": "k"}
    _, first = api("POST", "/v1/imports", LIST, headers=headers)
    _, again = api("POST", "/v1/imports", LIST | {"settings": {"on_existing": "skip"}}, headers=headers)
    assert first["id"] == again["id"]
    other = LIST | {"settings": {"on_existing": "overwrite"}}
    assert api.refusal("POST", "/v1/imports", other, headers=headers)[:2] == (409, "IDEMPOTENCY_CONFLICT")


def test_a_clip_shows_what_verified_it_and_what_was_found_in_it(api: Api) -> None:
    clip = DATA / "clipgt" / "0b1734b6-2bf0-5e42-8f62-0d5a07cb8c3a.zip"
    api.world.storage.put_body("source", "good.zip", clip.read_bytes())
    api.world.storage.put_body("source", "bad.zip", b"<html>")
    body = {"exact_paths": ["s3://source/good.zip", "s3://source/bad.zip"]}
    _, job = api("POST", "/v1/imports", body | {"settings": {"content_validation": "structure"}})
    api.world.run(job["id"])
    good, bad = api.get(f"/v1/imports/{job['id']}/clips")[1]["clips"]
    assert (good["verified"], good["facts"]["clip_id"], good["code"]) == ("etag", clip.stem, None)
    assert (bad["verified"], bad["facts"], bad["code"]) == (None, None, "NOT_A_ZIP")


@pytest.mark.parametrize("field", ["folder", "run_name_prefix", "test_run_group_name", "idempotency_key", "labels"])
def test_text_that_is_not_unicode_is_the_callers_mistake(api: Api, field: str) -> None:
    value = '["\\ud800"]' if field == "labels" else '"\\ud800"'
    body = f'{{"exact_paths": ["s3://source/a.zip"], "{field}": {value}}}'
    status, code, _ = api.refusal("POST", "/v1/imports", body)
    assert (status, code) == (422, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "body",
    ["{bad", "", None, "[1, 2", "nul", "'x'", '{"exact_paths": [}', "\0", "{}{}"],
)
def test_a_body_that_is_no_json_is_refused(api: Api, body: str | None) -> None:
    status, code, detail = api.refusal("POST", "/v1/imports", body)
    assert (status, code) == (422, "INVALID_REQUEST")
    assert detail


@pytest.mark.parametrize("body", ["[]", "5", '"text"', "null", "true", '["exact_paths"]', '{"root_path": NaN}'])
def test_json_that_is_no_request_is_refused(api: Api, body: str) -> None:
    assert api.refusal("POST", "/v1/imports", body)[:2] == (422, "INVALID_REQUEST")


@pytest.mark.parametrize("body", ["[" * 50_000, '{"root_path": ' + "9" * 5_000 + "}"])
def test_json_made_to_break_parsers_is_refused_like_any_other(api: Api, body: str) -> None:
    assert api.refusal("POST", "/v1/imports", body)[:2] == (422, "INVALID_REQUEST")


@pytest.mark.parametrize("uri", ["http://source/a", "source/a", "s3://", "s3://source", "s3://source/\\ud800"])
def test_an_invalid_uri_is_named_by_its_index(api: Api, uri: str) -> None:
    body = f'{{"exact_paths": ["s3://source/a.zip", "{uri}"]}}'
    status, code, detail = api.refusal("POST", "/v1/imports", body)
    assert (status, code) == (422, "INVALID_URI")
    assert detail.startswith("exact_paths[1]: ")


def test_an_empty_list_is_refused(api: Api) -> None:
    assert api.refusal("POST", "/v1/imports", {"exact_paths": []}) == (422, "INVALID_REQUEST", "exact_paths is empty")


def test_a_list_beyond_the_limit_is_refused(api: Api) -> None:
    api.world.max_clips = 2
    status, code, detail = api.refusal("POST", "/v1/imports", {"exact_paths": ["s3://source/a"] * 3})
    assert (status, code, detail) == (422, "INVALID_REQUEST", "exact_paths has 3 URIs, the limit is 2")


def test_a_body_beyond_the_limit_is_refused_with_both_numbers(api: Api) -> None:
    fits = json.dumps(LIST | {"run_name_prefix": "ü"}, ensure_ascii=False)
    padding = " " * (LIMIT - len(fits.encode()))
    assert api("POST", "/v1/imports", fits + padding)[0] == 202
    status, code, detail = api.refusal("POST", "/v1/imports", fits + padding + " ")
    assert (status, code) == (413, "BODY_TOO_LARGE")
    assert "100,001 bytes, the limit is 100,000" in detail
    assert "manifest_uri" in detail


def test_fifteen_thousand_uris_fit_in_one_request(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.world.max_clips = 100_000
    keys = [f"drives/2026-11-22/vehicle-07/{number:05d}/{'x' * 270}.zip" for number in range(15_000)]
    body = json.dumps({"exact_paths": [f"s3://source/{key}" for key in keys]})
    limit = 5_000_000  # the default of max_body_bytes
    assert 0.95 * limit < len(body) <= limit
    settings = replace(lambdas.api.api_settings(), max_body_bytes=limit)
    monkeypatch.setattr(lambdas.api, "api_settings", lambda: settings)
    status, job = api("POST", "/v1/imports", body)
    assert (status, job["source"]) == (202, {"kind": "list", "uri": None, "count": 15_000})
    api.world.plan(job["id"])
    assert api.get(f"/v1/imports/{job['id']}")[1]["counts"]["total"] == 15_000
    first = api.get(f"/v1/imports/{job['id']}/clips", limit="1000")[1]["clips"]
    assert [clip["source_uri"] for clip in first] == [f"s3://source/{key}" for key in keys[:1_000]]


# --- idempotency -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Idempotency-Key", "idempotency-key", "IDEMPOTENCY-KEY"])
def test_header_and_body_name_the_same_job(api: Api, name: str) -> None:
    _, by_header = api("POST", "/v1/imports", LIST, headers={name: "k"})
    _, by_body = api("POST", "/v1/imports", LIST | {"idempotency_key": "k"})
    status, by_both = api("POST", "/v1/imports", LIST | {"idempotency_key": "k"}, headers={name: "k"})
    assert status == 202
    assert by_header["id"] == by_body["id"] == by_both["id"]
    assert api.world.workflow.started == [by_header["id"]]


def test_a_header_that_contradicts_the_body_is_refused(api: Api) -> None:
    status, code, detail = api.refusal(
        "POST", "/v1/imports", LIST | {"idempotency_key": "k"}, headers={"Idempotency-Key": "l"}
    )
    assert (status, code) == (422, "INVALID_REQUEST")
    assert "differ" in detail


@pytest.mark.parametrize("value", ["", "x" * 129])
def test_a_header_key_has_the_limits_of_the_bodys(api: Api, value: str) -> None:
    assert api.refusal("POST", "/v1/imports", LIST, headers={"Idempotency-Key": value})[:2] == (422, "INVALID_REQUEST")


def test_a_used_key_with_another_request_is_a_conflict(api: Api) -> None:
    api("POST", "/v1/imports", LIST, headers={"Idempotency-Key": "k"})
    body = LIST | {"folder": "f"}
    assert api.refusal("POST", "/v1/imports", body, headers={"Idempotency-Key": "k"})[:2] == (
        409,
        "IDEMPOTENCY_CONFLICT",
    )


# --- pre-flight and previews -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/imports", "/v1/previews"])
def test_a_prefix_that_cannot_be_listed_is_refused_with_one_of_three_codes(api: Api, path: str) -> None:
    def refused(uri: str = "s3://source/p/") -> tuple[int, str]:
        return api.refusal("POST", path, {"root_path": uri})[:2]

    assert refused("s3://private/p/") == (403, "CANNOT_ACCESS")
    api.world.storage.fail_list["source"] = [AccessDenied("no", operation="list", uri="u")]
    assert refused() == (403, "CANNOT_ACCESS")
    api.world.storage.fail_list["source"] = [SourceUnavailable("slow", operation="list", uri="u")]
    assert refused() == (502, "UNKNOWN_ERROR")
    api.world.storage.fail_list.clear()
    api.world.max_clips = 2
    api.world.put_sources(3)
    assert refused() == (422, "LIMIT_EXCEEDED")
    assert refused("p/") == (422, "INVALID_URI")
    assert not api.world.jobs.rows


def test_validate_false_takes_any_prefix(api: Api) -> None:
    assert api("POST", "/v1/imports", {"root_path": "s3://private/p/", "validate": False})[0] == 202


def test_a_preview_says_all_of_it_and_creates_nothing(api: Api) -> None:
    api.world.put_sources(25, size=4)
    api.world.run(api.world.submit_list(["p/000000.zip"]).id)
    jobs = len(api.world.jobs.rows)
    status, found = api(
        "POST", "/v1/previews", {"root_path": "s3://source/p/", "run_name_prefix": "r-", "labels": ["l"]}
    )
    assert status == 200
    assert set(found) == PREVIEW_FIELDS
    assert (found["root_path"], found["count"], found["bytes"], found["complete"]) == ("s3://source/p/", 25, 100, True)
    assert len(found["keys"]) == len(found["sample"]) == 20
    assert found["by_extension"] == {".zip": {"count": 25, "bytes": 100}}
    assert found["outcome"] == {
        "to_copy": {"count": 24, "bytes": 96},
        "to_skip": {"count": 1, "bytes": 4, "by_code": {"UNCHANGED": {"count": 1, "bytes": 4}}},
        "to_fail": {"count": 0, "bytes": 0, "by_code": {}},
        "problems": [],
    }
    assert found["sample"][:2] == [
        {
            "run_name": "r-000000",
            "source_uri": "s3://source/p/000000.zip",
            "destination": "s3://clips/demo/-/source/p/000000.zip",
            "size": 4,
            "action": "skip",
            "code": "UNCHANGED",
            "message": "the same clip lies at the destination already",
        },
        {
            "run_name": "r-000001",
            "source_uri": "s3://source/p/000001.zip",
            "destination": "s3://clips/demo/-/source/p/000001.zip",
            "size": 4,
            "action": "copy",
            "code": None,
            "message": None,
        },
    ]
    assert len(api.world.jobs.rows) == jobs


def test_a_previews_estimate_is_dollars_and_seconds(api: Api) -> None:
    api.world.put_sources(1)
    _, found = api("POST", "/v1/previews", {"root_path": "s3://source/p/"})
    assert found["estimate"] == {
        # Two listings, three state files, the copy; one slice of the manifest.
        "cost": {
            "s3_requests": 0.0000304,
            "lambda": 0.000008805,
            "step_functions": 0.0003,
            "dynamodb": 0.000024,
            "total": 0.000363205,
        },
        "storage_per_month": 0.0,
        "seconds": 11,
        "currency": "USD",
        "price_region": "us-east-1",
        "prices_as_of": "2026-11-22",
    }


def test_a_list_is_previewed_too(api: Api) -> None:
    status, found = api("POST", "/v1/previews", {"exact_paths": ["s3://source/gone.zip"]})
    assert (status, found["root_path"], found["count"]) == (200, None, 1)
    assert found["outcome"]["problems"][0]["action"] == "fail"
    assert found["outcome"]["to_fail"]["by_code"] == {"NOT_FOUND": {"count": 1, "bytes": 0}}


@pytest.mark.parametrize(
    "body", [{}, {"root_path": "s3://source/", "x": 1}, {"root_path": None}, [], {"exact_paths": []}]
)
def test_a_preview_validates_its_body(api: Api, body: object) -> None:
    assert api.refusal("POST", "/v1/previews", body)[:2] == (422, "INVALID_REQUEST")


# --- reading ---------------------------------------------------------------------------------------------------------


def test_a_job_is_read_with_its_counts_and_its_clips(api: Api) -> None:
    job = api.world.run(api.world.submit_list([*api.world.put_sources(2), "missing"]).id)
    status, body = api.get(f"/v1/imports/{job.id}")
    assert status == 200
    assert set(body) == JOB_FIELDS
    assert body["status"] == JobStatus.COMPLETED_WITH_ERRORS
    assert body["counts"] == {
        "total": 3,
        "pending": 0,
        "copied": 2,
        "skipped": 0,
        "failed": 1,
        "cancelled": 0,
        "bytes": 20,
    }
    assert body["code"] == "CLIPS_FAILED"
    status, page = api.get(f"/v1/imports/{job.id}/clips")
    assert status == 200
    assert set(page) == {"clips", "next_cursor", "has_more"}
    assert [set(clip) for clip in page["clips"]] == [CLIP_FIELDS] * 3
    assert [clip["status"] for clip in page["clips"]] == ["COPIED", "COPIED", "FAILED"]
    assert page["clips"][0]["destination"] == "s3://clips/demo/-/source/p/000000.zip"
    assert page["clips"][2]["code"] == "NOT_FOUND"


def test_sets_are_asked_for_and_their_clips_tell_role_and_set(api: Api) -> None:
    uris = [f"s3://source/{key}" for key in api.world.put_sources(3)]
    sets = [{"views": {"left": uris[1], "front": uris[0]}, "name": "drive"}, {"views": {"front": uris[2]}}]
    status, body = api("POST", "/v1/imports", {"sets": sets, "run_name_prefix": "a-"})
    assert (status, body["source"]) == (202, {"kind": "sets", "uri": None, "count": 2})
    job = api.world.run(body["id"])
    _, page = api.get(f"/v1/imports/{job.id}/clips")
    assert [(clip["view"], clip["set"], clip["run_name"]) for clip in page["clips"]] == [
        ("front", f"{job.id}-0", "a-drive"),
        ("left", f"{job.id}-0", "a-drive"),
        ("front", f"{job.id}-2", "a-000002"),
    ]
    assert [clip["source_uri"] for clip in page["clips"]] == uris


@pytest.mark.parametrize(
    ("sets", "code", "place"),
    [
        ([], "INVALID_REQUEST", "sets is empty"),
        ([{"views": {}}], "INVALID_REQUEST", "sets[0].views: front is required"),
        (
            [{"views": {"front": "s3://bkt/k"}}, {"views": {"left": "s3://bkt/k"}}],
            "INVALID_REQUEST",
            "sets[1].views: front",
        ),
        (
            [{"views": {"front": "s3://bkt/k", "Left": "s3://bkt/l"}}],
            "INVALID_REQUEST",
            "sets[0].views: 'Left' is not a view",
        ),
        (
            [{"views": {"front": "s3://bkt/k", "left": "s3://bkt/k"}}],
            "INVALID_REQUEST",
            "sets[0].views.left: the same URI",
        ),
        (
            [{"views": {"front": "s3://bkt/k", "left": "b/k"}}],
            "INVALID_URI",
            "sets[0].views.left: 'b/k' is not an s3://",
        ),
        ([{"views": {"front": 1}}], "INVALID_REQUEST", "sets"),
        ([{"views": {"front": "s3://bkt/k"}, "names": "x"}], "INVALID_REQUEST", "names"),
    ],
)
def test_a_set_that_cannot_be_meant_is_refused_by_its_place(api: Api, sets: object, code: str, place: str) -> None:
    status, refused, detail = api.refusal("POST", "/v1/imports", {"sets": sets})
    assert (status, refused) == (422, code)
    assert place in detail
    assert not api.world.jobs.rows


def test_pages_follow_their_cursors(api: Api) -> None:
    job = api.world.planned_list(api.world.put_sources(5))
    path, ids, query = f"/v1/imports/{job.id}/clips", [], {"limit": "2"}
    while True:
        _, page = api.get(path, **query)
        ids += [clip["id"] for clip in page["clips"]]
        assert page["has_more"] == (page["next_cursor"] is not None)
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]
    assert ids == [f"{job.id}-{n}" for n in range(5)]


def test_clips_are_filtered_by_status(api: Api) -> None:
    job = api.world.run(api.world.submit_list([*api.world.put_sources(2), "missing"]).id)
    for status in ClipStatus:
        _, page = api.get(f"/v1/imports/{job.id}/clips", status=status)
        expected = {"COPIED": 2, "FAILED": 1}.get(status, 0)
        assert [clip["status"] for clip in page["clips"]] == [status] * expected


def test_jobs_are_listed_newest_first(api: Api) -> None:
    made = [api("POST", "/v1/imports", LIST)[1]["id"] for _ in range(3)]
    _, first = api.get("/v1/imports", limit="2")
    assert set(first) == {"imports", "next_cursor", "has_more"}
    assert [job["id"] for job in first["imports"]] == made[:0:-1]
    _, second = api.get("/v1/imports", limit="2", cursor=first["next_cursor"])
    assert [job["id"] for job in second["imports"]] == made[:1]
    assert (second["has_more"], second["next_cursor"]) == (False, None)


def test_another_projects_job_is_not_there(api: Api) -> None:
    _, job = api("POST", "/v1/imports", LIST)
    for path in (f"/v1/imports/{job['id']}", f"/v1/imports/{job['id']}/clips", "/v1/imports/ij_nope"):
        project = "demo" if path.endswith("nope") else "other"
        assert api.refusal("GET", path, project=project)[:2] == (404, "NOT_FOUND")
    assert api("GET", "/v1/imports", project="other")[1]["imports"] == []


@pytest.mark.parametrize("path", ["/v1/imports", "/v1/imports/{id}/clips"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"limit": "0"}, (422, "INVALID_REQUEST")),
        ({"limit": "1001"}, (422, "INVALID_REQUEST")),
        ({"limit": "many"}, (422, "INVALID_REQUEST")),
        ({"limit": "9" * 5_000}, (422, "INVALID_REQUEST")),
        ({"cursor": "garbage"}, (400, "INVALID_CURSOR")),
    ],
)
def test_wrong_queries_are_refused(api: Api, path: str, query: dict[str, str], expected: tuple[int, str]) -> None:
    job = api.world.planned_list(["a"])
    assert api.refusal("GET", path.format(id=job.id), query=query)[:2] == expected


def test_an_unknown_status_is_refused(api: Api) -> None:
    job = api.world.planned_list(["a"])
    status, code, detail = api.refusal("GET", f"/v1/imports/{job.id}/clips", query={"status": "LOST"})
    assert (status, code) == (422, "INVALID_REQUEST")
    assert detail.startswith("status: ")


def test_a_cursor_of_another_job_is_refused(api: Api) -> None:
    keys = api.world.put_sources(3)
    one, other = api.world.planned_list(keys), api.world.planned_list(keys)
    _, page = api.get(f"/v1/imports/{one.id}/clips", limit="1")
    query = {"cursor": page["next_cursor"]}
    assert api.refusal("GET", f"/v1/imports/{other.id}/clips", query=query)[:2] == (400, "INVALID_CURSOR")


# --- keys ------------------------------------------------------------------------------------------------------------


def test_the_admin_makes_lists_and_revokes_keys(api: Api) -> None:
    status, made = api("POST", "/v1/keys", {"project": "fleet", "name": "ci"}, project="")
    assert status == 201
    assert set(made) == {"id", "project", "name", "created_at", "key"}
    assert (made["project"], made["name"]) == ("fleet", "ci")
    status, page = api("GET", "/v1/keys", project="")
    assert status == 200
    assert page["keys"] == [{name: value for name, value in made.items() if name != "key"}]
    assert (page["has_more"], page["next_cursor"]) == (False, None)
    assert made["key"] not in json.dumps(page)
    assert api("DELETE", f"/v1/keys/{made['id']}", project="") == (204, None)
    assert api.refusal("DELETE", f"/v1/keys/{made['id']}", project="")[:2] == (404, "NOT_FOUND")
    assert api("GET", "/v1/keys", project="")[1]["keys"] == []


def test_a_key_can_be_asked_what_it_is(api: Api) -> None:
    assert api("GET", "/v1/key") == (200, {"id": "key_1", "project": "demo"})
    assert api("GET", "/v1/key", project="") == (200, {"id": "admin", "project": None})


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/v1/keys", {"project": "demo", "name": "n"}), ("GET", "/v1/keys", None), ("DELETE", "/v1/keys/k", None)],
)
def test_a_projects_key_manages_no_keys(api: Api, method: str, path: str, body: object) -> None:
    status, code, detail = api.refusal(method, path, body)
    assert (status, code, detail) == (403, "FORBIDDEN", "only the admin key manages keys")
    assert not api.world.keys.rows


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/imports", LIST),
        ("GET", "/v1/imports", None),
        ("GET", "/v1/imports/ij_1", None),
        ("GET", "/v1/imports/ij_1/clips", None),
        ("POST", "/v1/previews", {"root_path": "s3://source/"}),
    ],
)
def test_the_admin_key_belongs_to_no_project(api: Api, method: str, path: str, body: object) -> None:
    assert api.refusal(method, path, body, project="")[:2] == (403, "FORBIDDEN")
    assert not api.world.jobs.rows


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"project": "demo"},
        {"name": "n"},
        {"project": "de mo", "name": "n"},
        {"project": "../x", "name": "n"},
        {"project": "demo\n", "name": "n"},
        {"project": "demo", "name": ""},
        {"project": "demo", "name": "n", "secret": "s"},
        {"project": 5, "name": "n"},
    ],
)
def test_a_key_needs_a_project_and_a_name(api: Api, body: object) -> None:
    assert api.refusal("POST", "/v1/keys", body, project="")[:2] == (422, "INVALID_REQUEST")
    assert not api.world.keys.rows


# --- everything else -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nope"), ("PUT", "/v1/imports"), ("PATCH", "/v1/imports/ij_1"), ("GET", "/v1")],
)
def test_an_unknown_route_is_a_404_or_405_in_the_same_shape(api: Api, method: str, path: str) -> None:
    status, code, detail = api.refusal(method, path)
    assert (status, code) in {(404, "NOT_FOUND"), (405, "METHOD_NOT_ALLOWED")}
    assert f"{method} {path}" in detail


def test_an_unexpected_error_shows_callers_the_request_id_and_nothing_else(api: Api) -> None:
    api.world.faults.plan("jobs.get", [RuntimeError("secret internals")])
    status, code, detail = api.refusal("GET", f"/v1/imports/{new_job_id()}")
    assert (status, code) == (500, "INTERNAL")
    assert "request-1" in detail
    assert "secret internals" not in detail


def test_answers_are_json(api: Api) -> None:
    for call in (("GET", "/v1/imports"), ("GET", "/nope"), ("POST", "/v1/imports", "x" * (LIMIT + 1))):
        api(*call)
        (content_type,) = [value for name, value in api.headers.items() if name.lower() == "content-type"]
        assert "application/json" in content_type


def openapi(api: Api) -> dict[str, Any]:
    status, document = api("GET", "/openapi.json")
    assert status == 200
    assert isinstance(document, dict)
    return document


ROUTES = {
    ("post", "/v1/imports/{job_id}/cancel"),
    ("post", "/v1/imports/{job_id}/retry"),
    ("delete", "/v1/imports/{job_id}"),
    ("post", "/v1/imports"),
    ("get", "/v1/imports"),
    ("get", "/v1/imports/{job_id}"),
    ("get", "/v1/imports/{job_id}/clips"),
    ("get", "/v1/imports/{job_id}/audit"),
    ("get", "/v1/clips"),
    ("get", "/v1/audit"),
    ("post", "/v1/execution-settings"),
    ("get", "/v1/execution-settings"),
    ("get", "/v1/execution-settings/{settings_id}"),
    ("put", "/v1/execution-settings/{settings_id}"),
    ("delete", "/v1/execution-settings/{settings_id}"),
    ("post", "/v1/folders"),
    ("get", "/v1/folders"),
    ("get", "/v1/folders/{folder_id}"),
    ("post", "/v1/integrations"),
    ("get", "/v1/integrations"),
    ("get", "/v1/integrations/{integration_id}"),
    ("post", "/v1/integrations/{integration_id}/test"),
    ("delete", "/v1/integrations/{integration_id}"),
    ("post", "/v1/previews"),
    ("post", "/v1/keys"),
    ("get", "/v1/keys"),
    ("delete", "/v1/keys/{key_id}"),
    ("get", "/v1/key"),
    ("get", "/v1/imports/{job_id}/report"),
    ("post", "/v1/imports/{job_id}/webhook/replay"),
    ("get", "/v1/webhook-secret"),
}
NOMADIC_ROUTES = {
    ("post", "/api/keys/verify"),
    ("post", "/api/s3/upload"),
    ("post", "/api/gcs/upload"),
    ("post", "/api/hf-buckets/upload"),
    ("post", "/api/import-jobs"),
    ("get", "/api/import-jobs/{job_id}"),
    ("get", "/api/import-jobs/{job_id}/videos"),
    ("post", "/api/import-jobs/{job_id}/retry"),
    ("get", "/api/my-videos"),
    ("get", "/api/video/{video_id}/status"),
    ("delete", "/api/video/{video_id}"),
    ("post", "/api/folders/create-or-get"),
    ("post", "/api/folders"),
    ("get", "/api/folders/get"),
    ("get", "/api/cloud-integrations"),
    ("post", "/api/cloud-integrations/s3"),
    ("post", "/api/cloud-integrations/gcs"),
    ("post", "/api/cloud-integrations/hf-bucket"),
    ("delete", "/api/cloud-integrations/{integration_id}"),
}


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(verb, path): one for path, verbs in document["paths"].items() for verb, one in verbs.items()}


def test_openapi_lists_all_routes_and_how_to_authenticate(api: Api) -> None:
    document = openapi(api)
    assert set(operations(document)) == ROUTES | NOMADIC_ROUTES
    of_the_sdks = {route for route, one in operations(document).items() if one["tags"] == ["NomadicML"]}
    assert of_the_sdks == NOMADIC_ROUTES
    assert document["info"]["title"] == "Clipferry"
    assert document["servers"] == [{"url": "/prod"}]
    assert document["components"]["securitySchemes"]["key"]["name"] == "X-API-Key"
    assert document["security"] == [{"key": []}]


def test_openapi_shows_the_requests_as_they_are_validated(api: Api) -> None:
    body = openapi(api)["components"]["schemas"]["ImportBody"]
    assert set(body["properties"]) == {
        "exact_paths",
        "root_path",
        "manifest_uri",
        "filters",
        "sets",
        "folder",
        "labels",
        "run_name_prefix",
        "test_run_group_name",
        "settings",
        "stationary_extrapolation",
        "execution_settings_id",
        "integration_id",
        "validate",
        "idempotency_key",
    }
    assert body["additionalProperties"] is False
    parameters = operations(openapi(api))["post", "/v1/imports"]["parameters"]
    assert [(one["name"].lower(), one["in"]) for one in parameters] == [("idempotency-key", "header")]


def test_openapi_shows_the_answers_by_their_models(api: Api) -> None:
    document = openapi(api)
    assert set(document["components"]["schemas"]["ImportView"]["properties"]) == JOB_FIELDS
    assert set(document["components"]["schemas"]["ClipView"]["properties"]) == CLIP_FIELDS
    assert "202" in operations(document)["post", "/v1/imports"]["responses"]
    assert "201" in operations(document)["post", "/v1/keys"]["responses"]
    assert "204" in operations(document)["delete", "/v1/keys/{key_id}"]["responses"]


@pytest.mark.parametrize(("verb", "path"), sorted(ROUTES | NOMADIC_ROUTES))
def test_openapi_shows_the_errors_in_their_real_shape(api: Api, verb: str, path: str) -> None:
    document = openapi(api)
    responses = operations(document)[verb, path]["responses"]
    refusals = {status: one for status, one in responses.items() if status.startswith(("4", "5", "default"))}
    assert refusals
    for response in refusals.values():
        reference = response["content"]["application/json"]["schema"]["$ref"]
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
        assert set(schema["properties"]) == {"detail", "code"}


def test_docs_is_a_page_for_browsers(api: Api) -> None:
    context: Any = LambdaContext()
    answer = lambdas.api.handler(api_event("GET", "/docs"), context)
    assert answer["statusCode"] == 200
    assert "swagger" in answer["body"].lower()
    assert api.world.jobs.rows == {}


# --- folders ---------------------------------------------------------------------------------------------------------


def a_folder(api: Api, name: str = "Rig A", **more: Any) -> dict[str, Any]:
    status, folder = api("POST", "/v1/folders", {"name": name} | more)
    assert status == 201, folder
    assert isinstance(folder, dict)
    return folder


def test_a_folder_is_made_once_in_each_scope(api: Api) -> None:
    user, org = a_folder(api), a_folder(api, scope="org", description="shared")
    assert set(user) == {"id", "name", "scope", "description", "created_at", "created_by"}
    assert (user["name"], user["scope"], user["description"], user["created_by"]) == ("Rig A", "user", None, "key_1")
    assert (org["scope"], org["description"]) == ("org", "shared")
    for scope in ("user", "org"):
        refused = api.refusal("POST", "/v1/folders", {"name": "Rig A", "scope": scope})
        assert refused[:2] == (409, "FOLDER_EXISTS")
    entries = [(one.action, one.subject, one.by.door) for one in api.world.jobs.audit]
    assert entries == [("folder.create", user["id"], "api"), ("folder.create", org["id"], "api")]


def test_a_folder_that_is_made_twice_with_one_key_is_no_conflict(api: Api) -> None:
    body, headers = {"name": "Rig A", "description": "d"}, {"Idempotency-Key": "k"}
    first, again = (api("POST", "/v1/folders", body, headers=headers) for _ in range(2))
    assert first == again
    assert first[0] == 201
    assert len(api.world.jobs.audit) == 1
    for other in ({"name": "Rig A"}, body | {"description": "other"}):
        assert api.refusal("POST", "/v1/folders", other, headers=headers)[:2] == (409, "IDEMPOTENCY_CONFLICT")
    refused = api.refusal("POST", "/v1/folders", body, headers={"Idempotency-Key": "other"})
    assert refused[:2] == (409, "FOLDER_EXISTS")


def test_folders_are_listed_oldest_first_and_by_project(api: Api) -> None:
    made = [a_folder(api, name) for name in ("c", "a", "b")]
    status, page = api.get("/v1/folders", limit="2")
    assert (status, page["folders"], page["has_more"]) == (200, made[:2], True)
    assert api.get("/v1/folders", limit="2", cursor=page["next_cursor"]) == (
        200,
        {"folders": made[2:], "next_cursor": None, "has_more": False},
    )
    assert api("GET", "/v1/folders", project="other")[1]["folders"] == []
    query = {"cursor": page["next_cursor"]}
    assert api.refusal("GET", "/v1/folders", query=query, project="other")[:2] == (400, "INVALID_CURSOR")
    assert api.refusal("GET", "/v1/folders", query={"limit": "0"})[:2] == (422, "INVALID_REQUEST")


def test_a_folder_counts_what_landed_in_it_whoever_named_it(api: Api) -> None:
    world = api.world
    keys = world.put_sources(3)
    world.run(world.submit_list([*keys[:2], "missing.zip"], folder="Rig A").id)
    world.run(world.submit_list(keys, folder="Rig B").id)
    user, org = a_folder(api), a_folder(api, scope="org")
    path = f"/v1/folders/{user['id']}"
    assert api.get(path) == (200, user | {"clip_count": 2})
    assert api.get(f"/v1/folders/{org['id']}") == (200, org | {"clip_count": 0})
    world.run(world.submit_list(keys[2:], folder="Rig A").id)
    assert api.get(path)[1]["clip_count"] == 3


@pytest.mark.parametrize("folder_id", ["fd_" + "0" * 24, "fd_", "Rig%20A", "x" * 3_000])
def test_a_folder_that_is_none_is_not_found(api: Api, folder_id: str) -> None:
    assert api.refusal("GET", f"/v1/folders/{folder_id}")[:2] == (404, "NOT_FOUND")


def test_another_projects_folder_is_not_there(api: Api) -> None:
    path = f"/v1/folders/{a_folder(api)['id']}"
    assert api.refusal("GET", path, project="other")[:2] == (404, "NOT_FOUND")
    for call in (("GET", path), ("GET", "/v1/folders"), ("POST", "/v1/folders", {"name": "a"})):
        assert api.refusal(*call, project="")[:2] == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 65},
        {"name": "a\nb"},
        {"name": 1},
        {"name": "\ud800"},
        {"name": "a", "scope": "team"},
        {"name": "a", "scope": None},
        {"name": "a", "description": ""},
        {"name": "a", "description": "x" * 1_001},
        {"name": "a", "description": "\ud800"},
        {"name": "a", "org_id": "o"},
    ],
)
def test_a_folder_that_cannot_be_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert api.refusal("POST", "/v1/folders", body)[:2] == (422, "INVALID_REQUEST")
    assert not api.world.folders.rows


# --- finding clips ---------------------------------------------------------------------------------------------------

FOUND_FIELDS = CLIP_FIELDS | {"import_id", "folder", "labels", "test_run_group_name"}


def test_a_found_clip_names_its_import_and_what_that_was_given(api: Api) -> None:
    world = api.world
    job = world.run(world.submit_list(world.put_sources(2), labels=("l",), folder="f", test_run_group_name="g").id)
    for query in (
        {"clip_id": "000001"},
        {"original_clipgt_url": "s3://source/p/000001.zip"},
        {"clip_id": "000001", "label": "l", "folder": "f", "test_run_group": "g"},
    ):
        status, page = api("GET", "/v1/clips", query=query)
        assert (status, page["has_more"], page["next_cursor"]) == (200, False, None)
        (clip,) = page["clips"]
        assert set(clip) == FOUND_FIELDS
        assert (clip["import_id"], clip["id"], clip["status"]) == (job.id, f"{job.id}-1", "COPIED")
        assert (clip["folder"], clip["labels"], clip["test_run_group_name"]) == ("f", ["l"], "g")
        assert (clip["clip_id"], clip["original_clipgt_url"]) == ("000001", "s3://source/p/000001.zip")
    assert api("GET", "/v1/clips", query={"label": "l"}, project="other")[1]["clips"] == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, (422, "INVALID_REQUEST")),
        ({"limit": "5"}, (422, "INVALID_REQUEST")),
        ({"label": "x" * 129}, (422, "INVALID_REQUEST")),
        ({"clip_id": "x" * 1_025}, (422, "INVALID_REQUEST")),
        ({"label": "l", "limit": "0"}, (422, "INVALID_REQUEST")),
        ({"label": "l", "cursor": "garbage"}, (400, "INVALID_CURSOR")),
    ],
)
def test_wrong_questions_for_clips_are_refused(api: Api, query: dict[str, str], expected: tuple[int, str]) -> None:
    assert api.refusal("GET", "/v1/clips", query=query)[:2] == expected


# --- execution settings ----------------------------------------------------------------------------------------------

SAVED = "/v1/execution-settings"


def test_saved_settings_are_made_read_replaced_and_deleted(api: Api) -> None:
    body = {"name": "n", "settings": {"on_existing": "fail", "storage_class": None}, "description": "d"}
    status, made = api("POST", SAVED, body)
    assert status == 201
    assert {name: made[name] for name in body} == body
    assert set(made) == {"id", "name", "description", "settings", "created_at", "updated_at"}
    path = f"{SAVED}/{made['id']}"
    assert api.get(path) == (200, made)
    assert api.get(SAVED) == (200, {"execution_settings": [made], "next_cursor": None, "has_more": False})
    status, changed = api("PUT", path, {"name": "m", "settings": {}})
    assert (status, changed["name"], changed["settings"], changed["description"]) == (200, "m", {}, None)
    for method, sent in (("GET", None), ("PUT", body), ("DELETE", None)):
        assert api.refusal(method, path, sent, project="other")[:2] == (404, "NOT_FOUND")
    assert api("DELETE", path) == (204, None)
    assert api.refusal("GET", path)[:2] == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"name": "n"}, "settings"),
        ({"settings": {}}, "name"),
        ({"name": "", "settings": {}}, "name"),
        ({"name": "n", "settings": {"on_existing": "merge"}}, "settings.on_existing"),
        ({"name": "n", "settings": {"x": 1}}, "settings.x"),
        ({"name": "n", "settings": {}, "description": ""}, "description"),
        ({"name": "n", "settings": {}, "id": "es_1"}, "id"),
    ],
)
def test_wrong_saved_settings_are_named(api: Api, body: object, place: str) -> None:
    _, made = api("POST", SAVED, {"name": "n", "settings": {}})
    for method, path in (("POST", SAVED), ("PUT", f"{SAVED}/{made['id']}")):
        status, code, detail = api.refusal(method, path, body)
        assert (status, code) == (422, "INVALID_REQUEST")
        assert detail.startswith(f"{place}: "), detail


def test_an_import_takes_saved_settings_with_the_defaults_of_now(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    _, made = api("POST", SAVED, {"name": "n", "settings": {"content_validation": "structure", "keep_tags": False}})
    ports = replace(api.world.submit_ports, defaults=ImportSettings(on_existing=OnExisting.FAIL))
    monkeypatch.setattr(lambdas.routes.imports, "submit_ports", lambda: ports)
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
def test_an_import_with_unknown_saved_settings_is_refused(api: Api, settings_id: str) -> None:
    status, code, detail = api.refusal("POST", "/v1/imports", LIST | {"execution_settings_id": settings_id})
    assert (status, code) == (422, "UNKNOWN_EXECUTION_SETTINGS")
    assert detail.startswith("execution_settings_id: ")
    assert not api.world.jobs.rows


# --- audit -----------------------------------------------------------------------------------------------------------


def test_each_change_is_recorded_with_its_request_before_it_is_made(api: Api) -> None:
    world = api.world
    job = world.run(world.submit_list(world.put_sources(1)).id)
    api("POST", f"/v1/imports/{job.id}/cancel")
    api("DELETE", f"/v1/imports/{job.id}")
    _, page = api.get("/v1/audit")
    assert [(one["action"], one["subject"]) for one in page["entries"]] == [
        ("import.delete", job.id),
        ("import.cancel", job.id),
        ("import.start", job.id),
    ]
    newest = page["entries"][0]
    assert set(newest) == {"id", "time", "action", "subject", "door", "key_id", "request_id"}
    assert (newest["door"], newest["key_id"], newest["request_id"]) == ("api", "key_1", "request-1")
    assert api.get("/v1/audit", subject=job.id)[1]["entries"] == page["entries"]
    assert api("GET", "/v1/audit", project="other")[1]["entries"] == []


def test_nothing_is_cancelled_or_deleted_where_the_entry_cannot_be_written(api: Api) -> None:
    _, job = api("POST", "/v1/imports", LIST)
    for method, path in (("POST", f"/v1/imports/{job['id']}/cancel"), ("DELETE", f"/v1/imports/{job['id']}")):
        api.world.faults.plan("audit.add", [RuntimeError("no table")])
        assert api.refusal(method, path)[:2] == (500, "INTERNAL")
    assert not api.world.job(job["id"]).cancel_requested


def test_an_import_shows_its_own_entries(api: Api) -> None:
    _, job = api("POST", "/v1/imports", LIST)
    api("POST", "/v1/imports", LIST)
    assert (job["door"], job["key_id"]) == ("api", "key_1")
    status, page = api.get(f"/v1/imports/{job['id']}/audit")
    assert (status, [one["subject"] for one in page["entries"]]) == (200, [job["id"]])
    assert page["entries"][0]["request_id"] == "request-1"
    assert api.refusal("GET", f"/v1/imports/{job['id']}/audit", project="other")[:2] == (404, "NOT_FOUND")
    assert api.refusal("GET", "/v1/audit", project="")[:2] == (403, "FORBIDDEN")


def test_what_is_not_there_leaves_no_entry(api: Api) -> None:
    for method, path in (("POST", f"/v1/imports/{new_job_id()}/cancel"), ("DELETE", f"/v1/imports/{new_job_id()}")):
        assert api.refusal(method, path)[:2] == (404, "NOT_FOUND")
    assert api.get("/v1/audit")[1]["entries"] == []


def test_a_preview_takes_saved_settings_too(api: Api) -> None:
    _, made = api("POST", SAVED, {"name": "n", "settings": {}})
    api.world.put_sources(1)
    body = {"root_path": "s3://source/p/", "execution_settings_id": made["id"]}
    assert api("POST", "/v1/previews", body)[0] == 200
    body["execution_settings_id"] = "es_nope"
    assert api.refusal("POST", "/v1/previews", body)[:2] == (422, "UNKNOWN_EXECUTION_SETTINGS")


# --- integrations ----------------------------------------------------------------------------------------------------

INTEGRATIONS = "/v1/integrations"
PLANTED = "planted-and-never-shown"
S3_KEYS = {
    "name": "n",
    "type": "s3",
    "bucket": "fleet",
    "access_key_id": f"AKIA-{PLANTED}",
    "secret_access_key": f"secret-{PLANTED}",
    "session_token": f"token-{PLANTED}",
}
ROLE = {"name": "n", "type": "s3_role", "bucket": "fleet", "role_arn": "arn:aws:iam::222222222222:role/clipferry-read"}
ACCOUNT = {"type": "service_account", "private_key": PLANTED, "client_email": "a@b", "token_uri": "https://t"}
GCS_ACCOUNT = {"name": "n", "type": "gcs", "bucket": "fleet", "service_account": ACCOUNT}
HF_TOKEN = {"name": "n", "type": "hf_bucket", "bucket": "maker/clips", "token": f"hf_{PLANTED}"}
INTEGRATION_FIELDS = {
    "id",
    "name",
    "type",
    "bucket",
    "prefix",
    "region",
    "endpoint_url",
    "role_arn",
    "external_id",
    "trust_policy",
    "permission_policy",
    "created_at",
    "created_by",
    "last_used",
}


@pytest.mark.parametrize("body", [S3_KEYS, ROLE, GCS_ACCOUNT, HF_TOKEN])
def test_an_integration_is_saved_read_tested_and_deleted(api: Api, body: dict[str, Any]) -> None:
    status, made = api("POST", INTEGRATIONS, body | {"prefix": "a/"})
    assert (status, set(made)) == (201, INTEGRATION_FIELDS)
    assert (made["type"], made["bucket"], made["prefix"]) == (body["type"], body["bucket"], "a/")
    assert made["created_by"] == "key_1"
    path = f"{INTEGRATIONS}/{made['id']}"
    assert api.get(path) == (200, made)
    assert api.get(INTEGRATIONS) == (200, {"integrations": [made], "next_cursor": None, "has_more": False})
    api.world.sources.source.objects = {"a/clip": b"clip"}
    actions = ("list", "read", "tags") if body["type"].startswith("s3") else ("list", "read")
    works = [{"action": action, "ok": True, "code": None, "message": None} for action in actions]
    assert api("POST", f"{path}/test") == (200, {"ok": True, "checks": works})
    assert api.get(path)[1]["last_used"] is not None
    for method, sub in (("GET", ""), ("DELETE", ""), ("POST", "/test")):
        assert api.refusal(method, path + sub, project="other")[:2] == (404, "NOT_FOUND")
    assert api("DELETE", path) == (204, None)
    assert api.refusal("DELETE", path)[:2] == (404, "NOT_FOUND")
    assert api.world.integration_secrets.values == {}


def test_credentials_are_kept_as_the_sources_read_them(api: Api) -> None:
    for body in (S3_KEYS, GCS_ACCOUNT, HF_TOKEN):
        assert api("POST", INTEGRATIONS, body)[0] == 201
    s3, gcs, hugging_face = (json.loads(text) for text in api.world.integration_secrets.values.values())
    assert s3 == {name: S3_KEYS[name] for name in ("access_key_id", "secret_access_key", "session_token")}
    assert gcs == ACCOUNT
    assert hugging_face == {"token": HF_TOKEN["token"]}


def test_optional_fields_may_be_null(api: Api) -> None:
    keys = {"name": "n", "type": "s3", "bucket": "fleet", "access_key_id": "a", "secret_access_key": "b"}
    nothing = dict.fromkeys(("session_token", "region", "endpoint_url", "prefix"))
    assert api("POST", INTEGRATIONS, keys | nothing)[0] == 201
    hugging_face = {"name": "n", "type": "hf_bucket", "bucket": "maker/clips", "token": None, "prefix": None}
    assert api("POST", INTEGRATIONS, hugging_face)[0] == 201
    endpoint = {"endpoint_url": "https://store.example.com:9000/s3"}
    assert api("POST", INTEGRATIONS, keys | nothing | endpoint)[1]["region"] == "auto"


def test_a_role_comes_with_its_policies_and_nothing_else_does(api: Api) -> None:
    _, made = api("POST", INTEGRATIONS, ROLE)
    condition = made["trust_policy"]["Statement"][0]["Condition"]
    assert condition["StringEquals"] == {"sts:ExternalId": made["external_id"]}
    assert made["permission_policy"]["Statement"][0]["Resource"] == "arn:aws:s3:::fleet"
    _, made = api("POST", INTEGRATIONS, S3_KEYS)
    assert (made["external_id"], made["trust_policy"], made["permission_policy"]) == (None, None, None)


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"name": "n", "bucket": "b"}, "body"),
        (S3_KEYS | {"type": "ftp"}, "body"),
        (without(S3_KEYS, "secret_access_key"), "s3.secret_access_key"),
        (without(S3_KEYS, "name"), "s3.name"),
        (S3_KEYS | {"secret_access_key": f"{PLANTED} with spaces"}, "s3.secret_access_key"),
        (S3_KEYS | {"secret_access_key": PLANTED * 20}, "s3.secret_access_key"),
        (S3_KEYS | {"secret_access_key": [PLANTED]}, "s3.secret_access_key"),
        (S3_KEYS | {"session_token": f"{PLANTED}\r\nX-Header: 1"}, "s3.session_token"),
        (S3_KEYS | {"region": "evil.example.com/"}, "s3.region"),
        (S3_KEYS | {"endpoint_url": "ftp://store.example.com"}, "s3.endpoint_url"),
        (S3_KEYS | {"endpoint_url": "https://user@store.example.com"}, "s3.endpoint_url"),
        (S3_KEYS | {"endpoint_url": "https://store.example.com/?a=b"}, "s3.endpoint_url"),
        (S3_KEYS | {"role_arn": "x"}, "s3.role_arn"),
        (S3_KEYS | {"token": PLANTED}, "s3.token"),
        (without(ROLE, "role_arn"), "s3_role.role_arn"),
        (ROLE | {"external_id": "mine"}, "s3_role.external_id"),
        (GCS_ACCOUNT | {"service_account": PLANTED}, "gcs.service_account"),
        (GCS_ACCOUNT | {"service_account": {"private_key": PLANTED * 800}}, "gcs.service_account"),
        (HF_TOKEN | {"token": f"{PLANTED}\n"}, "hf_bucket.token"),
    ],
)
def test_a_wrong_integration_is_named_without_its_secrets(api: Api, body: object, place: str) -> None:
    status, code, detail = api.refusal("POST", INTEGRATIONS, body)
    assert (status, code) == (422, "INVALID_REQUEST")
    assert detail.startswith(f"{place}: "), detail
    assert place != "body" or "'type'" in detail
    assert PLANTED not in detail
    assert api.world.integrations.rows == {}


def test_an_idempotency_key_saves_one_integration(api: Api) -> None:
    headers = {"Idempotency-Key": "k"}
    first, second = (api("POST", INTEGRATIONS, S3_KEYS, headers=headers) for _ in range(2))
    assert first == second
    other = S3_KEYS | {"secret_access_key": "another"}
    assert api.refusal("POST", INTEGRATIONS, other, headers=headers)[:2] == (409, "IDEMPOTENCY_CONFLICT")


def test_planted_secrets_are_in_no_answer_no_row_and_no_log(
    api: Api, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    world = api.world
    answers: list[Any] = []
    refused = CredentialsRejected("refused", operation="list", uri="s3://fleet/")
    for body in (S3_KEYS, GCS_ACCOUNT, HF_TOKEN):
        for error in (None, refused, AccessDenied("denied", operation="list", uri="s3://fleet/")):
            world.sources.source.errors = {"list": error} if error else {}
            _, made = api("POST", INTEGRATIONS, body)
            path = f"{INTEGRATIONS}/{made['id']}"
            answers += [made, api.get(path), api("POST", f"{path}/test"), api.get(INTEGRATIONS), api.get("/v1/audit")]
        for port in ("integrations.create", "integration_secrets.put", "integrations.settle"):
            world.faults.plan(port, [RuntimeError("no table")])
            answers.append(api("POST", INTEGRATIONS, body))
            assert answers[-1][0] == 500
        answers.append(api("POST", INTEGRATIONS, body | {"more": 1}))
    assert PLANTED in str(world.integration_secrets.values)
    assert PLANTED not in json.dumps(answers)
    assert PLANTED not in repr(world.integrations.rows) + repr(world.audit.entries)
    out, err = capfd.readouterr()
    assert "no table" in out + err + caplog.text, "the logs were looked at"
    assert PLANTED not in out + err + caplog.text
