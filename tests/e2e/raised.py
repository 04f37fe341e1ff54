"""Failed calls of the deployed functions: errors that the state machine handles, and bugs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local import aws
from local.stack import Stack
from tests.e2e.faults import control

PROVOKES = "provokes(*names): functions may fail with these errors (`errorType`) during the test"


class Failures:
    """The failed calls of one stack's functions since the last check."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._handled = handled_errors(stack)
        self._seen = len(self._all())

    def unexpected(self, provoked: set[str]) -> list[str]:
        """Return a line for each new failure that is neither `provoked` nor named by the state machine."""
        calls = self._all()
        new, self._seen = calls[self._seen :], len(calls)
        return [described(call) for call in new if call["errorType"] not in self._handled | provoked]

    def _all(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = control(self._stack, "raised")["raised"]
        return listed


def handled_errors(stack: Stack) -> set[str]:
    """Return the exception classes that a Retry or Catch of the deployed machine names; `States.ALL` names none."""
    client = aws.stepfunctions(stack.aws_endpoint_url)
    definition = client.describe_state_machine(stateMachineArn=stack.state_machine_arn)["definition"]
    return {name for name in _named(json.loads(definition)) if not name.startswith("States.")}


def _named(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from part.get("ErrorEquals", [])
        for value in part.values():
            yield from _named(value)
    elif isinstance(part, list):
        for value in part:
            yield from _named(value)


def described(call: dict[str, Any]) -> str:
    """Return a failed call's function, error and last frame."""
    where = "".join(call.get("stackTrace", [])[-1:]).strip()
    return f"{call['handler']}: {call['errorType']}: {call['errorMessage']} {where}"


@pytest.fixture(scope="session")
def failures(stack: Stack) -> Failures:
    return Failures(stack)


@pytest.fixture(autouse=True)
def functions_fail_only_as_expected(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test if a function failed unexpectedly during it or its fixtures."""
    if "stack" not in request.fixturenames:
        yield
        return
    seen: Failures = request.getfixturevalue("failures")
    yield
    marks = request.node.iter_markers("provokes")
    unexpected = seen.unexpected({name for mark in marks for name in mark.args})
    assert not unexpected, "functions failed during this test:\n" + "\n".join(unexpected)
