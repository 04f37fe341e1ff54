"""Get the API's container, which `lambdas.api.handler` puts into the context of each request."""

from typing import cast

from aws_lambda_powertools.event_handler.api_gateway import Router

from lambdas.wiring.api import ApiContainer


def container_of(router: Router) -> ApiContainer:
    return cast("ApiContainer", router.context["container"])
