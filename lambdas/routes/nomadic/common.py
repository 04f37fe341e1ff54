"""Shared by the routes of `/api`."""

from aws_lambda_powertools.event_handler.api_gateway import Router

from lambdas.routes.caller import actor_of
from service.domain.jobs import Door
from service.domain.projects import Actor

TAGS = ["NomadicML"]


def sdk_actor(router: Router) -> Actor:
    return actor_of(router, Door.NOMADICML)
