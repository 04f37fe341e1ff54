"""The routes of the NomadicML door through the handler, with fakes in the place of the wiring."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

import lambdas.api
from lambdas.routes.nomadic import folders, integrations, jobs, uploads, videos
from service.domain.projects import ApiKey
from tests.builders import CLIPS_BUCKET, LambdaContext, World, api_event

LIMIT = 5_000_000


class Sdk:
    def __init__(self, world: World) -> None:
        self.world = world
        self.headers: dict[str, Any] = {}

    def __call__(self, method: str, path: str, body: object = None, **event: Any) -> tuple[int, Any]:
        """(status, parsed body)."""
        context: Any = LambdaContext()
        answer = lambdas.api.handler(api_event(method, path, body, **event), context)
        self.headers = {**(answer.get("headers") or {}), **(answer.get("multiValueHeaders") or {})}
        return answer["statusCode"], json.loads(answer["body"])

    def get(self, path: str, **query: str) -> Any:
        status, body = self("GET", path, query=query)
        assert status == 200, body
        return body

    def refusal(self, *args: Any, **kwargs: Any) -> tuple[int, str]:
        """(status, detail) of an answer that has exactly the error's shape, its detail plain text."""
        status, body = self(*args, **kwargs)
        assert set(body) == {"detail", "code"}, body
        assert isinstance(body["detail"], str)
        return status, body["detail"]

    def upload(self, body: object, path: str = "/api/s3/upload", key: str | None = None) -> str:
        """The job's id."""
        status, answer = self("POST", path, body, headers={"Idempotency-Key": key} if key else None)
        assert (status, answer["status"]) == (200, "importing"), answer
        job_id = answer["import_job_id"]
        assert isinstance(job_id, str)
        return job_id

    def upload_keys(self, *keys: str, **changes: object) -> str:
        return self.upload({"keys": keys, "bucket": "source", "collection": "videos", "folder_id": None} | changes)

    def imported(self, *keys: str, **changes: object) -> str:
        """Of an import that has ended."""
        job_id = self.upload_keys(*keys, **changes)
        self.world.run(job_id)
        return job_id

    def folder(self, name: str, scope: str = "user") -> dict[str, Any]:
        status, body = self("POST", "/api/folders/create-or-get", {"name": name, "scope": scope, "org_id": None})
        assert status == 200, body
        assert isinstance(body, dict)
        return body

    def videos(self, job_id: str, **query: str) -> Any:
        return self.get(f"/api/import-jobs/{job_id}/videos", **query)


@pytest.fixture
def sdk(world: World, monkeypatch: pytest.MonkeyPatch) -> Sdk:
    monkeypatch.setattr(lambdas.api, "api_settings", lambda: SimpleNamespace(max_body_bytes=LIMIT))
    ports = {
        "submit_ports": lambda: world.submit_ports,
        "status_ports": lambda: world.status_ports,
        "folder_ports": lambda: world.folder_ports,
        "remove_ports": lambda: world.remove_ports,
        "audit_ports": lambda: world.audit_ports,
        "integration_ports": lambda: world.integration_ports,
        "key_store": lambda: world.keys,
    }
    for module in (folders, integrations, jobs, uploads, videos):
        for name, made in ports.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, made)
    world.keys.put(ApiKey(id="key_1", project="demo", name="the fleet's", digest="", created_at=""))
    return Sdk(world)


def put_videos(world: World, *keys: str) -> None:
    for key in keys:
        world.storage.put("source", key)


def landed(world: World, key: str, folder: str = "-") -> bool:
    return f"demo/{folder}/source/{key}" in world.storage.buckets[CLIPS_BUCKET]
