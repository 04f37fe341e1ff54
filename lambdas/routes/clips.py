"""`/v1/clips`: find clips across imports, read one, link to its copy."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from lambdas.answers import fitting
from lambdas.routes.caller import project_of
from lambdas.routes.container import container_of
from lambdas.routes.parameters import ClipId, Cursor, Limit
from lambdas.schemas.clips import ClipDetailView, ClipLinkView, FoundClipPage
from service.imports.queries.clip import get_clip, link_clip
from service.imports.queries.find import Wanted, find_clips

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


@router.get("/v1/clips", summary="Find clips across imports, newest import first", tags=["Clips"])
def search_clips(
    clip_id: Annotated[
        str | None,
        Query(max_length=1_024, description="Id of a ClipGT clip, else the object's name without extension."),
    ] = None,
    original_clipgt_url: Annotated[
        str | None, Query(max_length=1_200, description="Source URI of the clip, exactly as the import named it.")
    ] = None,
    label: Annotated[str | None, Query(max_length=128, description="Label of the import.")] = None,
    folder: Annotated[str | None, Query(max_length=64, description="Folder of the import.")] = None,
    test_run_group: Annotated[str | None, Query(max_length=128, description="Test run group of the import.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> FoundClipPage:
    project, _ = project_of(router)
    wanted = Wanted(
        clip_id=clip_id,
        original_clipgt_url=original_clipgt_url,
        label=label,
        folder=folder,
        test_run_group=test_run_group,
    )
    ports = container_of(router).status

    def read(limit: int) -> FoundClipPage:
        return FoundClipPage.of(find_clips(project, wanted, limit=limit, cursor=cursor, ports=ports))

    return fitting(read, limit)


@router.get("/v1/clips/<clip_id>", summary="Get a clip, with the other views of its set", tags=["Clips"])
def read_clip(clip_id: ClipId) -> ClipDetailView:
    project, _ = project_of(router)
    return ClipDetailView.detail(get_clip(clip_id, project=project, ports=container_of(router).status))


@router.get("/v1/clips/<clip_id>/link", summary="Get a link to a clip's copy", tags=["Clips"])
def read_clip_link(
    clip_id: ClipId,
    download: Annotated[bool, Query(description="Whether browsers save the clip as a file.")] = False,
) -> ClipLinkView:
    project, _ = project_of(router)
    container = container_of(router)
    found = link_clip(
        clip_id,
        download=download,
        seconds=container.settings.clip_url_seconds,
        project=project,
        ports=container.status,
        links=container.links,
        clock=container.submit.clock,
    )
    return ClipLinkView(**vars(found))
