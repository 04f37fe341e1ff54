"""Request bodies, limits and errors of all routes."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

import lambdas.api
from service.domain.ids import new_job_id
from tests.builders import LambdaContext, api_event
from tests.unit.lambdas.api import Api, container_of
from tests.unit.lambdas.shapes import LIST


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


@pytest.mark.parametrize(
    ("written", "taken"), [("7.0", 7), ("2e1", 20), ("7.5", None), ("1e999", None), ("-1.0", None)]
)
def test_a_whole_number_may_be_written_with_a_fraction_of_zero(api: Api, written: str, taken: int | None) -> None:
    body = f'{{"exact_paths": ["s3://source/a.zip"], "settings": {{"max_concurrency": {written}}}}}'
    status, answer = api("POST", "/v1/imports", body)
    assert status == (202 if taken else 422)
    assert not taken or answer["settings"]["max_concurrency"] == taken


@pytest.mark.parametrize("path", ["/v1/webhook-secret/rotate", "/v1/imports/{id}/retry"])
@pytest.mark.parametrize("body", ["[]", "[null, null]", "5", '"text"', "true"])
def test_an_optional_body_is_an_object_or_absent(api: Api, path: str, body: str) -> None:
    job = api.world.run(api.world.submit_list(["s3://source/none.zip"]).id)
    assert api.refusal("POST", path.format(id=job.id), body)[:2] == (422, "INVALID_REQUEST")


@pytest.mark.parametrize("body", ["[" * 50_000, '{"root_path": ' + "9" * 5_000 + "}"])
def test_json_made_to_break_parsers_is_refused_like_any_other(api: Api, body: str) -> None:
    assert api.refusal("POST", "/v1/imports", body)[:2] == (422, "INVALID_REQUEST")


def test_a_body_beyond_the_limit_is_refused_with_both_numbers(api: Api) -> None:
    fits = json.dumps(LIST | {"run_name_prefix": "ü"}, ensure_ascii=False)
    padding = " " * (api.max_body_bytes - len(fits.encode()))
    assert api("POST", "/v1/imports", fits + padding)[0] == 202
    status, code, detail = api.refusal("POST", "/v1/imports", fits + padding + " ")
    assert (status, code) == (413, "BODY_TOO_LARGE")
    assert "100,001 bytes, the limit is 100,000" in detail
    assert "manifest_uri" in detail


def test_fifteen_thousand_uris_fit_in_one_request(api: Api) -> None:
    api.world.max_clips = 100_000
    keys = [f"drives/2026-11-22/vehicle-07/{number:05d}/{'x' * 270}.zip" for number in range(15_000)]
    body = json.dumps({"exact_paths": [f"s3://source/{key}" for key in keys]})
    api.max_body_bytes = 5_000_000  # the setting's default
    assert 0.95 * api.max_body_bytes < len(body) <= api.max_body_bytes
    status, job = api("POST", "/v1/imports", body)
    assert (status, job["source"]) == (202, {"kind": "list", "uri": None, "count": 15_000, "as_of": None})
    api.world.plan(job["id"])
    assert api.get(f"/v1/imports/{job['id']}")[1]["counts"]["total"] == 15_000
    first = api.get(f"/v1/imports/{job['id']}/clips", limit="1000")[1]["clips"]
    assert [clip["source_uri"] for clip in first] == [f"s3://source/{key}" for key in keys[:1_000]]


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


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "SlowDown"}}, "GetObject"),
        ClientError({"Error": {"Code": "TooManyRequestsException"}}, "StartExecution"),
        EndpointConnectionError(endpoint_url="https://example"),
    ],
)
def test_a_passing_fault_of_aws_is_a_503_that_says_when_to_try_again(api: Api, error: Exception) -> None:
    api.world.faults.plan("jobs.get", [error])
    status, code, _ = api.refusal("GET", f"/v1/imports/{new_job_id()}")
    assert (status, code) == (503, "SERVICE_BUSY")
    assert api.headers["Retry-After"] == ["5"]


def test_answers_are_json(api: Api) -> None:
    for call in (("GET", "/v1/imports"), ("GET", "/nope"), ("POST", "/v1/imports", "x" * (api.max_body_bytes + 1))):
        api(*call)
        (content_type,) = [value for name, value in api.headers.items() if name.lower() == "content-type"]
        assert "application/json" in content_type


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/imports", "GET, POST"),
        ("HEAD", "/v1/imports", "GET, POST"),
        ("OPTIONS", "/v1/keys/key_1", "DELETE"),
        ("PATCH", "/v1/imports/ij_1", "DELETE, GET"),
        ("POST", "/v1/execution-settings/es_1", "DELETE, GET, PUT"),
        ("DELETE", "/openapi.json", "GET"),
        ("GET", "/api/s3/upload", "POST"),
    ],
)
def test_another_method_of_a_known_path_is_a_405_with_those_it_takes(
    api: Api, method: str, path: str, allowed: str
) -> None:
    status, code, detail = api.refusal(method, path)
    assert (status, code) == (405, "METHOD_NOT_ALLOWED")
    assert api.headers["Allow"] == [allowed]
    assert f"{method} {path}" in detail


@pytest.mark.parametrize("path", ["/v1/imports/{id}\n", "/v1/imports\n", "/v1/imports/{id}/clips\n", "/v1/imports/\n"])
def test_a_newline_after_a_path_is_another_path(api: Api, path: str) -> None:
    job = api.world.planned_list(["a"])
    assert api.refusal("GET", path.format(id=job.id))[:2] == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/imports", {"limits": "2"}),
        ("/v1/imports", {"limit": "2", "state": "FAILED"}),
        ("/v1/imports/{id}", {"x": "1"}),
        ("/v1/imports/{id}/clips", {"Status": "FAILED"}),
        ("/v1/clips", {"clip_id": "c", "clipid": "c"}),
        ("/v1/key", {"x" * 3_000: ""}),
    ],
)
def test_an_unknown_query_parameter_is_named_and_refused(api: Api, path: str, query: dict[str, str]) -> None:
    job = api.world.planned_list(["a"])
    status, code, detail = api.refusal("GET", path.format(id=job.id), query=query)
    assert (status, code) == (422, "INVALID_REQUEST")
    assert max(query)[:100] in detail
    assert len(detail) < 300


def test_the_sdks_may_send_parameters_that_are_not_known_here(api: Api) -> None:
    assert api.get("/api/my-videos", folder_collection="user")[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        {"x" * 90_000: 1},
        {"exact_paths": ["s3://source/a.zip"], "settings": {"y" * 90_000: 1}},
        {"root_path": "z" * 90_000},
        {"exact_paths": ["z" * 90_000]},
        {"manifest_uri": "z" * 90_000},
        {"sets": [{"views": {"v" * 90_000: "s3://source/a.zip", "front": "s3://source/b.zip"}}]},
        LIST | {"settings": {"on_existing": "w" * 90_000}},
    ],
)
def test_no_error_repeats_what_a_caller_sent_at_length(api: Api, body: object) -> None:
    status, _, detail = api.refusal("POST", "/v1/imports", body)
    assert status == 422
    assert len(detail) <= 2_001


def test_no_error_repeats_the_longest_name_that_a_body_may_have(api: Api) -> None:
    api.max_body_bytes = 5_000_000  # the setting's default
    for body in ({"x" * 4_900_000: 1}, LIST | {"settings": {"x" * 4_900_000: 1}}):
        answer = api.raw("POST", "/v1/imports", json.dumps(body))
        assert answer["statusCode"] == 422
        assert len(answer["body"]) < 2_100


@pytest.mark.parametrize(
    "body",
    [
        '{"\\ud800": 1, "root_path": "s3://source/"}',
        '{"root_path": "s3://source/", "root_path": "", "\\ud800": 1, "\\ud800": 2}',
        '{"sets": [{"views": {"front": "s3://source/a.zip", "\\ud800": "s3://source/b.zip"}}]}',
    ],
)
def test_a_name_that_is_not_unicode_is_refused_in_valid_unicode(api: Api, body: str) -> None:
    answer = api.raw("POST", "/v1/imports", body)
    assert answer["statusCode"] == 422
    assert answer["body"].encode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"root_path": "s3://source/a/", "root_path": "s3://source/b/"}', "'root_path' occurs twice"),
        ('{"root_path": "s3://source/", "filters": {"include": [], "include": ["*"]}}', "'include' occurs twice"),
        ('{"root_path": "s3://source/", "filters": {"min_size": Infinity}}', "Infinity is not JSON"),
    ],
)
def test_a_body_that_can_be_read_in_two_ways_is_refused(api: Api, body: str, reason: str) -> None:
    status, code, detail = api.refusal("POST", "/v1/imports", body)
    assert (status, code) == (422, "INVALID_REQUEST")
    assert reason in detail
    assert not api.world.jobs.rows


@pytest.mark.parametrize("body", ['{"root_path": "s3://source/\ufffd"}', "\ufffd\ufffd"])
def test_a_body_that_is_not_utf_8_is_a_bad_request(api: Api, body: str) -> None:
    status, code, detail = api.refusal("POST", "/v1/imports", body)
    assert (status, code) == (400, "INVALID_REQUEST")
    assert f"not UTF-8 at character {body.index(chr(0xFFFD))}" in detail
    assert not api.world.jobs.rows


def test_a_key_may_hold_the_replacement_character_as_an_escape(api: Api) -> None:
    assert api("POST", "/v1/imports", '{"exact_paths": ["s3://source/\\ufffd.zip"]}')[0] == 202


def test_two_idempotency_keys_are_refused(api: Api) -> None:
    event = api_event("POST", "/v1/imports", LIST)
    event["multiValueHeaders"] |= {"Idempotency-Key": ["k", "l"]}
    context: Any = LambdaContext()
    answer = lambdas.api.handler(event, context, container_of(api.world, api.max_body_bytes))
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (422, "INVALID_REQUEST")
    assert not api.world.jobs.rows


MADE: dict[str, dict[str, Any]] = {
    "/v1/execution-settings": {"name": "n", "settings": {}},
    "/v1/integrations": {"name": "n", "type": "hf_bucket", "bucket": "maker/clips"},
    "/v1/keys": {"name": "n", "project": "demo"},
    "/v1/watches": {"name": "n", "root_path": "s3://source/", "schedule": {"every": "1h"}},
}


@pytest.mark.parametrize("path", ["/v1/imports", *MADE])
def test_an_answer_without_content_has_no_content_type(api: Api, path: str) -> None:
    project = {"project": ""} if path == "/v1/keys" else {}
    if path in MADE:
        _, made = api("POST", path, MADE[path], **project)
        made_id = made["id"]
    else:
        made_id = api.world.run(api.world.submit_list(["missing"]).id).id
    answer = api.raw("DELETE", f"{path}/{made_id}", **project)
    assert (answer["statusCode"], answer["body"]) == (204, "")
    assert not [name for name in answer.get("multiValueHeaders", {}) if name.lower() == "content-type"]
