"""Saved execution settings, and imports that refer to them."""

from typing import TYPE_CHECKING, Any

from local.stack import Stack
from tests.e2e.support import all_rows, imported, put_all, settled, start, unique

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


PATH = "/v1/execution-settings"


def saved(api: "Api", **body: object) -> dict[str, Any]:
    answer: dict[str, Any]
    status, answer = api.post(PATH, {"name": unique("settings"), **body})
    assert status == 201, answer
    return answer


def test_settings_are_saved_listed_replaced_and_deleted(api: "Api") -> None:
    one = saved(api, settings={"on_existing": "fail"}, description="no surprises")
    assert one["id"].startswith("es_")
    assert api.get(f"{PATH}/{one['id']}") == (200, one)
    assert one in all_rows(api, PATH, "execution_settings", limit=1)
    status, changed = api("PUT", f"{PATH}/{one['id']}", {"name": "new", "settings": {"keep_tags": False}})
    assert (status, changed["settings"], changed["description"]) == (200, {"keep_tags": False}, None)
    assert changed["created_at"] == one["created_at"]
    assert api("DELETE", f"{PATH}/{one['id']}")[0] == 204
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"name": "n", "settings": {}})):
        status, answer = api(method, f"{PATH}/{one['id']}", body)
        assert (status, answer["code"]) == (404, "NOT_FOUND")


def test_an_import_runs_with_saved_settings(api: "Api", stack: Stack, s3: "S3Client") -> None:
    key = f"{unique('saved')}.zip"
    put_all(s3, stack.source_bucket, [(key, b"no clip")])
    settings = saved(api, settings={"content_validation": "structure"})
    uri = f"s3://{stack.source_bucket}/{key}"
    request = {"exact_paths": [uri], "execution_settings_id": settings["id"], "idempotency_key": key}
    job = imported(api, **request)
    assert (job["status"], job["execution_settings_id"]) == ("FAILED", settings["id"])
    assert (job["settings"]["content_validation"], job["settings"]["on_existing"]) == ("structure", "skip")
    body = {"name": "n", "settings": {"content_validation": "none"}}
    assert api("PUT", f"{PATH}/{settings['id']}", body)[0] == 200
    assert start(api, **request)["id"] == job["id"], "the same request, whatever its settings mean by now"
    assert settled(api, job["id"])["settings"]["content_validation"] == "structure"
    assert imported(api, exact_paths=[uri], execution_settings_id=settings["id"])["status"] == "COMPLETED"


def test_inline_settings_and_an_id_exclude_each_other_and_an_unknown_id_is_refused(api: "Api", stack: Stack) -> None:
    settings = saved(api, settings={})
    request = {"exact_paths": [f"s3://{stack.source_bucket}/a.zip"], "execution_settings_id": settings["id"]}
    status, answer = api.post("/v1/imports", request | {"settings": {}})
    assert (status, answer["code"]) == (422, "INVALID_REQUEST")
    assert "settings or execution_settings_id" in answer["detail"]
    status, answer = api.post("/v1/imports", request | {"execution_settings_id": "es_nope"})
    assert (status, answer["code"]) == (422, "UNKNOWN_EXECUTION_SETTINGS")


def test_another_projects_settings_are_not_there(api: "Api", admin: "Api", stack: Stack) -> None:
    settings = saved(api, settings={})
    _, key = admin.post("/v1/keys", {"project": unique("team"), "name": "test"})
    other = api.with_key(key["key"])
    assert other.get(f"{PATH}/{settings['id']}")[0] == 404
    assert other("DELETE", f"{PATH}/{settings['id']}")[0] == 404
    request = {"exact_paths": [f"s3://{stack.source_bucket}/a.zip"], "execution_settings_id": settings["id"]}
    assert other.post("/v1/imports", request)[1]["code"] == "UNKNOWN_EXECUTION_SETTINGS"
    assert other.get(PATH)[1]["execution_settings"] == []


def test_an_idempotency_key_saves_once(api: "Api") -> None:
    headers = {"Idempotency-Key": unique("key")}
    body = {"name": "n", "settings": {"keep_tags": False}}
    (status, first), (_, again) = (api("POST", PATH, body, headers=headers) for _ in range(2))
    assert (status, first) == (201, again)
    status, answer = api("POST", PATH, body | {"settings": {}}, headers=headers)
    assert (status, answer["code"]) == (409, "IDEMPOTENCY_CONFLICT")
