"""The OpenAPI document, with errors as this API gives them."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.models import OpenAPI

from service.wire.base import ErrorView

_ERROR = {"$ref": "#/components/schemas/Error"}
_REFUSALS = {
    "401": "No valid key",
    "403": "Not allowed, or a bucket that cannot be read",
    "404": "No such thing in this project",
    "409": "An idempotency key that was used with another request, or an import that is not in the state for this",
    "413": "Too large",
    "422": "A request that can never succeed as it is",
    "429": "Too many requests",
    "default": "Our fault",
}


class Resolver(APIGatewayRestResolver):
    """Powertools describes its own shape of validation errors, which `lambdas.api` replaces."""

    def get_openapi_schema(self, **options: Any) -> OpenAPI:
        document = super().get_openapi_schema(**options).model_dump(by_alias=True, exclude_none=True, mode="json")
        schemas = document["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas["Error"] = ErrorView.model_json_schema()
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"] |= {status: _refusal(text) for status, text in _REFUSALS.items()}
        return OpenAPI.model_validate(document)


def _refusal(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ERROR}}}
