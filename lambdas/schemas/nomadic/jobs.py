"""Import jobs and their videos."""

from pydantic import Field

from lambdas.schemas.base import Model
from lambdas.schemas.nomadic.base import SdkBody
from lambdas.schemas.nomadic.uploads import PROVIDERS
from service.domain.codes import ClipCode
from service.domain.errors import InvalidUri
from service.domain.jobs import Job, JobStatus
from service.imports.intake.retry_request import MAX_CHOSEN
from service.imports.queries.videos import Video, VideoPage, VideoStatus, status_of, total_of

POLL_SECONDS = 5
"""Seconds that the SDKs wait between two polls."""

_STATUS = {
    JobStatus.COMPLETED: "completed",
    JobStatus.COMPLETED_WITH_ERRORS: "partial",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "cancelled",
}


class RetryVideosBody(SdkBody):
    video_ids: list[str] | None = Field(
        None, min_length=1, max_length=MAX_CHOSEN, description="Ids of failed videos to retry. Default: all of them."
    )


class JobView(Model):
    job_id: str
    import_job_id: str = Field(description="Same as `job_id`.")
    source: str = Field(description="`s3`, `gcs` or `hf_bucket`.")
    bucket: str | None
    prefix: str | None = Field(description="Prefix of an import of directories; else null.")
    folder_id: str | None
    folder_name: str | None
    total: int = Field(description="Number of videos or sets of the request, without deleted ones.")
    status: str = Field(description="`importing`, then `completed`, `partial`, `failed` or `cancelled`.")
    terminal: bool
    poll_after_seconds: int | None = Field(description="Seconds until the next poll; null when the job is complete.")
    message: str | None = Field(description="Reason for the final status, if there is one.")
    created_at: str
    updated_at: str
    completed_at: str | None

    @classmethod
    def of(cls, job: Job) -> "JobView":
        provider, bucket, prefix = _origin(job)
        terminal = job.status.terminal
        return cls(
            job_id=job.id,
            import_job_id=job.id,
            source=provider,
            bucket=bucket,
            prefix=prefix,
            folder_id=job.video_upload.folder_id if job.video_upload else None,
            folder_name=job.folder,
            total=total_of(job),
            status=_STATUS.get(job.status, "importing"),
            terminal=terminal,
            poll_after_seconds=None if terminal else POLL_SECONDS,
            message=job.message,
            created_at=job.created_at,
            updated_at=job.updated_at,
            completed_at=job.completed_at,
        )


def _origin(job: Job) -> tuple[str, str | None, str | None]:
    """(provider, bucket, prefix), also of imports that `/v1` or an upload started."""
    asked = job.video_upload
    if job.source.uri is None:
        return (asked.provider, asked.bucket, None) if asked else ("s3", None, None)
    try:
        found = job.source.location
    except InvalidUri:
        return "s3", None, None
    return PROVIDERS[found.scheme], found.bucket, found.key if job.source.kind.below_prefix else None


class ViewView(Model):
    video_id: str
    status: VideoStatus


class VideoRow(Model):
    video_id: str
    status: VideoStatus
    import_source_uri: str = Field(description="URI of the source, as the request named it.")
    code: str | None = Field(description="Code of a video that was not copied.")
    message: str | None


class SetRow(VideoRow):
    """A set, shown as its front view."""

    set_video_id: str
    views: dict[str, ViewView]
    failed_views: list[str] = Field(description="Roles of the views because of which the set was not copied.")


def row_of(video: Video) -> VideoRow | SetRow:
    clip = video.clip
    row = VideoRow(
        video_id=clip.id,
        status=video.status,
        import_source_uri=clip.source_uri,
        code=clip.code,
        message=clip.message,
    )
    if video.views is None:
        return row
    views = {role: ViewView(video_id=one.id, status=status_of(one)) for role, one in video.views.items()}
    return SetRow(**row.model_dump(), set_video_id=clip.id, views=views, failed_views=failed_views(video))


def failed_views(video: Video) -> list[str]:
    """The views that failed themselves, else (in a cancelled set) all that were not copied."""
    failed = {r: one for r, one in (video.views or {}).items() if status_of(one) is VideoStatus.UPLOADING_FAILED}
    return [role for role, one in failed.items() if one.code != ClipCode.SET_INCOMPLETE] or list(failed)


class VideosView(Model):
    import_job_id: str
    total: int
    limit: int
    cursor: str | None
    has_more: bool
    next_cursor: str | None = Field(description="Last `video_id` of this page, if there are more.")
    videos: list[SetRow | VideoRow]
    video_count: int = Field(description="Number of videos on this page.")

    @classmethod
    def of(cls, job: Job, page: VideoPage, *, cursor: str | None) -> "VideosView":
        return cls(
            import_job_id=job.id,
            total=total_of(job),
            limit=page.limit,
            cursor=cursor or None,
            has_more=page.has_more,
            next_cursor=page.next_cursor,
            videos=[row_of(video) for video in page.videos],
            video_count=len(page.videos),
        )
