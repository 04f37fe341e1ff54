"""The API describes itself."""

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.lambdas.api import Api
from tests.unit.lambdas.shapes import CLIP_FIELDS, JOB_FIELDS


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
    ("get", "/v1/imports/{job_id}/failures"),
    ("get", "/v1/imports/{job_id}/timeline"),
    ("get", "/v1/clips"),
    ("get", "/v1/clips/{clip_id}"),
    ("get", "/v1/clips/{clip_id}/link"),
    ("get", "/v1/audit"),
    ("post", "/v1/uploads"),
    ("post", "/v1/uploads/parts"),
    ("post", "/v1/uploads/complete"),
    ("post", "/v1/uploads/abort"),
    ("post", "/v1/execution-settings"),
    ("get", "/v1/execution-settings"),
    ("get", "/v1/execution-settings/{settings_id}"),
    ("put", "/v1/execution-settings/{settings_id}"),
    ("delete", "/v1/execution-settings/{settings_id}"),
    ("post", "/v1/folders"),
    ("get", "/v1/folders"),
    ("get", "/v1/folders/{folder_id}"),
    ("post", "/v1/watches"),
    ("get", "/v1/watches"),
    ("get", "/v1/watches/{watch_id}"),
    ("patch", "/v1/watches/{watch_id}"),
    ("delete", "/v1/watches/{watch_id}"),
    ("post", "/v1/watches/{watch_id}/run"),
    ("post", "/v1/watches/{watch_id}/test"),
    ("post", "/v1/watches/{watch_id}/webhook/replay"),
    ("post", "/v1/integrations"),
    ("get", "/v1/integrations"),
    ("get", "/v1/integrations/{integration_id}"),
    ("patch", "/v1/integrations/{integration_id}"),
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
    ("get", "/v1/deployment"),
    ("get", "/v1/deployment/health"),
    ("get", "/v1/health"),
    ("post", "/v1/webhook-secret/rotate"),
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


def test_a_newline_after_any_path_is_another_path(api: Api) -> None:
    """`%0a` reaches the function as a newline. No route may take it for the end of an id."""
    for verb, path in sorted(ROUTES | NOMADIC_ROUTES):
        asked = re.sub(r"{\w+}", "x", path) + "\n"
        assert api.refusal(verb.upper(), asked, {})[:2] == (404, "NOT_FOUND"), (verb, path)


def test_every_path_refuses_other_methods_and_names_its_own(api: Api) -> None:
    verbs: dict[str, set[str]] = {}
    for verb, path in ROUTES | NOMADIC_ROUTES:
        verbs.setdefault(re.sub(r"{\w+}", "{}", path), set()).add(verb.upper())
    for path, own in verbs.items():
        for other in {"PATCH", "PUT", "POST", "GET", "DELETE", "OPTIONS"} - own:
            assert api.refusal(other, path.replace("{}", "x"), {})[:2] == (405, "METHOD_NOT_ALLOWED"), (other, path)
            assert set(api.headers["Allow"][0].split(", ")) == own, path


def test_openapi_lists_all_routes_and_how_to_authenticate(api: Api) -> None:
    document = openapi(api)
    assert set(operations(document)) == ROUTES | NOMADIC_ROUTES
    of_the_sdks = {route for route, one in operations(document).items() if one["tags"] == ["NomadicML"]}
    assert of_the_sdks == NOMADIC_ROUTES
    assert document["info"]["title"] == "Clipferry"
    assert document["servers"] == [{"url": "."}], "relative to the page, whatever stage or domain it is behind"
    assert document["components"]["securitySchemes"]["key"]["name"] == "X-API-Key"
    assert document["security"] == [{"key": []}]


def test_every_reference_of_the_document_leads_somewhere(api: Api) -> None:
    document = openapi(api)

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            node = list(node.values())
        if isinstance(node, list):
            for one in node:
                yield from references(one)

    found = set(references(document))
    assert found
    assert {one for one in found if one.rpartition("/")[2] not in document["components"]["schemas"]} == set()


