"""The OpenAPI document accepts the request bodies that the service accepts, and no others."""

from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from tests.unit.lambdas.api import Api


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    import json

    from lambdas.api import app
    from lambdas.reference import document

    found: dict[str, Any] = json.loads(document(app))["components"]["schemas"]
    return found


@pytest.mark.parametrize(
    ("given", "valid"),
    [
        ({"exact_paths": ["s3://source/a.zip"]}, True),
        ({"exact_paths": ["s3://source/a.zip"], "root_path": None}, True),
        ({"root_path": "hf://buckets/name/space/", "execution_settings_id": None, "settings": {}}, True),
        ({}, False),
        ({"root_path": None}, False),
        ({"root_path": "s3://source/", "manifest_uri": "s3://source/m.csv"}, False),
        ({"root_path": "s3://source/", "settings": {}, "execution_settings_id": "es_" + "0" * 24}, False),
        ({"exact_paths": []}, False),
        ({"exact_paths": ["http://source/a.zip"]}, False),
        ({"root_path": "s3://source/", "clip_ids": ["a", "a b", "ä!"]}, True),
        ({"root_path": "s3://source/", "clip_ids": None}, True),
        ({"root_path": "s3://source/", "clip_ids": []}, False),
        *(
            ({"root_path": "s3://source/", "clip_ids": [wrong]}, False)
            for wrong in ("", "a.b", "a/b", "a\n", "a" * 129)
        ),
        ({"clip_ids": ["a"]}, False),
        ({"root_path": None, "clip_ids": ["a"]}, False),
        ({"exact_paths": ["s3://source/a.zip"], "clip_ids": ["a"]}, False),
        ({"sets": [{"views": {"front": "s3://source/a.mp4"}}]}, True),
        ({"sets": []}, False),
        ({"sets": [{"views": {"left": "s3://source/a.mp4"}}]}, False),
        ({"sets": [{"views": {"front": "s3://source/a.mp4", "nose": "s3://source/b.mp4"}}]}, False),
        ({"root_path": "s3://source/", "settings": {"tolerated_failures": {}}}, False),
        ({"root_path": "s3://source/", "settings": {"tolerated_failures": {"count": 1, "percent": 1}}}, False),
        ({"root_path": "s3://source/", "settings": {"tolerated_failures": {"count": 1}}}, True),
        ({"root_path": "s3://source/", "filters": {"include": [""]}}, False),
        ({"root_path": "s3://source/", "filters": {"include": ["*"] * 51}}, False),
        ({"root_path": "s3://source/", "folder": "a\nb"}, False),
    ],
)
def test_openapi_and_the_service_agree_on_an_import(
    api: Api, schemas: dict[str, Any], given: dict[str, object], valid: bool
) -> None:
    schema = {"$ref": "#/components/schemas/ImportBody", "components": {"schemas": schemas}}
    assert Draft202012Validator(schema).is_valid(given) == valid
    assert (api("POST", "/v1/imports", {"validate": False} | given)[0] != 422) == valid


@pytest.mark.parametrize(
    ("given", "valid"),
    [
        ({"size": 1}, True),
        ({"size": 0}, False),
        ({"size": 0, "sha256": "A" * 43 + "="}, True),
        ({"size": 1, "sha256": "A" * 43 + "=", "part_bytes": None}, True),
        ({"size": 1, "sha256": "A" * 43 + "=", "part_bytes": 5 * 1024**2}, False),
        ({"size": 1, "sha256": None, "part_bytes": 5 * 1024**2}, True),
    ],
)
def test_openapi_and_the_service_agree_on_an_upload(
    api: Api, schemas: dict[str, Any], given: dict[str, object], valid: bool
) -> None:
    schema = {"$ref": "#/components/schemas/UploadBody", "components": {"schemas": schemas}}
    assert Draft202012Validator(schema).is_valid({"key": "a.zip"} | given) == valid
    assert (api("POST", "/v1/uploads", {"key": "a.zip"} | given)[0] != 422) == valid


@pytest.mark.parametrize(
    ("scope", "valid"),
    [("user", True), ("ORG", True), (None, True), ("team", False), ("users", False), ("", False), (1, False)],
)
def test_openapi_and_the_service_agree_on_the_scope_of_the_sdks(
    api: Api, schemas: dict[str, Any], scope: object, valid: bool
) -> None:
    schema = {"$ref": "#/components/schemas/VideoFolderBody", "components": {"schemas": schemas}}
    body = {"name": "Rig A", "scope": scope}
    assert Draft202012Validator(schema).is_valid(body) == valid
    assert (api("POST", "/api/folders/create-or-get", body)[0] == 200) == valid
