"""The API describes itself."""

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
    answer = api.raw("GET", "/docs")
    assert answer["statusCode"] == 200
    assert "swagger" in answer["body"].lower()
    assert api.world.jobs.rows == {}
