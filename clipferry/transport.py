"""Send requests to one service: typed errors, safe retries, no redirects.

The logger `clipferry` gets each request at level DEBUG: method, URL, status and seconds, without keys and bodies.
"""

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from clipferry.config import Profile, is_loopback
from clipferry.errors import ApiError, ConnectionFailed, InvalidId, TooLarge, UnexpectedAnswer, kind_of
from clipferry.version import VERSION

ATTEMPTS = 5
BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 20.0
MAX_RETRY_AFTER_SECONDS = 60.0
"""If the service asks for a longer pause, the request is not repeated."""
MAX_BODY_BYTES = 10_000_000
"""The limit of API Gateway. A deployment's own limit (`max_body_bytes`) is lower, and the service reports it."""
TIMEOUT = httpx.Timeout(40.0, connect=10.0)
"""Seconds. API Gateway answers within 29 s."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_TEMPORARY = {500, 502, 503, 504}
_log = logging.getLogger("clipferry")

Sleep = Callable[[float], None]


class Transport:
    """The requests of one client. `attempts` is the maximum number of times that one is sent."""

    def __init__(
        self,
        where: Profile,
        *,
        attempts: int = ATTEMPTS,
        timeout: httpx.Timeout = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self.where = where
        self._attempts = attempts
        self._sleep = sleep
        # The proxies of the environment are not for requests to this machine.
        remote = not is_loopback(urlsplit(where.base_url).hostname or "")
        agent = {"User-Agent": f"clipferry-python/{VERSION}", "Accept": "application/json"}
        hooks: dict[str, list[Callable[..., Any]]] = {"request": [_log_request], "response": [_log_answer]}
        self._api = httpx.Client(
            transport=transport,
            timeout=timeout,
            trust_env=remote,
            event_hooks=hooks,
            headers=agent | {"X-API-Key": where.api_key},
        )
        # Links to files are signed, so these requests must not contain the key.
        self.files = httpx.Client(
            transport=transport, timeout=timeout, trust_env=remote, event_hooks=hooks, follow_redirects=True
        )

    def close(self) -> None:
        self._api.close()
        self.files.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        repeatable: bool,
        body: object = None,
        query: Mapping[str, object] | None = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Send a request and return the answer's JSON, or None if it is empty.

        `repeatable`: sending it twice has the same effect as sending it once, so it is sent again if the service may
        have carried it out (no answer, 5xx). A request that did not reach the service is always sent again, as is one
        that was answered with 429. Raises `ApiError`, `ConnectionFailed`, `UnexpectedAnswer`.
        """
        request = self._api.build_request(
            method,
            self.where.base_url + path,
            content=_encoded(body),
            params={name: str(value) for name, value in (query or {}).items() if value is not None},
            headers=_headers(body, idempotency_key),
        )
        may_have_worked = False
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            try:
                answer = self._api.send(request)
            except httpx.RequestError as error:
                sent = not isinstance(error, _NOT_SENT)
                may_have_worked |= sent
                if last or (sent and not repeatable):
                    raise ConnectionFailed(_no_answer(self.where.base_url, error, sent, repeatable)) from error
                self._sleep(backoff(attempt))
                continue
            if answer.is_success:
                return _parsed(answer)
            refusal = _refusal(answer)
            if method == "DELETE" and answer.status_code == 404 and may_have_worked:
                return None
            pause = _pause(refusal, attempt, repeatable)
            if last or pause is None:
                raise refusal
            may_have_worked |= answer.status_code in _TEMPORARY
            self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def path_of(*parts: str) -> str:
    """`("imports", id, "clips")` → `/v1/imports/{id}/clips`. Raises `InvalidId`."""
    for part in parts:
        if part in ("", ".", ".."):
            raise InvalidId(f"{part!r} is no id")
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def backoff(attempt: int) -> float:
    """Seconds before the next attempt: exponential, with full jitter so that many clients do not return at once."""
    return random.uniform(0, min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2 ** (attempt - 1)))


def _pause(refusal: ApiError, attempt: int, repeatable: bool) -> float | None:
    """Seconds before the next attempt; None if there should not be one."""
    # UNKNOWN_ERROR is final: the service has already tried several times to list the prefix.
    temporary = refusal.status in _TEMPORARY and refusal.code != "UNKNOWN_ERROR"
    if refusal.status != 429 and not (temporary and repeatable):
        return None
    asked = refusal.retry_after or 0.0
    return asked + backoff(attempt) if asked <= MAX_RETRY_AFTER_SECONDS else None


def _log_request(request: httpx.Request) -> None:
    request.extensions["clipferry.sent"] = time.monotonic()
    # Only links to files lack the key: their query is a signature, which must not be logged.
    url = request.url if "x-api-key" in request.headers else request.url.copy_with(query=None)
    _log.debug("%s %s", request.method, url)


def _log_answer(answer: httpx.Response) -> None:
    seconds = time.monotonic() - answer.request.extensions["clipferry.sent"]
    request_id = answer.headers.get("x-amzn-requestid", "none")
    _log.debug("%s after %.2f s, request id %s", answer.status_code, seconds, request_id)


def _encoded(body: object) -> bytes | None:
    if body is None:
        return None
    content = json.dumps(body, allow_nan=False).encode()
    if len(content) > MAX_BODY_BYTES:
        raise TooLarge(
            status=413,
            code="BODY_TOO_LARGE",
            message=f"the request has {len(content):,} bytes, the limit is {MAX_BODY_BYTES:,}: write the URIs to an "
            "object (JSONL or CSV), and import it with manifest_uri",
        )
    return content


def _headers(body: object, idempotency_key: str | None) -> dict[str, str]:
    content = {"Content-Type": "application/json"} if body is not None else {}
    return content | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})


def _parsed(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        text = f"the answer of {answer.request.url} is not JSON: is the base URL right?"
        raise UnexpectedAnswer(text) from None


def _refusal(answer: httpx.Response) -> ApiError:
    try:
        said = answer.json()
    except ValueError:
        said = None
    said = said if isinstance(said, dict) else {}
    return kind_of(answer.status_code)(
        status=answer.status_code,
        code=str(said.get("code") or ""),
        message=str(said.get("detail") or answer.text[:500] or f"the service answered {answer.status_code}"),
        request_id=answer.headers.get("x-amzn-requestid"),
        retry_after=_seconds(answer.headers.get("retry-after", "")),
    )


def _seconds(text: str) -> float | None:
    return float(text) if text.isdecimal() else None


def _no_answer(base_url: str, error: httpx.RequestError, sent: bool, repeatable: bool) -> str:
    doubt = "; the service may have carried out the request" if sent and not repeatable else ""
    return f"no answer from {base_url}: {error or type(error).__name__}{doubt}"
