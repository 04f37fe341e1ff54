"""Turn errors into HTTP answers: one table from domain error to status, and one shape, `{"detail", "code"}`."""

import json
from collections.abc import Collection
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
    errors.ClipNotThere: HTTPStatus.CONFLICT,
    errors.NotEnded: HTTPStatus.CONFLICT,
    errors.ReportPending: HTTPStatus.CONFLICT,
    errors.NoWebhook: HTTPStatus.CONFLICT,
    errors.NothingToRetry: HTTPStatus.CONFLICT,
    errors.WatchChanged: HTTPStatus.CONFLICT,
    errors.UploadIncomplete: HTTPStatus.CONFLICT,
    errors.UploadGone: HTTPStatus.NOT_FOUND,
    errors.CannotAccess: HTTPStatus.FORBIDDEN,
    errors.LimitExceeded: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PreflightUnknown: HTTPStatus.BAD_GATEWAY,
    **dict.fromkeys(errors.SOURCE_UNFIT, HTTPStatus.UNPROCESSABLE_ENTITY),
    errors.SourceUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ServiceBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TableBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.QuotaExceeded: HTTPStatus.TOO_MANY_REQUESTS,
}


MAX_DETAIL = 2_000
"""Characters of an error's text. Longer ones are cut, since most of it came with the request."""
MAX_NAME = 100
"""Characters of a name out of the request (a field, a path) in an error's text."""

RETRY_AFTER: dict[type[errors.ClipferryError], int] = {
    errors.ReportPending: 5,
    errors.SourceUnavailable: 5,
    errors.ServiceBusy: 5,
    errors.TableBusy: 5,
    errors.QuotaExceeded: 30,
    errors.TooManySlowRequests: 5,
}
"""Seconds after which another try may succeed."""


def retry_after_of(error: errors.ClipferryError) -> int | None:
    return next((RETRY_AFTER[kind] for kind in type(error).__mro__ if kind in RETRY_AFTER), None)


def status_of(error: errors.ClipferryError) -> HTTPStatus:
    """The status of the nearest class in the table; 500 for errors that should never reach a caller."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), HTTPStatus.INTERNAL_SERVER_ERROR)


def error_response(
    status: HTTPStatus, code: str, detail: str, *, headers: dict[str, str] | None = None, retry_after: int | None = None
) -> Response[Any]:
    """`retry_after` is in seconds. The detail is cut to `MAX_DETAIL` characters."""
    again = {"Retry-After": str(retry_after)} if retry_after else {}
    return Response(
        status_code=status,
        content_type="application/json",
        headers={**(headers or {}), **again},
        body=json.dumps({"detail": shortened(detail, MAX_DETAIL), "code": code}, ensure_ascii=False),
    )


def no_route(method: str, path: str, allowed: Collection[str]) -> Response[Any]:
    """404, or 405 if the path exists for the `allowed` methods."""
    asked = f"{method} {shortened(path, MAX_NAME)}"
    if not allowed:
        return error_response(HTTPStatus.NOT_FOUND, errors.NotFound.code, f"{asked}: there is nothing at this path")
    methods = ", ".join(sorted(allowed))
    detail = f"{asked}: this path takes {methods}"
    return error_response(HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail, headers={"Allow": methods})


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, all of them valid Unicode: a lone surrogate becomes its escape."""
    return text[:limit].encode(errors="backslashreplace").decode() + ("…" if len(text) > limit else "")


def parse_json(text: str) -> Any:
    """Parse a body: an object or null. Raises `JSONDecodeError` for everything else and for ambiguous JSON.

    Every body is an object; where it is optional, Powertools would take a list for an absent body. Ambiguous are
    duplicate names in an object, `NaN` and `Infinity`, and what exceeds Python's own limits.
    """
    try:
        body = json.loads(text, object_pairs_hook=_object, parse_float=_number, parse_constant=_no_constant)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        raise json.JSONDecodeError(str(error), text[:100], 0) from error
    if body is not None and not isinstance(body, dict):
        raise json.JSONDecodeError("Not an object", text[:100], 0)
    return body


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        last = {name: place for place, (name, _) in enumerate(pairs)}
        double = next(name for place, (name, _) in enumerate(pairs) if last[name] != place)
        raise ValueError(f"{shortened(double, MAX_NAME)!a} occurs twice in one object")
    return found


def _number(text: str) -> float:
    """`5.0` is the whole number 5, as in JSON Schema: some languages write all numbers so."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def validation_detail(found: list[dict[str, Any]]) -> str:
    """The first three validation errors as one sentence, each with its place."""
    if found[0]["type"] == "json_invalid":
        error = shortened(found[0]["ctx"]["error"], 3 * MAX_NAME)
        return f"the body is not JSON: {error} at character {found[0]['loc'][-1]}"
    shown = [f"{_place(error['loc'])}: {shortened(error['msg'], 3 * MAX_NAME)}" for error in found[:3]]
    more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
    return "; ".join(shown) + more


def _place(location: tuple[str | int, ...]) -> str:
    """`("body", "exact_paths", 3)` → `exact_paths[3]`."""
    path = ""
    for step in location[1:] if len(location) > 1 else location:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            path += f"{'.' if path else ''}{shortened(step, MAX_NAME)}"
    return shortened(path, 3 * MAX_NAME)
