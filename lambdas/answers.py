"""Give every answer its security headers, and the public pages those for caches."""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from service.support.response_headers import SECURITY_HEADERS

MAX_AGE_SECONDS = 3_600
"""How long a browser may keep the documentation without asking again."""


def secured(answer: dict[str, Any]) -> dict[str, Any]:
    """Add the headers that `answer`, as a function returns it to API Gateway, does not have yet."""
    headers = {name: [value] for name, value in (answer.get("headers") or {}).items()}
    headers |= answer.get("multiValueHeaders") or {}
    present = {name.lower() for name in headers}
    headers |= {name: [value] for name, value in SECURITY_HEADERS.items() if name.lower() not in present}
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
