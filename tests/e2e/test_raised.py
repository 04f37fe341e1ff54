"""A function that fails unexpectedly fails the test that caused it, and no other."""

import json
from typing import Any

import pytest

from local.stack import Stack
from tests.e2e.faults import function_name
from tests.e2e.raised import Failures, handled_errors

BATCH_OF_NO_JOB = {"batch": {"not": "a batch"}, "attempt": 0, "round": 0}


def call_badly(functions: Any) -> None:
    name = function_name(functions, "lambdas.copy.handler")
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(BATCH_OF_NO_JOB).encode())
    assert json.loads(answer["Payload"].read())["errorType"] == "TypeError"


@pytest.mark.provokes("TypeError")
def test_an_unexpected_error_is_told_with_its_function_and_class(stack: Stack, functions: Any) -> None:
    looked = Failures(stack)
    call_badly(functions)
    [line] = [one for one in looked.unexpected(set()) if one.startswith("lambdas.copy.handler: TypeError: ")]
    assert "handler" in line
    assert looked.unexpected(set()) == [], "told once"


@pytest.mark.provokes("TypeError")
def test_a_provoked_error_is_not_told(stack: Stack, functions: Any) -> None:
    looked = Failures(stack)
    call_badly(functions)
    assert looked.unexpected({"TypeError"}) == []


def test_the_machines_signals_are_expected_and_its_catch_alls_are_not(stack: Stack) -> None:
    assert "States.ALL" not in handled_errors(stack)
    assert "TypeError" not in handled_errors(stack)
