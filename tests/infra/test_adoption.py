"""A new stack can adopt the resources that a deleted one keeps (`cdk import`, `cdk deploy`, docs/how-to/remove.md).

On the emulator, which imports buckets and tables. It cannot import secrets.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Template

from local import aws, deploy, emulator
from local.config import DEPLOY_CONTEXT, StateDir, emulated_environment
from stacks.bundle import ROOT
from tests.infra.reading import resources

KEPT = {"StorageClips": "kept-clips", "StorageDrop": "kept-drop", "StorageState": "kept-state"}
KEPT_TABLE = "kept-table"


@pytest.fixture(scope="module")
def state() -> StateDir:
    folder = StateDir(ROOT / ".local" / f"adoption{os.environ.get('PYTEST_XDIST_WORKER', '')}")
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.deploy_log.unlink(missing_ok=True)
    return folder


@pytest.fixture(scope="module")
def endpoint(state: StateDir) -> Iterator[str]:
    running = emulator.start(state)
    try:
        deploy.bootstrap(state, running.url)
        yield running.url
    finally:
        emulator.stop(state, running)


def leave_behind(endpoint: str, template: Template) -> None:
    """Buckets with a clip, and a table with a row, as an earlier stack made them."""
    s3 = aws.s3(endpoint)
    for name in KEPT.values():
        s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=KEPT["StorageClips"], Key="project/clip.zip", Body=b"kept")
    (table,) = [item["Properties"] for item in resources(template, "AWS::DynamoDB::Table").values()]
    schema = {
        name: table[name] for name in ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")
    }
    dynamodb = aws.session().client("dynamodb", endpoint_url=endpoint)
    dynamodb.create_table(TableName=KEPT_TABLE, **schema)
    dynamodb.put_item(TableName=KEPT_TABLE, Item={"pk": {"S": "JOB#kept"}, "sk": {"S": "JOB"}})


def cdk_import(state: StateDir, endpoint: str, mapping: Path) -> None:
    context = [f"--context={name}={value}" for name, value in DEPLOY_CONTEXT.items()]
    line = [
        str(deploy.CDK),
        "import",
        "Clipferry",
        f"--resource-mapping={mapping}",
        f"--output={state.path / 'cdk.out'}",
    ]
    env: dict[str, Any] = emulated_environment(endpoint) | deploy.cdk_environment()
    env["PATH"] = f"{Path(sys.executable).parent}:{env.get('PATH', '')}"
    subprocess.run([*line, *context, "--ci", "--no-notices", "--no-color"], cwd=ROOT, env=env, check=True)


def test_buckets_and_the_table_are_adopted_with_what_is_in_them(
    state: StateDir, endpoint: str, local_template: Template
) -> None:
    leave_behind(endpoint, local_template)
    buckets = {name: {"BucketName": kept} for name, kept in KEPT.items()}
    wanted = {**buckets, "StorageTable": {"TableName": KEPT_TABLE}}
    found = [*local_template.find_resources("AWS::S3::Bucket"), *local_template.find_resources("AWS::DynamoDB::Table")]
    mapping = state.path / "adopt.json"
    mapping.write_text(json.dumps({name: wanted[name[:-8]] for name in found}))
    cdk_import(state, endpoint, mapping)
    outputs = deploy.deploy(state, endpoint)
    assert (outputs.clips_bucket, outputs.drop_bucket, outputs.state_bucket) == tuple(KEPT.values())
    assert outputs.table_name == KEPT_TABLE
    kept = aws.s3(endpoint).get_object(Bucket=outputs.clips_bucket, Key="project/clip.zip")
    assert kept["Body"].read() == b"kept"
    dynamodb = aws.session().client("dynamodb", endpoint_url=endpoint)
    key = {"pk": {"S": "JOB#kept"}, "sk": {"S": "JOB"}}
    assert dynamodb.get_item(TableName=outputs.table_name, Key=key)["Item"] == key
