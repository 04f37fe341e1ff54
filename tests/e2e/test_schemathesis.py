"""schemathesis finds no answer that the OpenAPI document does not describe."""

import json
import os
import subprocess
import sys
from pathlib import Path

from local import aws
from local.config import ROOT
from local.stack import Stack
from tests.e2e.conftest import Api
from tests.e2e.schemathesis_hooks import VALUES
from tests.e2e.support import settled, start, unique

CONFIG = Path(__file__).with_name("schemathesis.toml")
SECONDS = int(os.environ.get("CLIPFERRY_SCHEMATHESIS_SECONDS", "120"))
"""Time for its requests; loading and the last ones come on top."""
IMPORTS = 5
"""Imports that exist when it begins; it deletes some."""


def existing(stack: Stack, api: Api, admin: Api) -> dict[str, list[str]]:
    """Make things that valid requests can name; return {name of a field or parameter: values}."""
    bucket = stack.source_bucket
    prefix = f"s3://{bucket}/samples/clipgt/"
    jobs = [settled(api, start(api, root_path=prefix)["id"])["id"] for _ in range(IMPORTS)]
    clips = [clip for job in jobs for clip in api.get(f"/v1/imports/{job}/clips")[1]["clips"]]
    manifest = f"{unique('manifest')}.jsonl"
    lines = "\n".join(json.dumps({"uri": clip["source_uri"]}) for clip in clips)
    aws.s3(stack.aws_endpoint_url).put_object(Bucket=bucket, Key=manifest, Body=lines.encode())
    presets = [
        api.post("/v1/execution-settings", {"name": unique("preset"), "settings": {}})[1]["id"] for _ in range(3)
    ]
    keys = {"access_key_id": "test", "secret_access_key": "test", "endpoint_url": stack.aws_endpoint_url}
    body = {"type": "s3", "bucket": bucket, **keys}
    integrations = [api.post("/v1/integrations", {"name": unique("store"), **body})[1]["id"] for _ in range(3)]
    watch = {"root_path": prefix, "schedule": {"every": "1d"}}
    watches = [api.post("/v1/watches", watch | {"name": unique("watch")})[1]["id"] for _ in range(2)]
    return {
        "job_id": jobs,
        "watch_id": watches,
        "every": ["1d"],
        "cron": ["0 2 * * *"],
        "video_id": [clip["id"] for clip in clips],
        "clip_id": [clip["id"] for clip in clips],
        "settings_id": presets,
        "execution_settings_id": presets,
        "integration_id": integrations,
        "key_id": [admin.post("/v1/keys", {"project": "revoked", "name": "old"})[1]["id"] for _ in range(2)],
        "folder_id": [api.post("/v1/folders", {"name": unique("folder")})[1]["id"]],
        "root_path": [prefix],
        "exact_paths": [clip["source_uri"] for clip in clips],
        "manifest_uri": [f"s3://{bucket}/{manifest}"],
        "bucket": [bucket],
        "cursor": [""],
        "destination": ["{bucket}/{key}"],
        "region": [stack.region],
    }


def test_schemathesis_finds_nothing(stack: Stack, admin: Api, tmp_path: Path) -> None:
    # A project of its own: its imports, quotas and integrations concern no other test.
    key = admin.post("/v1/keys", {"project": unique("schemathesis"), "name": "schemathesis"})[1]["key"]
    values = existing(stack, admin.with_key(key), admin)
    (tmp_path / "values.json").write_text(json.dumps(values))
    (tmp_path / "openapi.json").write_text(json.dumps(admin.get("/openapi.json")[1]))
    seed = int(os.environ.get("CLIPFERRY_SEED", "1"))
    print(f"CLIPFERRY_SEED={seed}")
    program = (sys.executable, "-m", "schemathesis.cli", f"--config-file={CONFIG}")
    options = (f"--url={stack.base_url}", f"--seed={seed}", f"--max-time={SECONDS}", "--no-color")
    env = os.environ | {
        "PYTHONPATH": str(ROOT),
        "CLIPFERRY_SCHEMATHESIS_KEY": key,
        "CLIPFERRY_SCHEMATHESIS_ADMIN_KEY": stack.admin_key,
        VALUES: str(tmp_path / "values.json"),
    }
    done = subprocess.run(
        [*program, "run", "openapi.json", *options],
        cwd=tmp_path,  # Its cache of failures goes where it runs.
        env=env,
        capture_output=True,
        text=True,
        timeout=5 * SECONDS,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, f"CLIPFERRY_SEED={seed}\n{done.stdout}\n{done.stderr}"