def test_openapi_shows_the_requests_as_they_are_validated(api: Api) -> None:
    body = openapi(api)["components"]["schemas"]["ImportBody"]
    assert set(body["properties"]) == {
        "exact_paths",
        "root_path",
        "clip_ids",
        "manifest_uri",
        "as_of",
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
    refusals = {status: one for status, one in responses.items() if not status.startswith("2")}
    assert {"401", "429", "500", "503"} <= set(refusals)
    assert "default" not in refusals
    for response in refusals.values():
        reference = response["content"]["application/json"]["schema"]["$ref"]
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
        assert set(schema["properties"]) == {"detail", "code"}


STATUSES = {
    ("get", "/v1/key"): {"200", "401", "422", "429", "500", "502", "503", "504"},
    ("get", "/v1/imports"): {"200", "400", "401", "403", "422", "429", "500", "502", "503", "504"},
    ("post", "/v1/imports"): {"202", "400", "401", "403", "409", "413", "422", "429", "500", "502", "503", "504"},
    ("delete", "/v1/imports/{job_id}"): {"204", "401", "403", "404", "409", "422", "429", "500", "502", "503", "504"},
    ("get", "/api/cloud-integrations"): {"200", "401", "403", "429", "500", "502", "503", "504"},
}


@pytest.mark.parametrize(("operation", "statuses"), STATUSES.items())
def test_openapi_lists_the_statuses_that_an_operation_has(
    api: Api, operation: tuple[str, str], statuses: set[str]
) -> None:
    assert set(operations(openapi(api))[operation]["responses"]) == statuses


def test_openapi_shows_an_answer_without_content_as_such(api: Api) -> None:
    for one in operations(openapi(api)).values():
        assert "content" not in one["responses"].get("204", {})


def test_openapi_says_what_the_service_enforces_of_parameters(api: Api) -> None:
    for (_, path), one in operations(openapi(api)).items():
        schemas = {parameter["name"]: parameter["schema"] for parameter in one.get("parameters", [])}
        assert not [name for name, schema in schemas.items() if "anyOf" in schema], "a parameter cannot be null"
        if "limit" in schemas and path.startswith("/v1"):
            assert (schemas["limit"]["minimum"], schemas["limit"]["maximum"]) == (1, 1_000)
        if "cursor" in schemas:
            assert schemas["cursor"]["pattern"]
        for name in schemas:
            assert not name.endswith("_id") or name == "clip_id" or schemas[name]["pattern"]


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_the_documentation_is_kept_by_browsers_and_not_sent_again(api: Api, path: str) -> None:
    fresh = api.raw("GET", path)["multiValueHeaders"]
    (etag,) = fresh["ETag"]
    assert fresh["Cache-Control"] == ["public, max-age=3600"]
    for known in (etag, f'"other", {etag}', "*"):
        again = api.raw("GET", path, headers={"If-None-Match": known})
        assert (again["statusCode"], again["body"]) == (304, "")
        assert again["multiValueHeaders"]["ETag"] == [etag]
    assert api.raw("GET", path, headers={"If-None-Match": '"other"'})["statusCode"] == 200


def test_the_page_runs_its_own_scripts_only_and_keeps_no_key(api: Api) -> None:
    answer = api.raw("GET", "/docs")
    (policy,) = answer["multiValueHeaders"]["Content-Security-Policy"]
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    scripts = re.findall(r"<script>(.*?)</script>", answer["body"], re.DOTALL)
    assert directives["script-src"].split() == [f"'sha256-{sha256(text)}'" for text in scripts]
    assert (directives["default-src"], directives["frame-ancestors"]) == ("'none'", "'none'")
    assert "http" not in policy
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=", answer["body"].split("<script>")[0])
    assert "persistAuthorization: false" in scripts[-1]


def sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/imports"),
        ("GET", "/nope"),
        ("PUT", "/v1/imports"),
        ("POST", "/v1/imports"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("POST", "/api/keys/verify"),
    ],
)
def test_every_answer_has_the_security_headers(api: Api, method: str, path: str) -> None:
    headers = api.raw(method, path)["multiValueHeaders"]
    assert headers["X-Content-Type-Options"] == ["nosniff"]
    assert headers["Strict-Transport-Security"] == ["max-age=31536000"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"][0]
    assert path in ("/docs", "/openapi.json") or headers["Cache-Control"] == ["no-store"]


def test_docs_is_a_page_for_browsers(api: Api) -> None:
    answer = api.raw("GET", "/docs")
    assert answer["statusCode"] == 200
    assert "swagger" in answer["body"].lower()
    assert api.world.jobs.rows == {}
