"""Cloud integrations: the SDKs' view of `/v1/integrations`."""

from collections.abc import Sequence
from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body

from lambdas.routes.caller import project_of
from lambdas.routes.container import container_of
from lambdas.routes.nomadic.common import TAGS, sdk_actor
from lambdas.routes.parameters import IdempotencyKey, IntegrationId
from lambdas.schemas.integrations import IntegrationBody
from lambdas.schemas.nomadic.integrations import (
    CloudIntegrationView,
    DeletedIntegrationView,
    GcsCloudBody,
    HfBucketCloudBody,
    S3CloudBody,
)
from service.domain.projects import Integration
from service.projects.integrations.manage import MAX_PER_PROJECT, create, delete, page

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


@router.get("/api/cloud-integrations", summary="List all integrations, oldest first", tags=TAGS)
def list_cloud_integrations() -> list[CloudIntegrationView]:
    project, _ = project_of(router)
    # One page: a project has fewer of them than a page has rows.
    found = page(project, limit=MAX_PER_PROJECT, cursor=None, store=container_of(router).integrations.store).items
    return _views(found)


@router.post("/api/cloud-integrations/s3", status_code=201, summary="Create an integration for an S3 bucket", tags=TAGS)
def add_s3(body: Annotated[S3CloudBody, Body()], idempotency_key: IdempotencyKey = None) -> CloudIntegrationView:
    return _saved(body, idempotency_key)


@router.post(
    "/api/cloud-integrations/gcs", status_code=201, summary="Create an integration for Google Cloud Storage", tags=TAGS
)
def add_gcs(body: Annotated[GcsCloudBody, Body()], idempotency_key: IdempotencyKey = None) -> CloudIntegrationView:
    return _saved(body, idempotency_key)


@router.post(
    "/api/cloud-integrations/hf-bucket",
    status_code=201,
    summary="Create an integration for a Hugging Face bucket",
    tags=TAGS,
)
def add_hf(body: Annotated[HfBucketCloudBody, Body()], idempotency_key: IdempotencyKey = None) -> CloudIntegrationView:
    return _saved(body, idempotency_key)


@router.delete(
    "/api/cloud-integrations/<integration_id>", summary="Delete an integration and its credentials", tags=TAGS
)
def delete_cloud_integration(integration_id: IntegrationId) -> DeletedIntegrationView:
    project, _ = project_of(router)
    delete(integration_id, project=project, by=sdk_actor(router), ports=container_of(router).integrations)
    return DeletedIntegrationView(id=integration_id)


def _saved(body: IntegrationBody, idempotency_key: str | None) -> CloudIntegrationView:
    project, _ = project_of(router)
    made = create(
        body.to_request(),
        project=project,
        by=sdk_actor(router),
        ports=container_of(router).integrations,
        idempotency_key=idempotency_key,
    )
    return _views([made])[0]


def _views(found: Sequence[Integration]) -> list[CloudIntegrationView]:
    _, key_id = project_of(router)
    makers = {one.created_by for one in found if one.created_by}
    keys = {maker: container_of(router).keys.get(maker) for maker in makers}
    names = {maker: key.name for maker, key in keys.items() if key}
    return [CloudIntegrationView.of(one, key_id=key_id, display_name=names.get(one.created_by or "")) for one in found]
