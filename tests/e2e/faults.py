"""Fixtures that break the deployed stack in certain ways."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from local import aws
from local.stack import Stack
from tests.e2e.support import eventually

Pause = Callable[[], AbstractContextManager[None]]
Invoke = Callable[[str, dict[str, Any]], Any]
Reconfigure = Callable[..., AbstractContextManager[None]]

RETRY_DELAY_SECONDS = 3.0


def control(stack: Stack, path: str, body: object = None) -> Any:
    """GET `/_clipferry/{path}` of the emulator, or POST `body` to it; return the JSON answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{stack.aws_endpoint_url}/_clipferry/{path}", data=data)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return json.loads(answer.read())


def retry_soon(stack: Stack) -> None:
    """Shorten the state machine's waits to a few seconds; on AWS they are up to half a minute."""
    control(stack, "limits", {"retry_delay_seconds": RETRY_DELAY_SECONDS})


def function_name(client: Any, handler: str) -> str:
    functions = [f for page in client.get_paginator("list_functions").paginate() for f in page["Functions"]]
    name: str
    [name] = [f["FunctionName"] for f in functions if f["Handler"] == handler]
    return name


def deleted_long_ago(dynamodb: Any, stack: Stack, job_id: str) -> None:
    """Make the import look deleted for months, so that the next sweep removes what is left of it."""
    dynamodb.update_item(
        TableName=stack.table_name,
        Key={"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET attention_sk = :then",
        ExpressionAttributeValues={":then": {"S": f"2026-01-01T00:00:00.000Z#{job_id}"}},
    )


def due_now(dynamodb: Any, stack: Stack, job_id: str) -> None:
    """Let an import have waited for its restores long enough, so that the next sweep starts its execution."""
    dynamodb.update_item(
        TableName=stack.table_name,
        Key={"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET resume_at = :then, updated_at = :then",
        ConditionExpression="attribute_exists(resume_at)",
        ExpressionAttributeValues={":then": {"S": "2026-01-01T00:00:00.000Z"}},
    )


@pytest.fixture(scope="session")
def functions(stack: Stack) -> Any:
    """The Lambda client."""
    return aws.session().client("lambda", endpoint_url=stack.aws_endpoint_url, config=aws.CONFIG)


@contextmanager
def reconfigured(client: Any, handler: str, *, timeout: int | None = None, **variables: str) -> Iterator[None]:
    """Give the function another timeout and these environment variables during the block."""
    name = function_name(client, handler)
    before = client.get_function_configuration(FunctionName=name)
    own = before["Environment"]["Variables"]

    def update(seconds: int, environment: dict[str, str]) -> None:
        client.update_function_configuration(FunctionName=name, Timeout=seconds, Environment={"Variables": environment})

    update(timeout or before["Timeout"], own | variables)
    try:
        yield
    finally:
        update(before["Timeout"], own)


def copies_paused(client: Any) -> AbstractContextManager[None]:
    """Let no copy function start during the block: jobs are planned and wait."""
    return copies_limited(client, 0)


def copies_limited(client: Any, at_once: int) -> AbstractContextManager[None]:
    return limited(client, "lambdas.copy.handler", at_once)


@contextmanager
def limited(client: Any, handler: str, at_once: int) -> Iterator[None]:
    """Let so many of these functions run at once: further calls get `TooManyRequestsException` and wait."""
    name = function_name(client, handler)
    before = client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=at_once)
    try:
        yield
    finally:
        if before is None:
            client.delete_function_concurrency(FunctionName=name)
        else:
            client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=before)


@contextmanager
def unscheduled(stack: Stack, client: Any, handler: str) -> Iterator[None]:
    """Let only the test call this function during the block, not its schedule, which comes once a minute."""
    events = aws.session().client("events", endpoint_url=stack.aws_endpoint_url, config=aws.CONFIG)
    name = function_name(client, handler)
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    [rule] = events.list_rule_names_by_target(TargetArn=arn)["RuleNames"]

    def idle() -> bool:
        return not any(one["busy"] for one in control(stack, "processes")["processes"] if one["function"] == name)

    events.disable_rule(Name=rule)
    try:
        eventually(idle, what=f"the end of what {handler} does now")
        yield
    finally:
        events.enable_rule(Name=rule)


@pytest.fixture
def paused_copies(functions: Any) -> Pause:
    return lambda: copies_paused(functions)


@pytest.fixture
def paused_plans(functions: Any) -> Pause:
    """Let nothing be planned: imports are accepted and wait."""
    return lambda: limited(functions, "lambdas.plan.handler", 0)


@pytest.fixture
def wide_window(with_environment: Reconfigure) -> Iterator[None]:
    """Let uploads and events gather for 6 s. In the local stack's 2 s, a busy machine brings few of many together."""
    with with_environment("lambdas.on_upload.handler", CLIPFERRY_UPLOAD_WINDOW_SECONDS="6"):
        yield


@pytest.fixture
def own_ticks(stack: Stack, functions: Any) -> Iterator[None]:
    """Let only the test call the function that looks after watches."""
    with unscheduled(stack, functions, "lambdas.watch.handler"):
        yield


@pytest.fixture
def invoke(functions: Any) -> Invoke:
    """Call a function like the state machine or a schedule; return its answer."""

    def call(handler: str, payload: dict[str, Any]) -> Any:
        name = function_name(functions, handler)
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
        body = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        return body

    return call


@pytest.fixture
def with_environment(functions: Any) -> Reconfigure:
    """Give the functions of these handlers other environment variables during the block."""

    @contextmanager
    def change(*handlers: str, **variables: str) -> Iterator[None]:
        names = [function_name(functions, handler) for handler in handlers]
        before = {name: functions.get_function_configuration(FunctionName=name)["Environment"] for name in names}
        try:
            for name, known in before.items():
                changed = {"Variables": known["Variables"] | variables}
                functions.update_function_configuration(FunctionName=name, Environment=changed)
            yield
        finally:
            for name, known in before.items():
                functions.update_function_configuration(FunctionName=name, Environment=known)

    return change
