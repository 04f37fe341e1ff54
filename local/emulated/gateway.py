"""Make REST APIs answer as API Gateway's do: its limits, what an error may tell, and compression.

The answers are those of the API's own gateway responses: 413 (`REQUEST_TOO_LARGE`) and 504 (`INTEGRATION_TIMEOUT`). A
function that fails, or answers with more than Lambda allows, is a 502 that says nothing of the error.
"""

import asyncio
import gzip
import json
from contextvars import ContextVar
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

    async def compressed_proxy(integration: dict[str, Any], api_id: str, *args: Any, **options: Any) -> Any:
        answer = await invoke_proxy(integration, api_id, *args, **options)
        if type(answer) is not tuple:  # an error of the gateway itself, which becomes a gateway response later
            return answer
        api = gateway._rest_apis.get_scoped(options["owner_account_id"], options["owner_region"], api_id)
        smallest = api.get("minimumCompressionSize")
        return compressed(*answer, accepted=args[5].get("accept-encoding", ""), smallest=smallest)

    gateway._invoke_lambda_proxy_v1, gateway._call_lambda_raw = compressed_proxy, call_lambda
    gateway._lambda_proxy_response = proxy_response


def use_the_authorizers_keys(gateway: Any) -> None:
    """Take the usage plan's key from the authorizer's answer (`usageIdentifierKey`) if the API says so.

    The emulator reads `x-api-key` only. Changes its `apigateway_v1`.
    """
    authorize, ask, sent = (
        gateway._authorize_request_v1,
        gateway._invoke_authorizer_lambda,
        gateway._api_key_from_request,
    )
    named: ContextVar[str | None] = ContextVar("usage_identifier_key", default=None)
    """The key of the request that this task serves. None: the request's own header counts."""

    async def ask_authorizer(*args: Any, **options: Any) -> Any:
        result = await ask(*args, **options)
        answer = (result or {}).get("body")
        if named.get() is not None and isinstance(answer, dict):
            named.set(str(answer.get("usageIdentifierKey") or ""))
        return result

    async def authorize_request(api_id: str, *args: Any, **options: Any) -> Any:
        account, region = args[-2:]
        api = gateway._rest_apis.get_scoped(account, region, api_id) or {}
        named.set("" if api.get("apiKeySource") == "AUTHORIZER" else None)
        return await authorize(api_id, *args, **options)

    def key_of_request(headers: Any) -> Any:
        key = named.get()
        return sent(headers) if key is None else key

    gateway._authorize_request_v1, gateway._invoke_authorizer_lambda = authorize_request, ask_authorizer
    gateway._api_key_from_request = key_of_request


def compressed(
    status: int, headers: dict[str, Any], body: bytes, *, accepted: str, smallest: int | None
) -> tuple[int, dict[str, Any], bytes]:
    """Compress an answer of at least `smallest` bytes for a client that accepts gzip ("payload compression").

    An answer without content loses the content type that the emulator gives to every answer.
    """
    if status in (204, 304):
        return status, {name: value for name, value in headers.items() if name.lower() != "content-type"}, b""
    if smallest is None or len(body) < smallest or not _accepts_gzip(accepted):
        return status, headers, body
    return status, headers | {"Content-Encoding": "gzip"}, gzip.compress(body, 6, mtime=0)


def _accepts_gzip(accepted: str) -> bool:
    """`accepted` is an `Accept-Encoding` header: `gzip;q=0` refuses it."""
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() in ("gzip", "*") and quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            return True
    return False


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
