"""Identify the caller of a request, as the authorizer found it."""

from aws_lambda_powertools.event_handler.api_gateway import Router

from service.domain.errors import Forbidden
from service.domain.jobs import Door
from service.domain.projects import Actor
from service.projects.keys import ADMIN, Caller


def caller_of(router: Router) -> Caller:
    found = router.current_event.raw_event["requestContext"]["authorizer"]
    return Caller(found["project"], found["key_id"]) if found["project"] else ADMIN


def actor_of(router: Router, door: Door = Door.API) -> Actor:
    """The caller, as the audit names it."""
    request_id = router.current_event.raw_event["requestContext"].get("requestId")
    return Actor(door=door, key_id=caller_of(router).key_id, request_id=request_id)


def project_of(router: Router) -> tuple[str, str]:
    """(project, key id). Raises `Forbidden` for the admin key, which belongs to no project."""
    caller = caller_of(router)
    if caller.project is None:
        raise Forbidden("the admin key belongs to no project; use a project's key here (POST /v1/keys makes one)")
    return caller.project, caller.key_id


def require_admin(router: Router) -> None:
    """Raises `Forbidden` for a project's key."""
    if not caller_of(router).is_admin:
        raise Forbidden("only the admin key may do this")
