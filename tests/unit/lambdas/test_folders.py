"""`/v1/folders`."""

from typing import Any

import pytest

from tests.unit.lambdas.api import Api


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


def test_a_folder_counts_copied_clips_of_every_endpoint(api: Api) -> None:
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
