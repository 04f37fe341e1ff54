"""Import jobs: status, videos, retry."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from lambdas.answers import fitting
from lambdas.routes.caller import project_of
from lambdas.routes.changes import run_again
from lambdas.routes.container import container_of
from lambdas.routes.nomadic.common import TAGS, sdk_actor
from lambdas.routes.parameters import IdempotencyKey, JobId, VideoCursor
from lambdas.schemas.nomadic.jobs import JobView, RetryVideosBody, VideosView
from service.imports.queries.status import get_job
from service.imports.queries.videos import videos_page
from service.support.paging import MAX_PAGE

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


@router.get("/api/import-jobs/<job_id>", summary="Get an import job", tags=TAGS)
def read_import_job(job_id: JobId) -> JobView:
    project, _ = project_of(router)
    return JobView.of(get_job(job_id, project=project, jobs=container_of(router).status.jobs))


@router.get(
    "/api/import-jobs/<job_id>/videos", summary="List an import job's videos, or the front views of its sets", tags=TAGS
)
def list_import_job_videos(
    job_id: JobId,
    limit: Annotated[
        int, Query(ge=1, description="Maximum number of videos. A page may have fewer, and never more than 1,000.")
    ] = 500,
    cursor: VideoCursor = None,
    offset: Annotated[
        int | None, Query(ge=0, description="Number of videos to skip, instead of `cursor`. Not for multi-view jobs.")
    ] = None,
) -> VideosView:
    project, _ = project_of(router)
    ports = container_of(router).status
    job = get_job(job_id, project=project, jobs=ports.jobs)

    def read(size: int) -> VideosView:
        page = videos_page(job, limit=size, cursor=cursor, offset=offset, ports=ports)
        return VideosView.of(job, page, cursor=cursor)

    shown = fitting(read, limit)
    return shown.model_copy(update={"limit": min(limit, MAX_PAGE)})


@router.post("/api/import-jobs/<job_id>/retry", summary="Retry failed videos", tags=TAGS)
def retry_import_job(
    job_id: JobId,
    body: Annotated[RetryVideosBody | None, Body()] = None,
    idempotency_key: IdempotencyKey = None,
) -> JobView:
    clip_ids = body.video_ids if body else None
    return JobView.of(run_again(router, job_id, clip_ids, idempotency_key, by=sdk_actor(router)))
