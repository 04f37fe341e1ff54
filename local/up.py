"""`make local`: start the emulator, deploy, put the sample clips in, make a project key."""

import argparse
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from local import aws, deploy, emulator
from local.api import Api, ApiError
from local.config import (
    DEFAULT_STATE,
    FORBIDDEN_BUCKET,
    FORBIDDEN_KEY,
    PROJECT,
    REGION,
    SAMPLES,
    SAMPLES_PREFIX,
    SOURCE_BUCKET,
    StateDir,
    isolate_process,
)
from local.console import console, fail, step
from local.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Step = Callable[[str], AbstractContextManager[None]]
"""Announces a step of the work while it runs; `console.step` prints it."""

LOCAL_ERRORS = (emulator.EmulatorError, deploy.DeployError, ApiError)


def running(state: StateDir) -> Stack | None:
    """The stack of this state folder, if its emulator is alive and answers."""
    found = emulator.recorded(state)
    if found is None or not emulator.healthy(found):
        return None
    try:
        stack = Stack.read(state.stack_file)
    except (OSError, ValueError):
        return None
    return stack if stack.pid == found.pid else None


def bring_up(state: StateDir, announce: Step, port: int | None = None) -> Stack:
    """Start and fill a new stack. Whatever stops it half-way, no emulator is left running."""
    state.path.mkdir(parents=True, exist_ok=True)
    state.stack_file.unlink(missing_ok=True)
    state.deploy_log.unlink(missing_ok=True)
    with announce("Start the AWS emulator"):
        running_emulator = emulator.start(state, port)
    try:
        endpoint = running_emulator.url
        with announce("Bootstrap the CDK"):
            deploy.bootstrap(state, endpoint)
        with announce("Deploy Clipferry (cdk deploy)"):
            outputs = deploy.deploy(state, endpoint)
        with announce("Upload the sample clips, create a project key"):
            _fill_buckets(aws.s3(endpoint))
            admin_key = aws.secrets(endpoint).get_secret_value(SecretId=outputs.admin_secret_arn)["SecretString"]
            key = Api(outputs.base_url, admin_key).call("POST", "/v1/keys", body={"project": PROJECT, "name": "local"})
        stack = Stack(
            base_url=outputs.base_url,
            api_key=key["key"],
            admin_key=admin_key,
            project=PROJECT,
            source_bucket=SOURCE_BUCKET,
            drop_bucket=outputs.drop_bucket,
            clips_bucket=outputs.clips_bucket,
            aws_endpoint_url=endpoint,
            region=REGION,
            pid=running_emulator.pid,
            forbidden_bucket=FORBIDDEN_BUCKET,
            state_bucket=outputs.state_bucket,
            table_name=outputs.table_name,
            state_machine_arn=outputs.state_machine_arn,
            upload_queue_url=outputs.upload_queue_url,
            upload_dlq_url=outputs.upload_dlq_url,
        )
        stack.write(state.stack_file)
    except BaseException:
        emulator.stop(state, running_emulator)
        raise
    return stack


def sample_files() -> list[Path]:
    """The sample clips of the repository, in a stable order."""
    return sorted(path for path in SAMPLES.rglob("*") if path.is_file() and not path.name.startswith("."))


def _fill_buckets(s3: "S3Client") -> None:
    s3.create_bucket(Bucket=SOURCE_BUCKET)
    s3.create_bucket(Bucket=FORBIDDEN_BUCKET)
    files = sample_files()
    s3.upload_file(str(files[0]), FORBIDDEN_BUCKET, FORBIDDEN_KEY)

    def upload(path: Path) -> None:
        s3.upload_file(str(path), SOURCE_BUCKET, SAMPLES_PREFIX + path.relative_to(SAMPLES).as_posix())

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(upload, files))


def end_on_sigterm() -> None:
    """Make SIGTERM the same as Ctrl-C, so that clean-up runs (pytest, too, ends at a KeyboardInterrupt)."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, help="the emulator's port on 127.0.0.1 (default: a free one)")
    parser.add_argument(
        "--state", type=Path, default=DEFAULT_STATE, help="the folder that the stack keeps its files in"
    )
    options = parser.parse_args()
    isolate_process()
    end_on_sigterm()
    state = StateDir(options.state.resolve())
    stack = running(state)
    if stack is not None:
        console.print(f"A local stack is running already (pid {stack.pid}). `make local-down` ends it.")
        if options.port and not stack.aws_endpoint_url.endswith(f":{options.port}"):
            fail(f"it listens at {stack.aws_endpoint_url}, not on port {options.port}")
            return 1
    else:
        try:
            stack = bring_up(state, step, options.port)
        except LOCAL_ERRORS as error:
            fail(str(error))
            return 1
    describe(stack, state)
    return 0


def describe(stack: Stack, state: StateDir) -> None:
    """Print where everything is."""
    rows = {
        "API": stack.base_url,
        "API documentation": f"{stack.base_url}/docs",
        "Sample clips": f"s3://{stack.source_bucket}/{SAMPLES_PREFIX}",
        "Drop bucket": f"s3://{stack.drop_bucket}/",
        "Clips bucket": f"s3://{stack.clips_bucket}/",
        "AWS endpoint": f"{stack.aws_endpoint_url} (key test, secret test, {stack.region})",
    }
    if state.stack_file.exists():
        rows["Keys, names, pid"] = str(state.stack_file)
    for name, value in rows.items():
        console.print(f"  {name:<18} {value}", markup=False)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
