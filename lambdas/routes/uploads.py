"""`/v1/uploads`: upload files to the project's inbox by links. The files start imports like any upload."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body

from lambdas.routes.caller import project_of
from lambdas.routes.container import container_of
from lambdas.schemas.uploads import (
    AbortUploadBody,
    CompleteUploadBody,
    PartLinksView,
    UploadBody,
    UploadedView,
    UploadPartsBody,
    UploadView,
)
from service.domain.errors import InvalidRequest
from service.imports.intake.inbox import abort_file, begin_file, complete_file, link_parts, put_file

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped

TAGS = ["Uploads"]


@router.post("/v1/uploads", status_code=201, summary="Begin to upload a file", tags=TAGS)
def begin_upload(body: Annotated[UploadBody, Body()]) -> UploadView:
    project, _ = project_of(router)
    ports = container_of(router).inbox
    if body.sha256 is None:
        return UploadView.of(
            begin_file(body.key, size=body.size, part_bytes=body.part_bytes, project=project, ports=ports)
        )
    if body.part_bytes is not None:
        raise InvalidRequest("part_bytes is for uploads in parts, without sha256")
    return UploadView.of(put_file(body.key, size=body.size, sha256=body.sha256, project=project, ports=ports))


@router.post("/v1/uploads/parts", summary="Get links to upload the parts that are not there yet", tags=TAGS)
def link_upload_parts(body: Annotated[UploadPartsBody, Body()]) -> PartLinksView:
    project, _ = project_of(router)
    ports = container_of(router).inbox
    wanted = [(part.number, part.sha256) for part in body.parts]
    plan = body.plan(ports.max_bytes)
    return PartLinksView.of(link_parts(body.key, body.upload_id, wanted, plan=plan, project=project, ports=ports))


@router.post("/v1/uploads/complete", summary="Complete an upload whose parts are all there", tags=TAGS)
def complete_upload(body: Annotated[CompleteUploadBody, Body()]) -> UploadedView:
    project, _ = project_of(router)
    ports = container_of(router).inbox
    plan = body.plan(ports.max_bytes)
    return UploadedView.of(
        complete_file(body.key, body.upload_id, body.checksum, plan=plan, project=project, ports=ports)
    )


@router.post("/v1/uploads/abort", status_code=204, summary="Remove an upload and its parts", tags=TAGS)
def abort_upload(body: Annotated[AbortUploadBody, Body()]) -> Response[str]:
    project, _ = project_of(router)
    abort_file(body.key, body.upload_id, project=project, ports=container_of(router).inbox)
    return Response(status_code=HTTPStatus.NO_CONTENT, body="")
