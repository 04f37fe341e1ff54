"""Keys: who gets in, and what each kind of key may do."""

from typing import TYPE_CHECKING

from local.stack import Stack
from tests.e2e.support import all_rows, unique

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tests.e2e.conftest import Api


def test_without_a_valid_key_every_route_is_a_401(api: "Api") -> None:
    for key in ("", "nonsense", "cf_000000000000_" + "0" * 48, api.key[:-1] + "x", api.key + "0"):
        for method, path in (("GET", "/v1/imports"), ("POST", "/v1/imports"), ("GET", "/v1/keys"), ("GET", "/v1/no")):
            status, answer = api.with_key(key)(method, path, {} if method == "POST" else None)
            assert (status, answer["code"]) == (401, "UNAUTHORIZED"), (key, path, answer)
            assert isinstance(answer["detail"], str)


def test_a_bearer_token_is_a_key_too(api: "Api") -> None:
    reader = api.with_key("")
    assert reader("GET", "/v1/imports", headers={"Authorization": f"Bearer {api.key}"})[0] == 200
    assert reader("GET", "/v1/imports", headers={"authorization": f"bearer {api.key}"})[0] == 200
    assert reader("GET", "/v1/imports", headers={"Authorization": f"Basic {api.key}"})[0] == 401


def test_the_admin_makes_lists_and_revokes_keys(api: "Api", admin: "Api") -> None:
    project = unique("team")
    status, made = admin.post("/v1/keys", {"project": project, "name": "laptop"})
    assert status == 201
    assert (made["project"], made["name"]) == (project, "laptop")
    listed = {row["id"]: row for row in all_rows(admin, "/v1/keys", "keys", limit=1)}
    assert listed[made["id"]]["project"] == project
    assert made["key"] not in str(listed)
    team = api.with_key(made["key"])
    assert team.get("/v1/imports") == (200, {"imports": [], "next_cursor": None, "has_more": False})
    assert admin("DELETE", f"/v1/keys/{made['id']}")[0] == 204
    assert team.get("/v1/imports")[0] == 401
    assert admin("DELETE", f"/v1/keys/{made['id']}")[0] == 404


def test_a_project_key_manages_no_keys_and_the_admin_key_imports_nothing(api: "Api", admin: "Api") -> None:
    for method, path, body in (
        ("GET", "/v1/keys", None),
        ("POST", "/v1/keys", {"project": "x", "name": "x"}),
        ("DELETE", "/v1/keys/key_1", None),
    ):
        status, answer = api(method, path, body)
        assert (status, answer["code"]) == (403, "FORBIDDEN")
    status, answer = admin.get("/v1/imports")
    assert (status, answer["code"]) == (403, "FORBIDDEN")


def test_keys_are_stored_without_their_secret(admin: "Api", dynamodb: "DynamoDBClient", stack: Stack) -> None:
    _, made = admin.post("/v1/keys", {"project": "demo", "name": "stored"})
    secret = made["key"].rpartition("_")[2]
    pages = dynamodb.get_paginator("scan").paginate(TableName=stack.table_name)
    assert not any(secret in str(page["Items"]) for page in pages)
