"""The OpenAPI document, with the errors that each operation really has, and the page that shows it.

`lambdas.api` imports this module when somebody asks for the document: the models that Powertools describes an API by
take longer to import than all routes.
"""

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi import swagger_ui
from aws_lambda_powertools.event_handler.openapi.models import APIKey, APIKeyIn, Server

from lambdas.examples import add_examples
from lambdas.operations import Refusal, errors_of
from lambdas.schemas.base import ErrorView

_ERROR = {"$ref": "#/components/schemas/Error"}

TAGS = {
    "Keys": "Each request needs a key. The admin key makes keys for projects.",
    "Integrations": "Saved access to a bucket that the service itself cannot read.",
    "Imports": "Preview an import, start it, follow it, and retry what failed.",
    "Uploads": "Upload local files to the project's inbox; each starts an import, or joins one.",
    "Clips": "Find clips across imports, and get links to their copies.",
    "Watches": "Keep a prefix imported, by a schedule or by events of the bucket.",
    "Execution settings": "Presets: saved settings that imports and watches name by an id.",
    "Folders": "Names under which clips are imported.",
    "Webhooks": "The secret that signs the notifications of completed imports.",
    "Audit": "Who asked for which change.",
    "Deployment": "The deployment's settings, and what is queued, throttled and failing.",
    "NomadicML": "Calls of the SDKs `nomadicml` and `nomadic`.",
}
"""The groups of operations, in the order in which a user needs them."""

VERBS = ("post", "get", "put", "patch", "delete")
"""The order of a path's operations."""

_SETUP = """
SwaggerUIBundle({
  dom_id: "#page", url: "openapi.json", deepLinking: true, filter: true, persistAuthorization: false, validatorUrl: null
});
"""
"""A key that a reader enters is forgotten when the page closes."""


def document(app: APIGatewayRestResolver) -> str:
    """The document as JSON. Its server is the folder that it was read from, so a stage or a domain changes nothing."""
    described = app.get_openapi_schema(
        title="Clipferry",
        version="1",
        description="Import driving-data clips into your project's bucket, verified, with a status for each.",
        servers=[Server(url=".")],
        security_schemes={"key": APIKey(name="X-API-Key", in_=APIKeyIn.header)},
        security=[{"key": []}],
    ).model_dump(by_alias=True, exclude_none=True, mode="json")
    schemas = described["components"]["schemas"]
    for unused in ("HTTPValidationError", "ResponseValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Error"] = ErrorView.model_json_schema()
    described["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    described["paths"] = _in_order_of_use(described["paths"])
    for path, operations in described["paths"].items():
        for verb, operation in operations.items():
            _describe(verb, path, operation)
            add_examples(verb, path, operation)
    return json.dumps(described, indent=2, ensure_ascii=False)


def _in_order_of_use(paths: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Put what makes and lists things before what needs an id. Powertools has it the other way round."""
    return {
        path: dict(sorted(paths[path].items(), key=lambda one: VERBS.index(one[0])))
        for path in sorted(paths, key=lambda path: "{" in path)
    }


def page() -> str:
    """HTML with all that it needs: Swagger UI's script and styles are in Powertools."""
    script, styles = _assets()
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="UTF-8"><title>Clipferry API (Swagger UI)</title>'
        f'<style>{styles}</style></head>\n<body><div id="page"></div>\n'
        f"<script>{script}</script>\n<script>{_SETUP}</script>\n</body>\n</html>\n"
    )


def page_policy() -> str:
    """Content-Security-Policy of the page: its own two scripts, requests to this API, and nothing from elsewhere."""
    script, _ = _assets()
    hashes = " ".join(f"'sha256-{_sha256(text)}'" for text in (script, _SETUP))
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _assets() -> tuple[str, str]:
    """(script, styles)."""
    folder = files(swagger_ui)
    script, styles = ((folder / name).read_text("utf-8") for name in ("swagger-ui-bundle.min.js", "swagger-ui.min.css"))
    return script, styles


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _describe(verb: str, path: str, operation: dict[str, Any]) -> None:
    """Correct what Powertools says of one operation."""
    for parameter in operation.get("parameters", []):
        _without_null(parameter["schema"])
    # Powertools names its own shape of validation errors, which `lambdas.api` replaces.
    answers = {status: one for status, one in operation["responses"].items() if status.startswith("2")}
    for status, answer in answers.items():
        answer["description"] = operation["summary"]
        if status == "204":
            answer.pop("content", None)
    operation["responses"] = answers | {
        str(status.value): {"description": one.text, "content": {"application/json": _refused(one)}}
        for status, one in errors_of(verb, path, operation).items()
    }


def _refused(one: Refusal) -> dict[str, Any]:
    shown = {"summary": "An error", "value": {"detail": one.text, "code": one.code}}
    return {"schema": _ERROR, "examples": {"answer": shown}}


def _without_null(schema: dict[str, Any]) -> None:
    """A parameter in a URL or a header is text or absent, never null."""
    kinds = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema |= kinds[0]
