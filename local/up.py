"""`make local`: start the emulator, deploy, put the sample clips in, make a project key."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from local import aws, deploy, emulator, faults, process
from local.api import Api, ApiError
from local.config import (
    DEFAULT_STATE,
    DEPLOY_CONTEXT,
    FORBIDDEN_BUCKET,
    PROJECT,
    REGION,
    SAMPLES_PREFIX,
    SOURCE_BUCKET,
    StateDir,
    isolate_process,
)
from local.console import console, fail, step
from local.down import bring_down
from local.enter import way_in
from local.process import ServerError, port_number
from local.samples import fill_buckets
from local.stack import Stack

Step = Callable[[str], AbstractContextManager[None]]
"""Announces a step of the work while it runs; `console.step` prints it."""

FIRST_CALL_SECONDS = 120.0
LOCAL_ERRORS = (ServerError, deploy.DeployError, ApiError)


@dataclass(frozen=True, kw_only=True)
class StackOptions:
    """How a local stack differs from the plain one."""

    port: int | None = None
    """The emulator's; None: a free one."""
    rules: list[dict[str, Any]] | None = None
    """Rules of a fault-injecting proxy between the functions and the emulator (microburst's format); None: no proxy."""
    faults_port: int | None = None
    """The proxy's; None: a free one."""
    enforce_roles: bool = False
    """Whether every call of a function is checked against its role's policies, once all is deployed."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Settings of the deployment besides `DEPLOY_CONTEXT`."""


def running(state: StateDir) -> Stack | None:
    """The stack of this state folder, if its emulator is alive and answers."""
    found = emulator.recorded(state)
    if found is None or not process.healthy(found, emulator.HEALTH):
        return None
    try:
        stack = Stack.read(state.stack_file)
    except (OSError, ValueError):
        return None
    return stack if stack.pid == found.pid else None


def bring_up(state: StateDir, announce: Step, options: StackOptions | None = None) -> Stack:
    """Start and fill a new stack. If anything stops it half-way, no process is left running."""
    options = options or StackOptions()
    state.path.mkdir(parents=True, exist_ok=True)
    state.stack_file.unlink(missing_ok=True)
    state.deploy_log.unlink(missing_ok=True)
    bring_down(state)
    try:
        stack = _start_and_deploy(state, announce, options)
        if options.enforce_roles:
            with announce("Enforce the functions' roles"):
                deploy.enforce_roles(stack.aws_endpoint_url)
        if stack.faults_url and options.rules:
            with announce(f"Load {len(options.rules)} fault rules"):
                faults.set_rules(stack.faults_url, options.rules)
        stack.write(state.stack_file)
        stack.write_profile(state.profiles_file)
    except BaseException:
        bring_down(state)
        raise
    return stack


def _start_and_deploy(state: StateDir, announce: Step, options: StackOptions) -> Stack:
    proxy_port = None if options.rules is None else options.faults_port or process.free_port()
    proxy_url = f"http://{process.HOST}:{proxy_port}" if proxy_port else None
    with announce("Start the AWS emulator"):
        server = emulator.start(state, options.port, functions_endpoint=proxy_url)
    if proxy_port:
        with announce("Start the fault-injecting proxy"):
            faults.start(state, server.url, proxy_port)
    with announce("Bootstrap the CDK"):
        deploy.bootstrap(state, server.url)
    with announce("Deploy Clipferry (cdk deploy)"):
        outputs = deploy.deploy(state, server.url, {**DEPLOY_CONTEXT, **options.context})
    with announce("Upload the sample clips, create a project key"):
        fill_buckets(aws.s3(server.url))
        admin_key = aws.secrets(server.url).get_secret_value(SecretId=outputs.admin_secret_arn)["SecretString"]
        key = _project_key(Api(outputs.base_url, admin_key))
    return Stack(
        base_url=outputs.base_url,
        dashboard_url=f"{outputs.base_url}/app/",
        api_key=key,
        admin_key=admin_key,
        project=PROJECT,
        source_bucket=SOURCE_BUCKET,
        drop_bucket=outputs.drop_bucket,
        clips_bucket=outputs.clips_bucket,
        aws_endpoint_url=server.url,
        region=REGION,
        pid=server.pid,
        forbidden_bucket=FORBIDDEN_BUCKET,
        state_bucket=outputs.state_bucket,
        table_name=outputs.table_name,
        state_machine_arn=outputs.state_machine_arn,
        upload_queue_url=outputs.upload_queue_url,
        upload_dlq_url=outputs.upload_dlq_url,
        faults_url=proxy_url,
        roles_enforced=options.enforce_roles,
    )


