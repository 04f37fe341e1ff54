"""What the routes of this door share."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Header

from lambdas.routes.caller import actor_of
from service.domain.jobs import Door
from service.domain.projects import Actor

TAGS = ["NomadicML"]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=128)]


def sdk_actor(router: Router) -> Actor:
    return actor_of(router, Door.NOMADICML)
