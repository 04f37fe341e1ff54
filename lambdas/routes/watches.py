"""`/v1/watches`: prefixes that the service keeps imported."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body

from lambdas.answers import fitting
from lambdas.routes.caller import actor_of, project_of
from lambdas.routes.container import container_of
from lambdas.routes.parameters import Cursor, IdempotencyKey, Limit, WatchId
from lambdas.schemas.watches import ReplayBody, WatchBody, WatchPage, WatchPatch, WatchStatusView, WatchTestView
from service.domain.watches import Watch
from service.imports.watches.manage import change, create, delete, get, page, replay_webhook, run_now
from service.imports.watches.status import report, test

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped

TAGS = ["Watches"]


@router.post("/v1/watches", status_code=201, summary="Create a watch and start its first import", tags=TAGS)
def make_watch(
    body: Annotated[WatchBody, Body()],
    header_key: IdempotencyKey = None,
) -> WatchStatusView:
    project, _ = project_of(router)
    ports = container_of(router).watches
    request = body.to_request(ports.submit.defaults)
    return _view(create(request, project=project, by=actor_of(router), ports=ports, idempotency_key=header_key))


@router.get("/v1/watches", summary="List watches, oldest first", tags=TAGS)
def list_watches(limit: Limit = 100, cursor: Cursor = None) -> WatchPage:
    project, _ = project_of(router)
    ports = container_of(router).watches

    def read(limit: int) -> WatchPage:
        return WatchPage.of(page(project, limit=limit, cursor=cursor, ports=ports))

    return fitting(read, limit)


@router.get("/v1/watches/<watch_id>", summary="Get a watch with its last imports and its lag", tags=TAGS)
def read_watch(watch_id: WatchId) -> WatchStatusView:
    project, _ = project_of(router)
    return _view(get(watch_id, project=project, ports=container_of(router).watches))


@router.patch("/v1/watches/<watch_id>", summary="Change, pause or resume a watch", tags=TAGS)
def change_watch(watch_id: WatchId, body: Annotated[WatchPatch, Body()]) -> WatchStatusView:
    project, _ = project_of(router)
    ports = container_of(router).watches
    changes = body.to_changes(ports.submit.defaults)
    return _view(change(watch_id, changes, project=project, by=actor_of(router), ports=ports))


@router.post("/v1/watches/<watch_id>/run", status_code=202, summary="Run a watch now", tags=TAGS)
def run_watch(watch_id: WatchId) -> WatchStatusView:
    project, _ = project_of(router)
    ports = container_of(router).watches
    return _view(run_now(watch_id, project=project, by=actor_of(router), ports=ports))


@router.post("/v1/watches/<watch_id>/test", summary="Test a watch: list, and look for the bucket's events", tags=TAGS)
def test_watch(watch_id: WatchId) -> WatchTestView:
    project, _ = project_of(router)
    ports = container_of(router).watches
    return WatchTestView.of(test(get(watch_id, project=project, ports=ports), ports))


@router.post(
    "/v1/watches/<watch_id>/webhook/replay", status_code=202, summary="Send a watch's webhook again", tags=TAGS
)
def replay(watch_id: WatchId, body: Annotated[ReplayBody | None, Body()] = None) -> WatchStatusView:
    project, _ = project_of(router)
    ports, event_id = container_of(router).watches, body.event_id if body else None
    return _view(replay_webhook(watch_id, event_id, project=project, by=actor_of(router), ports=ports))


@router.delete("/v1/watches/<watch_id>", status_code=204, summary="Delete a watch; its imports stay", tags=TAGS)
def delete_watch(watch_id: WatchId) -> Response[str]:
    project, _ = project_of(router)
    delete(watch_id, project=project, by=actor_of(router), ports=container_of(router).watches)
    return Response(status_code=HTTPStatus.NO_CONTENT, body="")


def _view(watch: Watch) -> WatchStatusView:
    return WatchStatusView.with_report(watch, report(watch, container_of(router).watches))
