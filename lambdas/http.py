"""Turn domain errors into HTTP answers of the shape `{"detail", "code"}`, by one table."""

import json
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from service.domain import errors

STATUS: dict[type[errors.ClipferryError], HTTPStatus] = {
    errors.InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidCursor: HTTPStatus.BAD_REQUEST,
    errors.BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.FolderExists: HTTPStatus.CONFLICT,
    errors.NotSupported: HTTPStatus.NOT_IMPLEMENTED,
    errors.IdempotencyConflict: HTTPStatus.CONFLICT,
    errors.AlreadyEnded: HTTPStatus.CONFLICT,
    errors.NotEnded: HTTPStatus.CONFLICT,
    errors.ReportPending: HTTPStatus.CONFLICT,
    errors.NoWebhook: HTTPStatus.CONFLICT,
    errors.NothingToRetry: HTTPStatus.CONFLICT,
    errors.CannotAccess: HTTPStatus.FORBIDDEN,
    errors.LimitExceeded: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PreflightUnknown: HTTPStatus.BAD_GATEWAY,
    errors.SourceUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TableBusy: HTTPStatus.SERVICE_UNAVAILABLE,
}


RETRY_AFTER: dict[type[errors.ClipferryError], int] = {
    errors.ReportPending: 5,
    errors.SourceUnavailable: 5,
    errors.TableBusy: 5,
}
"""Seconds after which callers may try again, for errors that pass."""


def retry_after_of(error: errors.ClipferryError) -> int | None:
    return next((RETRY_AFTER[kind] for kind in type(error).__mro__ if kind in RETRY_AFTER), None)


def status_of(error: errors.ClipferryError) -> HTTPStatus:
    """The status of the error's nearest class in the table; 500 for internal errors."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), HTTPStatus.INTERNAL_SERVER_ERROR)


def error_response(status: HTTPStatus, code: str, detail: str, *, retry_after: int | None = None) -> Response[Any]:
    return Response(
        status_code=status,
        content_type="application/json",
        headers={"Retry-After": str(retry_after)} if retry_after else None,
        body=json.dumps({"detail": detail, "code": code}),
    )


def parse_json(text: str) -> Any:
    """Parse a body. Raises `JSONDecodeError`, also where Python's own limits stop the parser."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        raise json.JSONDecodeError(str(error), text[:100], 0) from error


def validation_detail(found: list[dict[str, Any]]) -> str:
    """One sentence with the first three validation errors, each with its place in the request."""
    if found[0]["type"] == "json_invalid":
        return f"the body is not JSON: {found[0]['ctx']['error']} at character {found[0]['loc'][-1]}"
    shown = [f"{_place(error['loc'])}: {error['msg']}" for error in found[:3]]
    more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
    return "; ".join(shown) + more


def _place(location: tuple[str | int, ...]) -> str:
    """`("body", "exact_paths", 3)` → `exact_paths[3]`."""
    path = ""
    for step in location[1:] if len(location) > 1 else location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path
