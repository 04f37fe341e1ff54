"""Single videos: list the newest, get one's status, delete one."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from lambdas.answers import fitting
from lambdas.routes.caller import project_of
from lambdas.routes.container import container_of
from lambdas.routes.nomadic.common import TAGS, sdk_actor
from lambdas.routes.parameters import VideoId
from lambdas.schemas.nomadic.folders import Scope
from lambdas.schemas.nomadic.videos import DeletedView, ListedVideo, MyVideosView, VideoStatusView
from service.domain.projects import Action, FolderScope
from service.imports.queries.delete_video import remove
from service.imports.queries.videos import get_video, newest_videos
from service.projects.audit import record

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


@router.get("/api/my-videos", summary="List the newest videos, at most 1,000", tags=TAGS)
def my_videos(
    folder: Annotated[str | None, Query(description="Only videos of the folder with this name.")] = None,
    scope: Annotated[Scope | None, Query(description="Scope of the folder. Default: both.")] = None,
) -> MyVideosView:
    project, _ = project_of(router)
    scopes = [scope] if scope else list(FolderScope)
    found = newest_videos(project, folder=folder or None, scopes=scopes, ports=container_of(router).status)
    listed = [ListedVideo.of(video) for video in found]
    return fitting(lambda size: MyVideosView(videos=listed[:size]), max(1, len(listed)))


@router.get("/api/video/<video_id>/status", summary="Get a video's status", tags=TAGS)
def read_video_status(video_id: VideoId) -> VideoStatusView:
    project, _ = project_of(router)
    return VideoStatusView.of(get_video(video_id, project=project, ports=container_of(router).status))


@router.delete("/api/video/<video_id>", summary="Delete a video, or the whole set that it belongs to", tags=TAGS)
def delete_video(video_id: VideoId) -> DeletedView:
    project, _ = project_of(router)
    video = get_video(video_id, project=project, ports=container_of(router).status, deleted_too=True)
    # The SDKs send a deletion again when its answer got lost.
    if video.clip.deleted_at is None:
        record(
            Action.CLIP_DELETE, video.clip.id, project=project, by=sdk_actor(router), ports=container_of(router).audit
        )
        remove(video, ports=container_of(router).remove)
    return DeletedView(video_id=video_id)
