"""`/v1/keys`: create, list and revoke projects' keys with the admin key; `/v1/key`: describe a request's own key."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body

from lambdas.answers import fitting
from lambdas.routes.caller import actor_of, caller_of, require_admin
from lambdas.routes.container import container_of
from lambdas.routes.parameters import Cursor, KeyId, Limit
from lambdas.schemas.keys import CallerView, CreatedKeyView, KeyBody, KeyPage
from service.projects.keys import create_key, keys_page, revoke_key
from service.support.clock import utc_now

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


@router.get("/v1/key", summary="Describe the key of this request", tags=["Keys"])
def read_own_key() -> CallerView:
    caller = caller_of(router)
    return CallerView(id=caller.key_id, project=caller.project)


@router.post("/v1/keys", status_code=201, summary="Create a key for a project", tags=["Keys"])
def make_key(body: Annotated[KeyBody, Body()]) -> CreatedKeyView:
    require_admin(router)
    key, text = create_key(
        body.project,
        body.name,
        keys=container_of(router).keys,
        clock=utc_now,
        by=actor_of(router),
        audit=container_of(router).audit,
    )
    return CreatedKeyView.with_text(key, text)


@router.get("/v1/keys", summary="List keys, oldest first", tags=["Keys"])
def list_keys(limit: Limit = 100, cursor: Cursor = None) -> KeyPage:
    require_admin(router)
    keys = container_of(router).keys

    def read(limit: int) -> KeyPage:
        return KeyPage.of(keys_page(limit=limit, cursor=cursor, keys=keys))

    return fitting(read, limit)


@router.delete("/v1/keys/<key_id>", status_code=204, summary="Revoke a key", tags=["Keys"])
def delete_key(key_id: KeyId) -> Response[str]:
    require_admin(router)
    revoke_key(key_id, keys=container_of(router).keys, by=actor_of(router), audit=container_of(router).audit)
    return Response(status_code=HTTPStatus.NO_CONTENT, body="")
