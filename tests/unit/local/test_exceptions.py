"""The names that the emulator gives to calls whose process ended, as the Lambda service does."""

from types import SimpleNamespace
from typing import Any

import pytest

from local.emulated import exceptions
from local.emulated.limits import Limits


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Runtime.HandlerError", "Worker process died"),
        ("RuntimeError", "Worker process exited immediately. stderr: "),
        ("Runtime.HandlerError", "Worker returned no response"),
        ("Runtime.HandlerError", "[Errno 32] Broken pipe"),
        ("BrokenPipeError", "[Errno 32] Broken pipe"),
    ],
)
def test_a_call_whose_process_was_killed_is_an_exit(kind: str, message: str) -> None:
    def execute(_function: object, _event: object, _request_id: str) -> dict[str, Any]:
        return {"body": {"errorType": kind, "errorMessage": message}, "error": True}

    script = exceptions.CALL_FAILED + exceptions.START_FAILED
    runtime = SimpleNamespace(_PYTHON_WORKER_SCRIPT=script, Worker=SimpleNamespace(invoke=None))
    lambdas = SimpleNamespace(_execute_function_warm=execute)
    raised = exceptions.name_exceptions(runtime, lambdas, Limits())
    execute_named = vars(lambdas)["_execute_function_warm"]
    answer = execute_named({"FunctionName": "copy"}, {}, "r-1")
    assert answer["body"]["errorType"] == "Runtime.ExitError"
    assert [call["errorType"] for call in raised.all()] == ["Runtime.ExitError"]
