"""The emulator names a function's failure as Lambda does, and Step Functions' Retry and Catch match the name."""

import json

import pytest

from tests.servers.emulated import Emulated, task

RAISING = """
import sys, time

class TryAgain(Exception):
    pass

calls = 0

def handler(event, context):
    global calls
    calls += 1
    what = event.get("what")
    if what == "raise" or calls <= event.get("failures", 0):
        raise TryAgain("not yet")
    if what == "exit":
        sys.exit(1)
    if what == "sleep":
        time.sleep(20)
    return calls
"""


@pytest.fixture(scope="module")
def raising(emulator: Emulated) -> str:
    return emulator.function(RAISING)


def test_an_exception_is_reported_by_its_class_name(emulator: Emulated, raising: str) -> None:
    error, body = emulator.call(raising, {"what": "raise"})
    assert error == "Unhandled"
    assert (body["errorType"], body["errorMessage"]) == ("TryAgain", "not yet")
    assert "raise TryAgain" in "".join(body["stackTrace"])
    assert body["requestId"]


def test_a_process_survives_its_handlers_exception(emulator: Emulated) -> None:
    function = emulator.function(RAISING)
    emulator.call(function, {"what": "raise"})
    emulator.call(function, {"what": "raise"})
    assert emulator.call(function, {}) == (None, 3)


def test_processes_with_the_same_code_read_one_copy_of_it(emulator: Emulated) -> None:
    code = "import os\ndef handler(event, context):\n    return os.path.realpath(os.environ['LAMBDA_TASK_ROOT'])"
    same = {emulator.call(emulator.function(code))[1] for _ in range(2)}
    assert len(same) == 1
    assert emulator.call(emulator.function(code + "\n"))[1] not in same


@pytest.mark.parametrize(
    ("code", "handler", "event", "name"),
    [
        ("import not_there", "main.handler", {}, "Runtime.ImportModuleError"),
        ("def handler(:", "main.handler", {}, "Runtime.UserCodeSyntaxError"),
        ("raise KeyError('x')", "main.handler", {}, "KeyError"),
        (RAISING, "main.nothing", {}, "Runtime.HandlerNotFound"),
        (RAISING, "main.handler", {"what": "exit"}, "Runtime.ExitError"),
        (RAISING, "main.handler", {"what": "sleep"}, "Sandbox.Timedout"),
    ],
)
def test_failures_outside_the_handler_have_lambdas_names(
    emulator: Emulated, code: str, handler: str, event: dict[str, str], name: str
) -> None:
    function = emulator.function(code, handler, Timeout=2)
    error, body = emulator.call(function, event)
    assert (error, body["errorType"]) == ("Unhandled", name)


def test_retry_matches_the_class_name(emulator: Emulated) -> None:
    function = emulator.function(RAISING)
    retry = [{"ErrorEquals": ["TryAgain"], "IntervalSeconds": 1, "MaxAttempts": 3, "MaxDelaySeconds": 1}]
    ended = emulator.run({"Call": task(function, Retry=retry)}, {"failures": 2})
    assert (ended["status"], ended.get("output")) == ("SUCCEEDED", "3")


def test_retry_of_another_name_does_not_match(emulator: Emulated) -> None:
    function = emulator.function(RAISING)
    retry = [{"ErrorEquals": ["Another", "Runtime.HandlerError"], "IntervalSeconds": 1, "MaxAttempts": 3}]
    ended = emulator.run({"Call": task(function, Retry=retry)}, {"failures": 2})
    assert (ended["status"], ended["error"]) == ("FAILED", "TryAgain")
    assert json.loads(ended["cause"])["errorMessage"] == "not yet"


def test_catch_goes_by_the_class_name(emulator: Emulated, raising: str) -> None:
    catch = [
        {"ErrorEquals": ["Another"], "Next": "Wrong"},
        {"ErrorEquals": ["TryAgain"], "Next": "Right", "ResultPath": "$.error"},
    ]
    states = {
        "Call": task(raising, Catch=catch),
        "Wrong": {"Type": "Fail"},
        "Right": {"Type": "Succeed", "OutputPath": "$.error.Error"},
    }
    ended = emulator.run(states, {"what": "raise"})
    assert (ended["status"], ended.get("output")) == ("SUCCEEDED", '"TryAgain"')


def test_a_task_that_outlasts_its_time_is_states_timeout(emulator: Emulated, raising: str) -> None:
    ended = emulator.run({"Call": task(raising, TimeoutSeconds=1)}, {"what": "sleep"})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")


def test_a_throttled_function_is_lambdas_exception(emulator: Emulated) -> None:
    function = emulator.function(RAISING)
    emulator.client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    catch = [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "Next": "Waited"}]
    ended = emulator.run({"Call": task(function, Catch=catch), "Waited": {"Type": "Succeed"}})
    assert ended["status"] == "SUCCEEDED"


@pytest.mark.parametrize("name", ["States.Runtime", "States.DataLimitExceeded"])
def test_states_all_does_not_catch_what_ends_an_execution(emulator: Emulated, name: str) -> None:
    function = emulator.function(f"def handler(event, context):\n    raise type({name!r}, (Exception,), {{}})('ends')")
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    ended = emulator.run({"Call": task(function, Catch=catch), "Caught": {"Type": "Succeed"}})
    assert (ended["status"], ended["error"]) == ("FAILED", name)


def test_failures_are_listed_with_their_function(emulator: Emulated) -> None:
    function = emulator.function(RAISING)
    emulator.call(function, {"what": "raise"})
    emulator.call(function, {})
    listed = [one for one in emulator.ask("/_clipferry/raised")["raised"] if one["function"] == function]
    assert [(one["handler"], one["errorType"]) for one in listed] == [("main.handler", "TryAgain")]
