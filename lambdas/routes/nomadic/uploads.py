"""Import from S3, Google Cloud Storage and Hugging Face buckets. A bad object becomes a failed row."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body

from lambdas.routes.caller import project_of
from lambdas.routes.container import container_of
from lambdas.routes.nomadic.common import TAGS, sdk_actor
from lambdas.routes.parameters import IdempotencyKey
from lambdas.schemas.nomadic.uploads import AcceptedView, DirectoriesBody, FilesUploadBody, Given, S3UploadBody
from service.domain.errors import NotFound
from service.domain.jobs import Door
from service.domain.requests import ImportRequest
from service.imports.intake.submit import submit
from service.projects import folders
from service.projects.integrations.manage import get as get_integration

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


@router.post("/api/s3/upload", summary="Import objects of S3", tags=TAGS)
def upload_s3(body: Annotated[S3UploadBody, Body()], idempotency_key: IdempotencyKey = None) -> AcceptedView:
    return _accepted(body.to_request("s3", body.bucket, _given(body.folder_id, idempotency_key)))


@router.post("/api/gcs/upload", summary="Import objects of Google Cloud Storage", tags=TAGS)
def upload_gcs(body: Annotated[FilesUploadBody, Body()], idempotency_key: IdempotencyKey = None) -> AcceptedView:
    """Import objects of a bucket. Without `bucket` it is the integration's."""
    bucket = body.bucket or _bucket_of(body.integration_id)
    return _accepted(body.to_request("gs", bucket, _given(body.folder_id, idempotency_key)))


@router.post("/api/hf-buckets/upload", summary="Import objects of a Hugging Face bucket", tags=TAGS)
def upload_hf(body: Annotated[FilesUploadBody, Body()], idempotency_key: IdempotencyKey = None) -> AcceptedView:
    return _accepted(body.to_request("hf", body.bucket, _given(body.folder_id, idempotency_key)))


@router.post("/api/import-jobs", status_code=202, summary="Import all objects below directories", tags=TAGS)
def upload_directories(
    body: Annotated[DirectoriesBody, Body()], idempotency_key: IdempotencyKey = None
) -> AcceptedView:
    return _accepted(body.to_request(_given(body.folder_id(), idempotency_key)))


def _given(folder_id: str | None, idempotency_key: str | None) -> Given:
    """Raises `NotFound` where there is no such folder."""
    project, _ = project_of(router)
    folder = (
        folders.get(folder_id, project=project, store=container_of(router).folders.store).name if folder_id else None
    )
    return Given(folder=folder, settings=container_of(router).submit.defaults, idempotency_key=idempotency_key)


def _bucket_of(integration_id: str | None) -> str | None:
    """Raises `NotFound`: then the SDKs try the next integration that they know."""
    if not integration_id:
        return None
    project, _ = project_of(router)
    found = get_integration(integration_id, project=project, store=container_of(router).integrations.store)
    if found.type != "gcs":
        raise NotFound(f"integration {found.id} is of type {found.type}, not gcs")
    return found.bucket


def _accepted(request: ImportRequest) -> AcceptedView:
    project, key_id = project_of(router)
    job = submit(
        request,
        project=project,
        key_id=key_id,
        ports=container_of(router).submit,
        door=Door.NOMADICML,
        request_id=sdk_actor(router).request_id,
    )
    return AcceptedView(import_job_id=job.id)
