"""Which errors each operation can answer with, for the OpenAPI document."""

from http import HTTPStatus
from typing import Any

_ALWAYS = {
    HTTPStatus.UNAUTHORIZED: "No valid key",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests: try again after `Retry-After` seconds",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Internal server error; the log holds the details",
    HTTPStatus.BAD_GATEWAY: "The service could not answer: try again",
    HTTPStatus.SERVICE_UNAVAILABLE: "The store or the table is busy: try again after `Retry-After` seconds",
    HTTPStatus.GATEWAY_TIMEOUT: "The service did not answer in time: try again",
}

_FORBIDDEN = "This kind of key may not do this, or a bucket cannot be read"
_NOT_FOUND = "The project has nothing with this id or name"
_INVALID = "The request can never succeed as it is"
_CURSOR = "The cursor does not belong to this list"
_TOO_LARGE = "The body is too large"
_REUSED_KEY = "The idempotency key was used with another request"

_CONFLICTS = {
    ("post", "/v1/imports/{job_id}/cancel"): "The import is complete",
    ("post", "/v1/imports/{job_id}/retry"): "The import still runs, or no clip failed or was cancelled",
    ("delete", "/v1/imports/{job_id}"): "The import still runs",
    ("get", "/v1/imports/{job_id}/report"): "The import still runs, or its report is being written",
    ("post", "/v1/imports/{job_id}/webhook/replay"): "The import still runs, or has no webhook",
    ("patch", "/v1/watches/{watch_id}"): "Other requests change the watch at the same time",
    ("post", "/v1/watches/{watch_id}/run"): "Other requests change the watch at the same time",
    ("get", "/v1/clips/{clip_id}/link"): "The clip has no copy",
    ("post", "/v1/uploads/complete"): "Parts are missing, or differ from the file",
    ("post", "/v1/folders"): "The project has a folder with this name in this scope",
    ("post", "/api/folders"): "The project has a folder with this name in this scope",
    ("post", "/api/import-jobs/{job_id}/retry"): "The import still runs, or no video failed",
    ("delete", "/api/video/{video_id}"): "The video's import still runs",
}
"""409, besides a reused idempotency key."""

_NAMES_OTHERS = (
    "/api/s3/upload",
    "/api/gcs/upload",
    "/api/hf-buckets/upload",
    "/api/import-jobs",
    "/api/folders/get",
    "/v1/uploads/parts",
    "/v1/uploads/complete",
)
"""Paths without an id whose request names a folder, an integration or an upload: 404 if there is none."""


def errors_of(verb: str, path: str, operation: dict[str, Any]) -> dict[HTTPStatus, str]:
    """A sentence for each error status of `operation`, which is an OpenAPI operation object."""
    parameters = {(one["in"], one["name"]) for one in operation.get("parameters", [])}
    has_body = "requestBody" in operation
    found = dict(_ALWAYS)
    if ("query", "cursor") in parameters:
        found[HTTPStatus.BAD_REQUEST] = _CURSOR
    if path != "/v1/key":
        found[HTTPStatus.FORBIDDEN] = _FORBIDDEN
    if any(place == "path" for place, _ in parameters) or path in _NAMES_OTHERS:
        found[HTTPStatus.NOT_FOUND] = _NOT_FOUND
    if has_body:
        found[HTTPStatus.REQUEST_ENTITY_TOO_LARGE] = _TOO_LARGE
    if has_body or parameters or path.startswith("/v1/"):
        found[HTTPStatus.UNPROCESSABLE_ENTITY] = _INVALID
    conflicts = [_CONFLICTS[verb, path]] if (verb, path) in _CONFLICTS else []
    if ("header", "idempotency-key") in parameters:
        conflicts.append(_REUSED_KEY)
    if conflicts:
        found[HTTPStatus.CONFLICT] = "; ".join(conflicts)
    return dict(sorted(found.items()))
