"""Build the parts of requests, and read answers: what the sync and the async transport share. No I/O."""

import json
import random
import re
import uuid
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx

from clipferry.errors import ApiError, InvalidId, TooLarge, UnexpectedAnswer, kind_of

ATTEMPTS = 5
BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 20.0
MAX_RETRY_AFTER_SECONDS = 60.0
"""If the service asks for a longer pause, the request is not repeated."""
MAX_BODY_BYTES = 10_000_000
"""The limit of API Gateway. A deployment's own limit (`max_body_bytes`) is lower, and the service reports it."""
TIMEOUT = httpx.Timeout(40.0, connect=10.0)
"""Seconds. API Gateway answers within 29 s."""

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
TEMPORARY = {500, 502, 503, 504}
_TAG = re.compile(r"<[^>]*>")


def path_of(*parts: str) -> str:
    """`("imports", id, "clips")` → `/v1/imports/{id}/clips`. Raises `InvalidId`."""
    for part in parts:
        if part in ("", ".", ".."):
            raise InvalidId(f"{part!r} is not an id")
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def backoff(attempt: int) -> float:
    """Seconds before the next attempt: exponential, with full jitter so that many clients do not return at once."""
    return random.uniform(0, min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2 ** (attempt - 1)))


def pause_before_next(refusal: ApiError, attempt: int, repeatable: bool) -> float | None:
    """Seconds before the next attempt; None if there should not be one."""
    # UNKNOWN_ERROR is final: the service has already tried several times to list the prefix.
    temporary = refusal.status in TEMPORARY and refusal.code != "UNKNOWN_ERROR"
    if refusal.status != 429 and not (temporary and repeatable):
        return None
    asked = refusal.retry_after or 0.0
    return asked + backoff(attempt) if asked <= MAX_RETRY_AFTER_SECONDS else None


def encoded(body: object) -> bytes | None:
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


def headers_of(body: object, idempotency_key: str | None) -> dict[str, str]:
    content = {"Content-Type": "application/json"} if body is not None else {}
    return content | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})


def parsed(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        text = f"the answer of {answer.request.url} is not JSON: is the base URL right?"
        raise UnexpectedAnswer(text) from None


def refusal_of(answer: httpx.Response) -> ApiError:
    try:
        said = answer.json()
    except ValueError:
        said = None
    said = said if isinstance(said, dict) else {}
    return kind_of(answer.status_code)(
        status=answer.status_code,
        code=str(said.get("code") or ""),
        # API Gateway itself says `message`.
        message=str(
            said.get("detail")
            or said.get("message")
            or " ".join(_TAG.sub(" ", answer.text[:500]).split())
            or f"the service answered {answer.status_code}"
        ),
        request_id=answer.headers.get("x-amzn-requestid"),
        retry_after=_seconds(answer.headers.get("retry-after", "")),
    )


def _seconds(text: str) -> float | None:
    return float(text) if text.isdecimal() else None


def clock_skew(answer: httpx.Response, now: float) -> float | None:
    """Return the seconds by which `now` (seconds since 1970) is ahead of the answer's `Date`; None without a date."""
    try:
        return now - parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (TypeError, ValueError):
        return None


def no_answer(base_url: str, error: httpx.RequestError, sent: bool, repeatable: bool) -> str:
    doubt = "; the service may have carried out the request" if sent and not repeatable else ""
    return f"no answer from {base_url}: {error or type(error).__name__}{doubt}"


def new_key() -> str:
    """Make an idempotency key. All attempts of one call have the same, so that they have one effect."""
    return uuid.uuid4().hex
