"""Give every answer its security headers, and the public pages those for caches."""

import hashlib
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel

from service.support.response_headers import SECURITY_HEADERS

MAX_ANSWER_BYTES = 5_500_000
"""Bytes of a list's answer, as a JSON string in which every character that is not ASCII is escaped: so a function's
runtime may send it. Lambda allows 6 MB (6,291,556 bytes), which hold headers too."""

MAX_AGE_SECONDS = 3_600
"""How long a browser may keep the documentation without asking again."""


EXPOSED = "Content-Disposition, ETag, Retry-After"
"""Headers that a page of another origin may read."""


def secured(answer: dict[str, Any], *, origin: str | None = None) -> dict[str, Any]:
    """Add the headers that `answer`, as a function returns it to API Gateway, does not have yet.

    `origin`: a page of this origin may read the answer.
    """
    headers = {name: [value] for name, value in (answer.get("headers") or {}).items()}
    headers |= answer.get("multiValueHeaders") or {}
    present = {name.lower() for name in headers}
    headers |= {name: [value] for name, value in SECURITY_HEADERS.items() if name.lower() not in present}
    if origin:
        headers |= {
            "Access-Control-Allow-Origin": [origin],
            "Access-Control-Expose-Headers": [EXPOSED],
            "Vary": ["Origin, Accept-Encoding"],
        }
    return {**{name: value for name, value in answer.items() if name != "headers"}, "multiValueHeaders": headers}


def cached(
    content_type: str, body: str, etag: str, headers: Mapping[str, str], *, policy: str | None = None
) -> Response[str]:
    """A public page that is the same for everyone until the next deployment; 304 if the caller has it already."""
    kept = {"Cache-Control": f"public, max-age={MAX_AGE_SECONDS}", "ETag": etag, "Vary": "Accept-Encoding"}
    if policy:
        kept["Content-Security-Policy"] = policy
    known = next((value for name, value in headers.items() if name.lower() == "if-none-match"), "")
    if known.strip() == "*" or etag in (one.strip() for one in known.split(",")):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=kept, body="")
    return Response(status_code=HTTPStatus.OK, content_type=content_type, headers=kept, body=body)


def etag_of(body: str) -> str:
    """Weak, because API Gateway may compress the body."""
    return f'W/"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'


Shown = TypeVar("Shown", bound=BaseModel)


def fitting(read: Callable[[int], Shown], limit: int) -> Shown:
    """The page of up to `limit` items that `read` gives, or of fewer, so that it fits `MAX_ANSWER_BYTES`.

    A page that does not fit is read again with a smaller limit, so its cursor is right whatever the list is.
    """
    while True:
        page = read(limit)
        size = size_of(page)
        if size <= MAX_ANSWER_BYTES or limit == 1:
            return page
        limit = max(1, min(limit - 1, limit * MAX_ANSWER_BYTES * 9 // (size * 10)))


def size_of(shown: BaseModel) -> int:
    """Bytes that the answer takes in what the function returns."""
    return len(json.dumps(shown.model_dump_json(by_alias=True)))


def in_utf8(content: Any) -> str:
    """JSON without escapes, as API Gateway sends it to the caller."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