def _project_key(admin: Api) -> str:
    """A new key of the project. The functions start for the first time here, on a busy machine too slowly for once."""
    until = time.monotonic() + FIRST_CALL_SECONDS
    while True:
        try:
            return str(admin.call("POST", "/v1/keys", body={"project": PROJECT, "name": "local"})["key"])
        except ApiError as error:
            if error.status < 500 or time.monotonic() > until:
                raise


def end_on_sigterm() -> None:
    """Make SIGTERM the same as Ctrl-C, so that clean-up runs (pytest, too, ends at a KeyboardInterrupt)."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", help="the emulator's port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--faults", type=Path, help="put a fault-injecting proxy with these rules before the emulator")
    parser.add_argument("--faults-port", help="the proxy's port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--auth", action="store_true", help="enforce the functions' roles once all is deployed")
    parser.add_argument(
        "--state", type=Path, default=DEFAULT_STATE, help="the folder that the stack keeps its files in"
    )
    arguments = parser.parse_args()
    isolate_process()
    end_on_sigterm()
    state = StateDir(arguments.state.resolve())
    try:
        options = StackOptions(
            port=port_number(arguments.port) if arguments.port else None,
            rules=faults.read_rules(arguments.faults) if arguments.faults else None,
            faults_port=port_number(arguments.faults_port) if arguments.faults_port else None,
            enforce_roles=arguments.auth,
        )
        stack = running(state)
        if stack is None:
            stack = bring_up(state, step, options)
        else:
            console.print(f"A local stack is running already (pid {stack.pid}). `make local-down` ends it.")
            _check_same(stack, options)
    except LOCAL_ERRORS as error:
        fail(str(error))
        return 1
    describe(stack, state)
    return 0


def _check_same(stack: Stack, options: StackOptions) -> None:
    """Raises `ServerError` if the running stack is not what the options ask for."""
    if options.port and not stack.aws_endpoint_url.endswith(f":{options.port}"):
        raise ServerError(f"it listens at {stack.aws_endpoint_url}, not on port {options.port}")
    if options.rules is not None and not stack.faults_url:
        raise ServerError("it has no fault-injecting proxy; end it first")
    if options.rules is not None and stack.faults_url:
        faults.set_rules(stack.faults_url, options.rules)
    if options.enforce_roles and not stack.roles_enforced:
        raise ServerError("it does not enforce the functions' roles; end it first")


def describe(stack: Stack, state: StateDir) -> None:
    """Print where everything is. The dashboard's link signs in by itself, once."""
    rows = {
        "Dashboard": way_in(stack),
        "API": stack.base_url,
        "API documentation": f"{stack.base_url}/docs",
        "Sample clips": f"s3://{stack.source_bucket}/{SAMPLES_PREFIX}",
        "Drop bucket": f"s3://{stack.drop_bucket}/",
        "Clips bucket": f"s3://{stack.clips_bucket}/",
        "AWS endpoint": f"{stack.aws_endpoint_url} (key test, secret test, {stack.region})",
    }
    if stack.faults_url:
        rows["Faults"] = f"{stack.faults_url}/_microburst/rules"
    if state.stack_file.exists():
        rows["Keys, names, pid"] = str(state.stack_file)
        rows["Command line"] = f"export CLIPFERRY_CONFIG={state.profiles_file}"
        rows["or with a key"] = f"clipferry login --base-url {stack.base_url}"
    for name, value in rows.items():
        console.print(f"  {name:<18} {value}", markup=False)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
