"""Requests to one service: errors with types, tries that are safe to repeat, no redirects."""

import json
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
"""A service that asks for a longer pause is not waited for."""
MAX_BODY_BYTES = 10_000_000
"""API Gateway takes no more. A deployment takes less (`max_body_bytes`), and says so itself."""
TIMEOUT = httpx.Timeout(40.0, connect=10.0)
"""API Gateway answers within 29 s."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_PASSING = {500, 502, 503, 504}

Sleep = Callable[[float], None]


class Transport:
    """Calls below a base URL. `attempts` is how often a request is sent at most."""

    def __init__(
        self,
        where: Profile,
        *,
        attempts: int = ATTEMPTS,
        transport: httpx.BaseTransport | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self.where = where
        self._attempts = attempts
        self._sleep = sleep
        # Proxies of the environment are for the network, not for this machine.
        remote = not is_loopback(urlsplit(where.base_url).hostname or "")
        agent = {"User-Agent": f"clipferry-python/{VERSION}", "Accept": "application/json"}
        self._api = httpx.Client(
            transport=transport, timeout=TIMEOUT, trust_env=remote, headers=agent | {"X-API-Key": where.api_key}
        )
        # Links to files are signed: the key is nobody's business there.
        self.files = httpx.Client(transport=transport, timeout=TIMEOUT, trust_env=remote, follow_redirects=True)

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
        """The parsed answer, None if it is empty.

        `repeatable`: doing it twice does no more than doing it once, so it is tried again where the first try may have
        worked (no answer, 5xx). What surely did not reach the service, and 429, is tried again in any case.
        Raises `ApiError`, `ConnectionFailed`, `UnexpectedAnswer`.
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
            may_have_worked |= answer.status_code in _PASSING
            self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def path_of(*parts: str) -> str:
    """`("imports", id, "clips")` → `/v1/imports/{id}/clips`. Raises `InvalidId`."""
    for part in parts:
        if part in ("", ".", ".."):
            raise InvalidId(f"{part!r} is no id")
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def backoff(attempt: int) -> float:
    """Seconds before the next try: with full jitter, so that many clients do not come back at once."""
    return random.uniform(0, min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2 ** (attempt - 1)))


def _pause(refusal: ApiError, attempt: int, repeatable: bool) -> float | None:
    """Seconds to the next try; None if there is to be none."""
    # UNKNOWN_ERROR is an answer: the service itself has tried to list the prefix, several times.
    passing = refusal.status in _PASSING and refusal.code != "UNKNOWN_ERROR"
    if refusal.status != 429 and not (passing and repeatable):
        return None
    asked = refusal.retry_after or 0.0
    return asked + backoff(attempt) if asked <= MAX_RETRY_AFTER_SECONDS else None


def _encoded(body: object) -> bytes | None:
    if body is None:
        return None
    content = json.dumps(body, allow_nan=False).encode()
    if len(content) > MAX_BODY_BYTES:
        raise TooLarge(
            status=413,
            code="BODY_TOO_LARGE",
            message=f"the request has {len(content):,} bytes, the limit is {MAX_BODY_BYTES:,}: name the clips in an "
            "object (JSONL or CSV) and import that by manifest_uri",
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
        text = f"{answer.request.url} answered with something that is not JSON: is the base URL right?"
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
    doubt = "; it is not known whether the request was carried out" if sent and not repeatable else ""
    return f"no answer from {base_url}: {error or type(error).__name__}{doubt}"
