"""Deploy the stack to the emulator with the real CDK CLI."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import aws, process
from local.config import ACCOUNT, CACHE, DEPLOY_CONTEXT, REGION, ROOT, StateDir, emulated_environment

CDK = ROOT / "node_modules" / ".bin" / "cdk"


class DeployError(Exception):
    """A CDK command failed; the text is everything that it printed."""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The deployed stack's outputs. `base_url` is the emulator's own address for the API's stage."""

    base_url: str
    admin_secret_arn: str
    table_name: str
    clips_bucket: str
    drop_bucket: str
    state_bucket: str
    state_machine_arn: str
    upload_queue_url: str
    upload_dlq_url: str


def bootstrap(state: StateDir, endpoint: str) -> None:
    """Make the emulator's account ready for the CDK. Raises `DeployError`."""
    # Away from cdk.json: it needs nothing of the app, and would synthesize it first.
    _cdk(state, endpoint, "bootstrap", f"aws://{ACCOUNT}/{REGION}", cwd=state.path)


def deploy(state: StateDir, endpoint: str, context: Mapping[str, str] = DEPLOY_CONTEXT) -> Outputs:
    """Synthesize and deploy with the local settings. Raises `DeployError`."""
    outputs_file = state.path / "outputs.json"
    outputs_file.unlink(missing_ok=True)
    _cdk(
        state,
        endpoint,
        "deploy",
        "--all",
        "--require-approval=never",
        "--progress=events",
        f"--outputs-file={outputs_file}",
        f"--output={state.path / 'cdk.out'}",
        *(f"--context={name}={value}" for name, value in context.items()),
    )
    return read_outputs(outputs_file, endpoint)


def enforce_roles(endpoint: str) -> None:
    """From now on the emulator checks every call against the caller's policies.

    The policies of the buckets demand TLS, which the emulator does not speak here, so they are deleted first.
    """
    s3 = aws.s3(endpoint)
    for bucket in s3.list_buckets()["Buckets"]:
        s3.delete_bucket_policy(Bucket=bucket["Name"])
    request = urllib.request.Request(f"{endpoint}/_clipferry/roles", method="POST")
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()


def read_outputs(outputs_file: Path, endpoint: str) -> Outputs:
    stacks = json.loads(outputs_file.read_text())
    found: dict[str, str] = {name: value for outputs in stacks.values() for name, value in outputs.items()}
    try:
        return Outputs(
            base_url=f"{endpoint}/_aws/execute-api/{found['ApiId']}/{found['StageName']}",
            admin_secret_arn=found["AdminSecretArn"],
            table_name=found["TableName"],
            clips_bucket=found["ClipsBucketName"],
            drop_bucket=found["DropBucketName"],
            state_bucket=found["StateBucketName"],
            state_machine_arn=found["StateMachineArn"],
            upload_queue_url=found["UploadQueueUrl"],
            upload_dlq_url=found["UploadDlqUrl"],
        )
    except KeyError as error:
        raise DeployError(f"the deployed stack has no output {error}; it has {', '.join(sorted(found))}") from error


def _cdk(state: StateDir, endpoint: str, command: str, *arguments: str, cwd: Path = ROOT) -> None:
    if not CDK.exists():
        raise DeployError("the CDK CLI is missing; run `make setup`")
    env = emulated_environment(endpoint) | cdk_environment()
    # `app.py` runs on this very interpreter, whatever the user's PATH begins with.
    env["PATH"] = f"{Path(sys.executable).parent}:{env.get('PATH', '')}"
    line = [str(CDK), command, *arguments, "--ci", "--no-notices", "--no-color"]
    # A group of its own: what the CLI starts (app.py, pip) is ended with it when we are interrupted.
    running = subprocess.Popen(
        line,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        printed = running.communicate()[0].decode(errors="replace")
    except BaseException:
        process.end_group(running.pid)
        raise
    with state.deploy_log.open("a") as log:
        log.write(f"$ {' '.join(line)}\n{printed}\n")
    if running.returncode != 0:
        raise DeployError(f"`cdk {command}` ended with code {running.returncode}:\n{printed}")


def cdk_environment() -> dict[str, str]:
    """Keeps what the CDK and jsii write inside the checkout, and the CLI from calling home."""
    return {
        "CDK_HOME": str(CACHE / "cdk"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(CACHE / "jsii"),
        # Node 20 works; that its time is up is nothing that a reader of our output can act on here.
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "NODE_NO_WARNINGS": "1",
    }
