"""Match requests to routes as strictly as HTTP does, on top of Powertools' resolver."""

import re
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import ResponseBuilder

from lambdas.http import no_route
from service.domain.errors import InvalidRequest

STRICT = "/v1/"
"""Routes below this path refuse query parameters that they do not know. SDKs behind `/api/` may send more."""


class Resolver(APIGatewayRestResolver):
    """The REST API's router: 405 for a known path with another method, 404 for any other path."""

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = "^{}/*\\Z") -> re.Pattern[str]:
        """End a path where it ends: Powertools' `$` would also match before a newline (`%0a`)."""
        compiled: re.Pattern[str] = super(APIGatewayRestResolver, APIGatewayRestResolver)._compile_regex(
            rule, base_regex
        )
        return compiled

    def _resolve(self) -> ResponseBuilder[Any]:
        """Refuse other methods of a fixed path, whose last part would fit a parameter of another route."""
        method, path = self.current_event.http_method.upper(), self._remove_prefix(self.current_event.path)
        known = self._methods_of(path)
        return super()._resolve() if method in known else self._handle_not_found(method, path)

    def _handle_not_found(self, method: str, path: str) -> ResponseBuilder[Any]:
        response = no_route(method, path, self._methods_of(path))
        return self._response_builder_class(response=response, serializer=self._serializer)

    def _methods_of(self, path: str) -> set[str]:
        fixed = {route.method for route in self._static_routes if route.rule.match(path)}
        return fixed or {route.method for route in self._dynamic_routes if route.rule.match(path)}


def refuse_unknown_parameters(app: APIGatewayRestResolver, next_middleware: Callable[..., Any]) -> Response[Any]:
    """Raise `InvalidRequest` for a query parameter that the route does not take: a typo must not mean the default."""
    if app.current_event.path.startswith(STRICT):
        known = [field.alias for field in app.context["_route"].dependant.query_params]
        unknown = sorted(set(app.current_event.resolved_query_string_parameters) - set(known))
        if unknown:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise InvalidRequest(f"{unknown[0][:100]!a} is not a parameter of this request: {takes}")
    response: Response[Any] = next_middleware(app)
    return response
