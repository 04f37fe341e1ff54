"""`/v1/execution-settings`: presets, which are settings of imports saved under an id."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body

from lambdas.answers import fitting
from lambdas.routes.caller import actor_of, project_of
from lambdas.routes.container import container_of
from lambdas.routes.parameters import Cursor, IdempotencyKey, Limit, SettingsId
from lambdas.schemas.settings import ExecutionSettingsBody, ExecutionSettingsPage, ExecutionSettingsView
from service.projects.presets import delete_saved, get_saved, replace_saved, save, saved_page

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped

TAGS = ["Execution settings"]


@router.post("/v1/execution-settings", status_code=201, summary="Save a preset", tags=TAGS)
def save_settings(
    body: Annotated[ExecutionSettingsBody, Body()],
    header_key: IdempotencyKey = None,
) -> ExecutionSettingsView:
    project, _ = project_of(router)
    saved = save(
        body.to_request(),
        project=project,
        by=actor_of(router),
        ports=container_of(router).presets,
        idempotency_key=header_key,
    )
    return ExecutionSettingsView.of(saved)


@router.get("/v1/execution-settings", summary="List presets, oldest first", tags=TAGS)
def list_settings(limit: Limit = 100, cursor: Cursor = None) -> ExecutionSettingsPage:
    project, _ = project_of(router)
    store = container_of(router).presets.store

    def read(limit: int) -> ExecutionSettingsPage:
        return ExecutionSettingsPage.of(saved_page(project, limit=limit, cursor=cursor, store=store))

    return fitting(read, limit)


@router.get("/v1/execution-settings/<settings_id>", summary="Get a preset", tags=TAGS)
def read_settings(settings_id: SettingsId) -> ExecutionSettingsView:
    project, _ = project_of(router)
    return ExecutionSettingsView.of(get_saved(settings_id, project=project, store=container_of(router).presets.store))


@router.put("/v1/execution-settings/<settings_id>", summary="Replace a preset", tags=TAGS)
def replace_settings(settings_id: SettingsId, body: Annotated[ExecutionSettingsBody, Body()]) -> ExecutionSettingsView:
    project, _ = project_of(router)
    ports = container_of(router).presets
    changed = replace_saved(settings_id, body.to_request(), project=project, by=actor_of(router), ports=ports)
    return ExecutionSettingsView.of(changed)


@router.delete("/v1/execution-settings/<settings_id>", status_code=204, summary="Delete a preset", tags=TAGS)
def delete_settings(settings_id: SettingsId) -> Response[str]:
    project, _ = project_of(router)
    delete_saved(settings_id, project=project, by=actor_of(router), ports=container_of(router).presets)
    return Response(status_code=HTTPStatus.NO_CONTENT, body="")
