"""The app as the CDK CLI runs it: a process without AWS credentials, with cdk-nag."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Validations, aws_s3
from cdk_nag import AwsSolutionsChecks

from stacks.bundle import ROOT
from stacks.clipferry import ClipferryStack
from stacks.settings import DeploySettings


def synthesize(context: dict[str, Any], outdir: Path) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env |= {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(outdir)}
    command = [sys.executable, "app.py"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_it_synthesizes_for_any_account_without_credentials_and_cdk_nag_finds_nothing(
    cdk_context: dict[str, Any], deploy: DeploySettings, tmp_path: Path
) -> None:
    buckets, keys = ",".join(deploy.source_buckets), ",".join(deploy.source_kms_key_arns)
    named = {"source_buckets": buckets, "source_kms_key_arns": keys, "copy_roles": ",".join(deploy.copy_roles)}
    done = synthesize({**cdk_context, **named}, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["artifacts"]["Clipferry"]["environment"] == "aws://unknown-account/unknown-region"
    assert manifest.get("missing", []) == []
    template = json.loads((tmp_path / "Clipferry.template.json").read_text())
    (table,) = [item for item in template["Resources"].values() if item["Type"] == "AWS::DynamoDB::Table"]
    assert {"Key": "application", "Value": "clipferry"} in table["Properties"]["Tags"]


def test_cdk_nag_would_stop_a_resource_that_is_not_accounted_for(cdk_context: dict[str, Any], tmp_path: Path) -> None:
    app = App(context=cdk_context, outdir=str(tmp_path))
    stack = ClipferryStack(app, "Clipferry", DeploySettings())
    aws_s3.Bucket(stack, "Careless")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="AwsSolutions-S1"):
        app.synth()
    report = json.loads((tmp_path / "validation-report.json").read_text())
    violations = report["pluginReports"][0]["violations"]
    where = {item["constructPath"] for violation in violations for item in violation["violatingConstructs"]}
    assert where == {"Clipferry/Careless/Resource"}


def test_a_wrong_setting_ends_in_one_sentence_and_no_traceback(cdk_context: dict[str, Any], tmp_path: Path) -> None:
    done = synthesize({**cdk_context, "map_concurrency": "many"}, tmp_path)
    assert done.returncode != 0
    assert "Deploy settings: map_concurrency must be a whole number, not 'many'." in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_that_aws_would_refuse_end_in_a_sentence_for_each_role(
    cdk_context: dict[str, Any], tmp_path: Path
) -> None:
    done = synthesize({**cdk_context, "source_buckets": ",".join(f"b{number:03}" for number in range(400))}, tmp_path)
    assert done.returncode != 0
    refused = [line for line in done.stderr.splitlines() if line.startswith("Deploy settings: the policy ")]
    assert len(refused) == 8, "two policies of each of four roles"
    assert all(line.endswith("name fewer source_buckets and source_kms_key_arns.") for line in refused)
    assert "Traceback" not in done.stderr
