"""`/v1/integrations`: saved access to buckets."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body

from lambdas.answers import fitting
from lambdas.routes.caller import actor_of, project_of
from lambdas.routes.container import container_of
from lambdas.routes.parameters import Cursor, IdempotencyKey, IntegrationId, Limit
from lambdas.schemas.integrations import (
    AnyIntegrationBody,
    IntegrationPage,
    IntegrationPatch,
    IntegrationView,
    ProbeView,
)
from service.projects.integrations.manage import allow_delete, create, delete, get, page
from service.projects.integrations.probe import probe

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped

TAGS = ["Integrations"]


@router.post("/v1/integrations", status_code=201, summary="Create an integration", tags=TAGS)
def save_integration(
    body: Annotated[AnyIntegrationBody, Body(discriminator="type")],
    header_key: IdempotencyKey = None,
) -> IntegrationView:
    project, _ = project_of(router)
    made = create(
        body.to_request(),
        project=project,
        by=actor_of(router),
        ports=container_of(router).integrations,
        idempotency_key=header_key,
    )
    return IntegrationView.of(made, container_of(router).trusted)


@router.get("/v1/integrations", summary="List integrations, oldest first", tags=TAGS)
def list_integrations(limit: Limit = 100, cursor: Cursor = None) -> IntegrationPage:
    project, _ = project_of(router)
    store, trusted = container_of(router).integrations.store, container_of(router).trusted

    def read(limit: int) -> IntegrationPage:
        return IntegrationPage.of(page(project, limit=limit, cursor=cursor, store=store), trusted)

    return fitting(read, limit)


@router.get("/v1/integrations/<integration_id>", summary="Get an integration", tags=TAGS)
def read_integration(integration_id: IntegrationId) -> IntegrationView:
    project, _ = project_of(router)
    return IntegrationView.of(
        get(integration_id, project=project, store=container_of(router).integrations.store),
        container_of(router).trusted,
    )


@router.post(
    "/v1/integrations/<integration_id>/test", summary="Test an integration: list, and read one object", tags=TAGS
)
def test_integration(integration_id: IntegrationId) -> ProbeView:
    project, _ = project_of(router)
    return ProbeView.of(
        probe(integration_id, project=project, by=actor_of(router), ports=container_of(router).integrations)
    )


@router.patch("/v1/integrations/<integration_id>", summary="Let imports delete sources, or no longer", tags=TAGS)
def change_integration(integration_id: IntegrationId, body: Annotated[IntegrationPatch, Body()]) -> IntegrationView:
    project, _ = project_of(router)
    ports = container_of(router).integrations
    changed = allow_delete(integration_id, body.allow_delete, project=project, by=actor_of(router), ports=ports)
    return IntegrationView.of(changed, container_of(router).trusted)


@router.delete(
    "/v1/integrations/<integration_id>", status_code=204, summary="Delete an integration and its credentials", tags=TAGS
)
def delete_integration(integration_id: IntegrationId) -> Response[str]:
    project, _ = project_of(router)
    delete(integration_id, project=project, by=actor_of(router), ports=container_of(router).integrations)
    return Response(status_code=HTTPStatus.NO_CONTENT, body="")
