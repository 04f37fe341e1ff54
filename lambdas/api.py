"""The REST API: one function behind API Gateway's proxy resource."""

from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.answers import cached, etag_of, in_utf8, secured
from lambdas.http import error_response, parse_json, retry_after_of, status_of, validation_detail
from lambdas.observe import logger
from lambdas.routes import (
    audit,
    clips,
    dashboard,
    deployment,
    ended,
    execution_settings,
    folders,
    imports,
    integrations,
    keys,
    nomadic,
    uploads,
    watches,
)
from lambdas.routing import Resolver, refuse_unknown_parameters
from lambdas.wiring.api import ApiContainer
from service.aws.faults import is_busy
from service.domain.errors import BodyTooLarge, ClipferryError, InvalidRequest, ServiceBusy

DEPLOYED = ApiContainer()

app = Resolver(enable_validation=True, serializer=in_utf8, json_body_deserializer=parse_json)
app.use([refuse_unknown_parameters])
app.include_router(imports.router)
app.include_router(clips.router)
app.include_router(uploads.router)
app.include_router(execution_settings.router)
app.include_router(integrations.router)
app.include_router(folders.router)
app.include_router(watches.router)
app.include_router(audit.router)
app.include_router(ended.router)
app.include_router(keys.router)
app.include_router(deployment.router)
app.include_router(dashboard.router)
for router in nomadic.ROUTERS:
    app.include_router(router)


@app.get("/openapi.json", include_in_schema=False)
def openapi() -> Response[str]:
    body, etag = _openapi()
    return cached("application/json", body, etag, app.current_event.headers)


@app.get("/docs", include_in_schema=False)
def docs() -> Response[str]:
    body, etag, policy = _docs()
    return cached("text/html; charset=utf-8", body, etag, app.current_event.headers, policy=policy)


# Few requests ask for the documentation, so only they import `lambdas.reference`, the longest import of all.
@cache
def _openapi() -> tuple[str, str]:
    from lambdas.reference import document

    body = document(app)
    return body, etag_of(body)


@cache
def _docs() -> tuple[str, str, str]:
    from lambdas.reference import page, page_policy

    body = page()
    return body, etag_of(body), page_policy()


@app.exception_handler(ClipferryError)  # type: ignore[untyped-decorator]
def domain_error(error: ClipferryError) -> Response[Any]:
    return error_response(status_of(error), error.code, error.message, retry_after=retry_after_of(error))


@app.exception_handler(RequestValidationError)  # type: ignore[untyped-decorator]
def invalid(error: RequestValidationError) -> Response[Any]:
    return error_response(HTTPStatus.UNPROCESSABLE_ENTITY, "INVALID_REQUEST", validation_detail(list(error.errors())))


@app.exception_handler(Exception)  # type: ignore[untyped-decorator]
def unexpected(error: Exception) -> Response[Any]:
    """Give the caller the request's id to quote, and log what happened. A passing fault of AWS is a 503."""
    if is_busy(error):
        logger.warning("an AWS service is busy", exc_info=error)
        busy = ServiceBusy("an AWS service is busy or did not answer: try again")
        return error_response(status_of(busy), busy.code, busy.message, retry_after=retry_after_of(busy))
    logger.exception("unexpected error", exc_info=error)
    request_id = app.current_event.request_context.request_id
    detail = f"internal server error: the log holds the details under request {request_id}"
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL", detail)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
def handler(event: dict[str, Any], context: LambdaContext, container: ApiContainer = DEPLOYED) -> dict[str, Any]:
    origin = allowed_origin(event, container.settings.cors_origins)
    refused = refusal(event, container.settings.max_body_bytes)
    if refused:
        answer = {"statusCode": refused.status_code, "headers": refused.headers, "body": refused.body}
        return secured(answer, origin=origin)
    # The API speaks JSON only, so a body counts as JSON whatever its header says (`curl -d` calls it a form).
    event["headers"] = {k: v for k, v in (event.get("headers") or {}).items() if k.lower() != "content-type"}
    app.append_context(container=container)  # type: ignore[no-untyped-call]  # Powertools leaves it untyped
    return secured(app.resolve(event, context), origin=origin)


def allowed_origin(event: dict[str, Any], allowed: tuple[str, ...]) -> str | None:
    """The origin of the page that sent the request, if the deployment lets its pages read answers."""
    headers = event.get("headers") or {}
    sent = next((value for name, value in headers.items() if name.lower() == "origin"), None)
    return sent if sent in allowed else None


def refusal(event: dict[str, Any], max_body_bytes: int) -> Response[Any] | None:
    """The answer to a request that no route may see: too large a body, one that is not UTF-8, two idempotency keys."""
    body = event.get("body") or ""
    size = len(body.encode(errors="replace"))
    if size > max_body_bytes:
        detail = (
            f"the body has {size:,} bytes, the limit is {max_body_bytes:,}: name the clips in an object (JSONL or CSV) "
            "and import that by manifest_uri (/v1/imports), or send fewer of them in each of several requests"
        )
        return error_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, BodyTooLarge.code, detail)
    # API Gateway replaces bytes that are not UTF-8 by this character.
    broken = body.find("\ufffd")
    if broken >= 0:
        detail = f"the body is not UTF-8 at character {broken}, or has U+FFFD that is not written as \\ufffd"
        return error_response(HTTPStatus.BAD_REQUEST, InvalidRequest.code, detail)
    headers = event.get("multiValueHeaders") or {}
    if sum(len(values) for name, values in headers.items() if name.lower() == "idempotency-key") > 1:
        detail = "the request has two Idempotency-Key headers: send one"
        return error_response(HTTPStatus.UNPROCESSABLE_ENTITY, InvalidRequest.code, detail)
    return None
