"""Make the OpenAPI document, with this API's errors, and the page that shows it.

Powertools' OpenAPI models take longer to import than all routes, so `lambdas.api` imports this module on demand.
"""

import json
from importlib.resources import files
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi import swagger_ui
from aws_lambda_powertools.event_handler.openapi.models import APIKey, APIKeyIn, Server

from lambdas.schemas.base import ErrorView

_ERROR = {"$ref": "#/components/schemas/Error"}
_REFUSALS = {
    "401": "No valid key",
    "403": "Not allowed, or a bucket that cannot be read",
    "404": "Not found in this project",
    "409": "An idempotency key that was used with another request, or an import that is not in the state for this",
    "413": "Too large",
    "422": "Invalid request",
    "429": "Too many requests",
    "default": "Internal server error",
}


def document(app: APIGatewayRestResolver, url: str) -> str:
    """The document as JSON. Replaces Powertools' validation errors, which `lambdas.api` replaces in answers too."""
    described = app.get_openapi_schema(
        title="Clipferry",
        version="1",
        description="Import driving-data clips into your project's bucket, verified, with a status for each.",
        servers=[Server(url=url)],
        security_schemes={"key": APIKey(name="X-API-Key", in_=APIKeyIn.header)},
        security=[{"key": []}],
    ).model_dump(by_alias=True, exclude_none=True, mode="json")
    schemas = described["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Error"] = ErrorView.model_json_schema()
    for operations in described["paths"].values():
        for operation in operations.values():
            operation["responses"] |= {status: _refusal(text) for status, text in _REFUSALS.items()}
    return json.dumps(described, indent=2, ensure_ascii=False)


def page(document: str) -> str:
    """An HTML page with Swagger UI, whose script and styles Powertools brings along."""
    script, styles = (
        (files(swagger_ui) / name).read_text("utf-8") for name in ("swagger-ui-bundle.min.js", "swagger-ui.min.css")
    )
    # `</` would end the script tag.
    shown = document.replace("</", "<\\/")
    return swagger_ui.generate_swagger_html(shown, script, styles, "", None, persist_authorization=True)


def _refusal(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ERROR}}}
