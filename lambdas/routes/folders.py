"""`/v1/folders`: names under which clips are imported."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body

from lambdas.answers import fitting
from lambdas.routes.caller import actor_of, project_of
from lambdas.routes.container import container_of
from lambdas.routes.parameters import Cursor, FolderId, IdempotencyKey, Limit
from lambdas.schemas.folders import CountedFolderView, FolderBody, FolderPage, FolderView
from service.projects.folders import create, get, page, video_count

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped

TAGS = ["Folders"]


@router.post("/v1/folders", status_code=201, summary="Create a folder", tags=TAGS)
def make_folder(
    body: Annotated[FolderBody, Body()],
    header_key: IdempotencyKey = None,
) -> FolderView:
    project, _ = project_of(router)
    return FolderView.of(
        create(body.to_request(header_key), project=project, by=actor_of(router), ports=container_of(router).folders)
    )


@router.get("/v1/folders", summary="List folders, oldest first", tags=TAGS)
def list_folders(limit: Limit = 100, cursor: Cursor = None) -> FolderPage:
    project, _ = project_of(router)
    store = container_of(router).folders.store

    def read(limit: int) -> FolderPage:
        return FolderPage.of(page(project, limit=limit, cursor=cursor, store=store))

    return fitting(read, limit)


@router.get("/v1/folders/<folder_id>", summary="Get a folder with its number of clips", tags=TAGS)
def read_folder(folder_id: FolderId) -> CountedFolderView:
    project, _ = project_of(router)
    ports = container_of(router).folders
    folder = get(folder_id, project=project, store=ports.store)
    return CountedFolderView.with_count(folder, video_count(folder, ports))
