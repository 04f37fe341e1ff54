"""Folders of `/v1`, by SDK and command line, on the deployed stack; the NomadicML routes have the same folders."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clipferry import Clipferry, Conflict, NotFound
from local.stack import Stack
from tests.e2e.support import imported, put_all, unique
from tests.e2e.terminal import CommandLine, cells

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


def test_folders_of_the_package_the_command_line_and_the_other_door_are_the_same(
    api: "Api", admin: "Api", stack: Stack, s3: "S3Client", tmp_path: Path
) -> None:
    cli, name, key = CommandLine(stack, tmp_path), unique("Rig ü"), unique("key")
    [shown] = cli.json("folders", "create", name, "--description", "front rigs")
    ran = cli("folders", "create", name)
    assert (ran.returncode, "FOLDER_EXISTS" in ran.stderr, "clipferry folders list" in ran.stderr) == (1, True, True)
    with Clipferry(stack.base_url, stack.api_key) as client:
        org = client.folders.create(name, scope="org", idempotency_key=key)
        assert client.folders.create(name, scope="org", idempotency_key=key) == org
        with pytest.raises(Conflict):
            client.folders.create(name, scope="org")
        made = [one for one in client.folders.list() if one.name == name]
        assert [(one.id, one.scope) for one in made] == [(shown["id"], "user"), (org.id, "org")]

        keys = [f"{unique('folders')}/{n}.mp4" for n in range(3)]
        put_all(s3, stack.source_bucket, [(one, one.encode()) for one in keys])
        uris = [f"s3://{stack.source_bucket}/{one}" for one in keys]
        job = imported(api, exact_paths=[*uris, f"{uris[0]}.none"], folder=name)
        assert (job["counts"]["copied"], job["counts"]["failed"]) == (3, 1)
        assert client.folders.get(shown["id"]).clip_count == 3
        status, _ = api("DELETE", f"/api/video/{job['id']}-0")
        assert status == 200
        assert (client.folders.get(shown["id"]).clip_count, client.folders.get(org.id).clip_count) == (2, 0)

    status, found = api.get("/api/folders/get", name=name, scope="user")
    assert (status, found["id"], found["video_count"]) == (200, shown["id"], 2)
    seen = dict(cells(cli("folders", "show", shown["id"]).stdout.splitlines()))
    assert (seen["folder"], seen["name"], seen["scope"], seen["clips"]) == (shown["id"], name, "user", "2")
    assert [row[2] for row in cells(cli("folders", "list").stdout.splitlines())].count(name) == 2
    assert cli("folders", "create", name, "--scope", "team").returncode == 2

    _, foreign = admin.post("/v1/keys", {"project": unique("team"), "name": "test"})
    with Clipferry(stack.base_url, foreign["key"]) as other:
        assert list(other.folders.list()) == []
        with pytest.raises(NotFound):
            other.folders.get(shown["id"])
