"""Which errors each operation can answer with, for the OpenAPI document."""

from http import HTTPStatus
from typing import Any, NamedTuple

from service.domain import errors


class Refusal(NamedTuple):
    """An error: one of its codes, and a sentence."""

    code: str
    text: str


_ALWAYS = {
    HTTPStatus.UNAUTHORIZED: Refusal("UNAUTHORIZED", "No valid key"),
    HTTPStatus.TOO_MANY_REQUESTS: Refusal("THROTTLED", "Too many requests: try again after `Retry-After` seconds"),
    HTTPStatus.INTERNAL_SERVER_ERROR: Refusal(
        errors.ClipferryError.code, "Internal server error; the log holds the details"
    ),
    HTTPStatus.BAD_GATEWAY: Refusal(errors.ClipferryError.code, "The service could not answer: try again"),
    HTTPStatus.SERVICE_UNAVAILABLE: Refusal(
        errors.SourceUnavailable.code, "The store or the table is busy: try again after `Retry-After` seconds"
    ),
    HTTPStatus.GATEWAY_TIMEOUT: Refusal(errors.ClipferryError.code, "The service did not answer in time: try again"),
}

_FORBIDDEN = Refusal(errors.Forbidden.code, "This kind of key may not do this, or a bucket cannot be read")
_NOT_FOUND = Refusal(errors.NotFound.code, "The project has nothing with this id or name")
_INVALID = Refusal(errors.InvalidRequest.code, "The request can never succeed as it is")
_CURSOR = Refusal(errors.InvalidCursor.code, "The cursor does not belong to this list")
_NOT_UTF_8 = Refusal(errors.InvalidRequest.code, "The body is not UTF-8")
_TOO_LARGE = Refusal(errors.BodyTooLarge.code, "The body is too large")
_WATCH_CHANGED = Refusal(errors.WatchChanged.code, "Other requests change the watch at the same time")
_FOLDER_EXISTS = Refusal(errors.FolderExists.code, "The project has a folder with this name in this scope")
_REUSED_KEY = Refusal(errors.IdempotencyConflict.code, "The idempotency key was used with another request")

_CONFLICTS = {
    ("post", "/v1/imports/{job_id}/cancel"): Refusal(errors.AlreadyEnded.code, "The import is complete"),
    ("post", "/v1/imports/{job_id}/retry"): Refusal(
        errors.NothingToRetry.code, "The import still runs, or no clip failed or was cancelled"
    ),
    ("delete", "/v1/imports/{job_id}"): Refusal(errors.NotEnded.code, "The import still runs"),
    ("get", "/v1/imports/{job_id}/report"): Refusal(
        errors.ReportPending.code, "The import still runs, or its report is being written"
    ),
    ("post", "/v1/imports/{job_id}/webhook/replay"): Refusal(
        errors.NoWebhook.code, "The import still runs, or has no webhook"
    ),
    ("patch", "/v1/watches/{watch_id}"): _WATCH_CHANGED,
    ("post", "/v1/watches/{watch_id}/run"): _WATCH_CHANGED,
    ("post", "/v1/watches/{watch_id}/webhook/replay"): Refusal(
        errors.NoWebhook.code, "The watch has no webhook, or others change it at the same time"
    ),
    ("get", "/v1/clips/{clip_id}/link"): Refusal(errors.ClipNotThere.code, "The clip has no copy"),
    ("post", "/v1/uploads/complete"): Refusal(
        errors.UploadIncomplete.code, "Parts are missing, or differ from the file"
    ),
    ("post", "/v1/folders"): _FOLDER_EXISTS,
    ("post", "/api/folders"): _FOLDER_EXISTS,
    ("post", "/api/import-jobs/{job_id}/retry"): Refusal(
        errors.NothingToRetry.code, "The import still runs, or no video failed"
    ),
    ("delete", "/api/video/{video_id}"): Refusal(errors.NotEnded.code, "The video's import still runs"),
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


def errors_of(verb: str, path: str, operation: dict[str, Any]) -> dict[HTTPStatus, Refusal]:
    """A code and a sentence for each error status of `operation`, which is an OpenAPI operation object."""
    parameters = {(one["in"], one["name"]) for one in operation.get("parameters", [])}
    has_body = "requestBody" in operation
    found = dict(_ALWAYS)
    if ("query", "cursor") in parameters:
        found[HTTPStatus.BAD_REQUEST] = _CURSOR
    if has_body:
        found[HTTPStatus.BAD_REQUEST] = _NOT_UTF_8
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
        found[HTTPStatus.CONFLICT] = Refusal(conflicts[0].code, "; ".join(one.text for one in conflicts))
    return dict(sorted(found.items()))
