"""The NomadicML routes through the handler, with fakes instead of the wiring."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.projects import ApiKey
from tests.builders import CLIPS_BUCKET, World
from tests.unit.lambdas.api import Caller


class Sdk(Caller):
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
        """Run an import of these keys; return its id."""
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
def sdk(world: World) -> Sdk:
    world.keys.put(ApiKey(id="key_1", project="demo", name="the fleet's", digest="", created_at=""))
    return Sdk(world)


def put_videos(world: World, *keys: str) -> None:
    """Put videos now, so that no copy of before is younger."""
    for key in keys:
        item = world.storage.put("source", key)
        world.storage.buckets["source"][key] = replace(item, modified=world.clock())


def landed(world: World, key: str, folder: str = "-") -> bool:
    return f"demo/{folder}/source/{key}" in world.storage.buckets[CLIPS_BUCKET]
