"""Send requests to one service: typed errors, safe retries, no redirects.

The logger `clipferry` gets each request at level DEBUG: method, URL, status and seconds, without keys and bodies.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from clipferry.config import Profile, is_loopback
from clipferry.errors import ConnectionFailed
from clipferry.version import VERSION
from clipferry.wire import (
    ATTEMPTS,
    NOT_SENT,
    TEMPORARY,
    TIMEOUT,
    backoff,
    clock_skew,
    encoded,
    headers_of,
    no_answer,
    parsed,
    pause_before_next,
    refusal_of,
)

_log = logging.getLogger("clipferry")

Sleep = Callable[[float], Awaitable[object]]


class Transport:
    """The requests of one client. `attempts` is the maximum number of times that one is sent."""

    def __init__(
        self,
        where: Profile,
        *,
        attempts: int = ATTEMPTS,
        timeout: httpx.Timeout = TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.where = where
        self.clock_skew: float | None = None
        """Seconds by which this machine's clock is ahead of the service's, by the last answer. None: not known."""
        self._attempts = attempts
        self._sleep = sleep
        # The proxies of the environment are not for requests to this machine.
        remote = not is_loopback(urlsplit(where.base_url).hostname or "")
        agent = {"User-Agent": f"clipferry-python/{VERSION}", "Accept": "application/json"}
        hooks: dict[str, list[Callable[..., Any]]] = {"request": [_log_request], "response": [_log_answer]}
        self._api = httpx.AsyncClient(
            transport=transport,
            timeout=timeout,
            trust_env=remote,
            event_hooks=hooks,
            headers=agent | {"X-API-Key": where.api_key},
        )
        # Links to files are signed, so these requests must not contain the key.
        self.files = httpx.AsyncClient(
            transport=transport, timeout=timeout, trust_env=remote, event_hooks=hooks, follow_redirects=True
        )

    async def aclose(self) -> None:
        await self._api.aclose()
        await self.files.aclose()

    async def call(
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
            content=encoded(body),
            params={name: str(value) for name, value in (query or {}).items() if value is not None},
            headers=headers_of(body, idempotency_key),
        )
        may_have_worked = False
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            try:
                answer = await self._api.send(request)
            except httpx.RequestError as error:
                sent = not isinstance(error, NOT_SENT)
                may_have_worked |= sent
                if last or (sent and not repeatable):
                    raise ConnectionFailed(no_answer(self.where.base_url, error, sent, repeatable)) from error
                await self._sleep(backoff(attempt))
                continue
            self.clock_skew = clock_skew(answer, time.time())
            if answer.is_success:
                return parsed(answer)
            refusal = refusal_of(answer)
            if method == "DELETE" and answer.status_code == 404 and may_have_worked:
                return None
            pause = pause_before_next(refusal, attempt, repeatable)
            if last or pause is None:
                raise refusal
            may_have_worked |= answer.status_code in TEMPORARY
            await self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")


async def _log_request(request: httpx.Request) -> None:
    request.extensions["clipferry.sent"] = time.monotonic()
    # Only links to files lack the key: their query is a signature, which must not be logged.
    url = request.url if "x-api-key" in request.headers else request.url.copy_with(query=None)
    _log.debug("%s %s", request.method, url)


async def _log_answer(answer: httpx.Response) -> None:
    seconds = time.monotonic() - answer.request.extensions["clipferry.sent"]
    request_id = answer.headers.get("x-amzn-requestid", "none")
    _log.debug("%s after %.2f s, request id %s", answer.status_code, seconds, request_id)
