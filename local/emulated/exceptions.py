"""Report a handler's exception by its class name, as the Lambda service does, and keep a list of all failures.

The emulator reports every exception as `Runtime.HandlerError`, so Retry and Catch by name never match. It also ends the
worker process after each exception; AWS keeps it, and so do we.
"""

import itertools
import json
import threading
import time
from typing import Any

from local.emulated.limits import Limits

CALL_FAILED = 'json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()})'
_CALL_RAISED = (
    'json.dumps({"status": "ok", "raised": {"errorMessage": str(e), "errorType": type(e).__name__, '
    '"stackTrace": traceback.format_tb(e.__traceback__)[1:]}})'
)
START_FAILED = 'json.dumps({"status": "error", "error": str(e)})'
_START_RAISED = 'json.dumps({"status": "error", "error": type(e).__name__ + ": " + str(e)})'

_START_PREFIX = "Worker init failed: "
_START_TYPES = {
    "ImportError": "Runtime.ImportModuleError",
    "ModuleNotFoundError": "Runtime.ImportModuleError",
    "SyntaxError": "Runtime.UserCodeSyntaxError",
    "AttributeError": "Runtime.HandlerNotFound",
}
"""AWS's names for exceptions that keep a module from loading; others keep their class name."""
_PROCESS_ENDED = (
    "Worker process died",
    "Worker process exited immediately",
    "Worker returned no response",
    "[Errno 32] Broken pipe",  # it ended before it had read its code's place, or the event
)


class Raised:
    """All failed calls of functions since the emulator started, in order. Throttled calls are not among them."""

    def __init__(self) -> None:
        self._calls: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def add(self, function: str, handler: str, request_id: str, body: dict[str, Any]) -> None:
        with self._lock:
            record = {"number": next(self._numbers), "time": time.time(), "function": function, "handler": handler}
            self._calls.append(record | {"request_id": request_id, **body})

    def all(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._calls)


def name_exceptions(runtime: Any, lambdas: Any, limits: Limits) -> Raised:
    """Change `lambda_runtime` and `lambda_svc`; returns the list that failures are added to.

    An answer larger than `limits.function_answer_bytes` is a failure too: `Function.ResponseSizeTooLarge`.
    """
    runtime._PYTHON_WORKER_SCRIPT = _changed(runtime._PYTHON_WORKER_SCRIPT)
    raised, answered = Raised(), threading.local()
    invoke_worker, execute = runtime.Worker.invoke, lambdas._execute_function_warm

    def invoke(worker: Any, *args: Any, **options: Any) -> Any:
        answered.response = invoke_worker(worker, *args, **options)
        return answered.response

    def execute_named(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        answered.response = {}
        result = execute(func, event, request_id)
        if result.get("throttle"):
            return result  # type: ignore[no-any-return]
        body = _failure(result, answered.response.get("raised"), request_id, limits)
        if body is None:
            return result  # type: ignore[no-any-return]
        config = func.get("config") or func
        raised.add(config.get("FunctionName", ""), config.get("Handler", ""), request_id, body)
        log = "\n".join([result.get("log") or "", f"[ERROR] {json.dumps(body)}"]).strip()
        return {"body": body, "error": True, "log": log}

    runtime.Worker.invoke, lambdas._execute_function_warm = invoke, execute_named
    return raised


def _changed(script: str) -> str:
    """The worker's script with both places that report an exception changed. The emulator's version is pinned."""
    for old, new in ((CALL_FAILED, _CALL_RAISED), (START_FAILED, _START_RAISED)):
        if script.count(old) != 1:
            raise RuntimeError(f"the emulator's worker script has changed: {old} is not in it once")
        script = script.replace(old, new)
    return script


def _failure(result: dict[str, Any], raised: Any, request_id: str, limits: Limits) -> dict[str, Any] | None:
    """The error object that Lambda answers with (`errorType`, `errorMessage`, …), or None if the call succeeded."""
    if isinstance(raised, dict):
        return {**raised, "requestId": request_id}
    body = result.get("body")
    if not result.get("error"):
        # As the Python runtime serializes it from Python 3.12 on.
        size = len(json.dumps(body, ensure_ascii=False).encode(errors="replace"))
        if size <= limits.function_answer_bytes:
            return None
        text = f"Response payload size exceeded maximum allowed payload size ({limits.function_answer_bytes} bytes)."
        return {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": text}
    if not isinstance(body, dict):
        return {"errorType": "Runtime.Unknown", "errorMessage": str(body)}
    message = str(body.get("errorMessage", ""))
    if message.startswith(_PROCESS_ENDED):
        return {
            "errorType": "Runtime.ExitError",
            "errorMessage": f"RequestId: {request_id} Error: Runtime exited without providing a reason",
        }
    if message.startswith(_START_PREFIX):
        kind, _, text = message.removeprefix(_START_PREFIX).partition(": ")
        return {"errorType": _START_TYPES.get(kind, kind), "errorMessage": text, "requestId": request_id}
    return body
