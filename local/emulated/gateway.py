"""Enforce API Gateway's limits on REST APIs: request size, function payload size, time, and what an error may tell.

The answers are those of the API's own gateway responses: 413 (`REQUEST_TOO_LARGE`) and 504 (`INTEGRATION_TIMEOUT`). A
function that fails, or answers with more than Lambda allows, is a 502 that says nothing of the error.
"""

import asyncio
import json
from typing import Any

from local.emulated.limits import Limits

_TOO_LARGE = "Request Too Long"
_TIMED_OUT = "Endpoint request timed out"
_FAILED = "Internal server error"


class _PayloadTooLarge(Exception):
    """Lambda refuses the event that the gateway made of the request."""


def limit_gateway(gateway: Any, limits: Limits) -> None:
    """Change the emulator's `apigateway_v1`."""
    invoke, call, shape = gateway._invoke_lambda_proxy_v1, gateway._call_lambda_raw, gateway._lambda_proxy_response

    unattended: set[asyncio.Future[Any]] = set()

    async def call_lambda(function: Any, event: Any, **options: Any) -> Any:
        if len(json.dumps(event, ensure_ascii=False).encode(errors="replace")) > limits.function_request_bytes:
            raise _PayloadTooLarge
        return await call(function, event, **options)

    def proxy_response(result: dict[str, Any]) -> Any:
        response, error = shape(result)
        return response, error and _FAILED

    async def invoke_proxy(integration: dict[str, Any], *args: Any, **options: Any) -> Any:
        body = args[7]
        if len(body or b"") > limits.gateway_request_bytes:
            return gateway._gw_error("REQUEST_TOO_LARGE", _TOO_LARGE)
        seconds = min(limits.gateway_seconds, int(integration.get("timeoutInMillis") or 29_000) / 1000)
        # Not cancelled when its time is up: the function works on, as on AWS.
        running = asyncio.ensure_future(invoke(integration, *args, **options))
        done, _ = await asyncio.wait({running}, timeout=seconds)
        if not done:
            unattended.add(running)
            running.add_done_callback(forget)
            return gateway._gw_error("INTEGRATION_TIMEOUT", _TIMED_OUT)
        try:
            return running.result()
        except _PayloadTooLarge:
            return gateway._gw_error("REQUEST_TOO_LARGE", _TOO_LARGE)

    def forget(task: asyncio.Future[Any]) -> None:
        unattended.discard(task)
        task.exception()  # Nobody waits for it any more.

    gateway._invoke_lambda_proxy_v1, gateway._call_lambda_raw = invoke_proxy, call_lambda
    gateway._lambda_proxy_response = proxy_response


def limit_invoke(lambdas: Any, limits: Limits) -> None:
    """Refuse a synchronous Invoke with a larger payload, as the Lambda API does. Changes `lambda_svc`."""
    handle = lambdas.handle_request

    async def handle_request(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        if method == "POST" and path.endswith("/invocations") and len(body or b"") > limits.function_request_bytes:
            text = (
                f"Request must be smaller than {limits.function_request_bytes} bytes for the InvokeFunction operation"
            )
            return lambdas.error_response_json("RequestEntityTooLargeException", text, 413)
        return await handle(method, path, headers, body, query)

    lambdas.handle_request = handle_request
