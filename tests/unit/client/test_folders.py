"""Folders in the SDK."""

from typing import Any

import httpx
import pytest

from clipferry import Conflict
from tests.unit.client.service import FakeService, page, refusal


def folder(folder_id: str = "fd_1", **given: Any) -> dict[str, Any]:
    fields = {"name": "Rig A", "scope": "user", "description": None, "created_at": "t", "created_by": "key_1"}
    return {"id": folder_id} | fields | given


def test_a_lost_answer_does_not_create_two_folders() -> None:
    service = FakeService(httpx.ReadError("cut"), httpx.Response(201, json=folder(scope="org")))
    made = service.client().folders.create("Rig A", scope="org")
    assert (made.id, made.name, made.scope) == ("fd_1", "Rig A", "org")
    assert service.asked == [("POST", "/v1/folders")] * 2
    assert service.body() == {"name": "Rig A", "scope": "org"}
    first, second = (request.headers["idempotency-key"] for request in service.requests)
    assert first == second


def test_each_call_has_its_own_idempotency_key() -> None:
    service = FakeService(folder(), folder(), folder())
    client = service.client()
    for key in (None, None, "mine"):
        client.folders.create("Rig A", description="d", idempotency_key=key)
    assert service.body() == {"name": "Rig A", "scope": "user", "description": "d"}
    keys = [request.headers["idempotency-key"] for request in service.requests]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"


def test_a_folder_that_exists_is_a_conflict() -> None:
    with pytest.raises(Conflict) as caught:
        FakeService(refusal(409, "FOLDER_EXISTS")).client().folders.create("Rig A")
    assert caught.value.code == "FOLDER_EXISTS"


def test_folders_are_listed_in_pages_and_shown_with_their_clip_count() -> None:
    service = FakeService(page("folders", [folder()], "c"), page("folders", [folder("fd_2")]), folder(clip_count=7))
    client = service.client()
    assert [one.id for one in client.folders.list()] == ["fd_1", "fd_2"]
    assert client.folders.get("fd_1").clip_count == 7
    assert service.asked == [
        ("GET", "/v1/folders?limit=1000"),
        ("GET", "/v1/folders?limit=1000&cursor=c"),
        ("GET", "/v1/folders/fd_1"),
    ]
