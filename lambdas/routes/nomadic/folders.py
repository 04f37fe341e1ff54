"""Folders."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from lambdas.routes.caller import project_of
from lambdas.routes.container import container_of
from lambdas.routes.nomadic.common import TAGS, sdk_actor
from lambdas.routes.parameters import IdempotencyKey
from lambdas.schemas.nomadic.folders import Scope, VideoFolderBody, VideoFolderView
from service.domain.projects import Folder, FolderScope
from service.projects.folders import create, create_or_get, get_by_name, video_count

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


@router.post("/api/folders/create-or-get", summary="Get a folder, or create it", tags=TAGS)
def create_or_get_folder(
    body: Annotated[VideoFolderBody, Body()], idempotency_key: IdempotencyKey = None
) -> VideoFolderView:
    project, _ = project_of(router)
    request = body.to_request(idempotency_key)
    return _view(create_or_get(request, project=project, by=sdk_actor(router), ports=container_of(router).folders))


@router.post("/api/folders", status_code=201, summary="Create a folder", tags=TAGS)
def create_folder(body: Annotated[VideoFolderBody, Body()], idempotency_key: IdempotencyKey = None) -> VideoFolderView:
    project, _ = project_of(router)
    request = body.to_request(idempotency_key)
    return _view(create(request, project=project, by=sdk_actor(router), ports=container_of(router).folders))


@router.get("/api/folders/get", summary="Get a folder by its name", tags=TAGS)
def read_folder(
    name: Annotated[str, Query()],
    scope: Annotated[Scope | None, Query()] = None,
) -> VideoFolderView:
    project, _ = project_of(router)
    return _view(
        get_by_name(name.strip(), scope or FolderScope.USER, project=project, store=container_of(router).folders.store)
    )


def _view(folder: Folder) -> VideoFolderView:
    return VideoFolderView.of(folder, video_count=video_count(folder, container_of(router).folders))
