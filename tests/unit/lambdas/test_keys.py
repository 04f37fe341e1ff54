"""`/v1/keys`."""

import json

import pytest

from tests.unit.lambdas.api import Api
from tests.unit.lambdas.shapes import LIST


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
    assert (status, code, detail) == (403, "FORBIDDEN", "only the admin key may do this")
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
