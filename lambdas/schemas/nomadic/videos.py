"""Single videos."""

from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field

from lambdas.schemas.base import Model
from service.imports.queries.videos import Video, VideoStatus


class ListedVideo(Model):
    video_id: str
    video_name: str = Field(description="Name of the object.")
    filename: str
    duration_s: float | None = Field(description="Seconds, if content validation read them.")
    folder_id: str | None
    folder_name: str | None
    status: str = Field(description="`processing`, `uploaded` or `uploading_failed`.")
    created_at: str = Field(description="Time at which its import was requested.")
    org_id: str = Field(description="The project.")
    import_job_id: str
    import_source_uri: str

    @classmethod
    def of(cls, video: Video) -> "ListedVideo":
        job, clip = video.job, video.clip
        name = PurePosixPath(clip.source_uri).name
        duration = (clip.facts or {}).get("duration_s")
        return cls(
            video_id=clip.id,
            video_name=name,
            filename=name,
            duration_s=float(duration) if isinstance(duration, int | float) else None,
            folder_id=job.video_upload.folder_id if job.video_upload else None,
            folder_name=job.folder,
            status=video.status.lower(),
            created_at=job.created_at,
            org_id=job.project,
            import_job_id=job.id,
            import_source_uri=clip.source_uri,
        )


class MyVideosView(Model):
    videos: list[ListedVideo]


class InnerStatus(Model):
    status: VideoStatus


class VisualAnalysis(Model):
    status: InnerStatus


class VideoMetadata(Model):
    visual_analysis: VisualAnalysis
    chunks_total: int = Field(description="Always 1: a video is copied as a whole.")
    chunks_uploaded: int
    video_name: str
    import_source_uri: str
    code: str | None
    message: str | None


class VideoStatusView(Model):
    video_id: str
    status: VideoStatus
    metadata: VideoMetadata

    @classmethod
    def of(cls, video: Video) -> "VideoStatusView":
        clip = video.clip
        metadata = VideoMetadata(
            visual_analysis=VisualAnalysis(status=InnerStatus(status=video.status)),
            chunks_total=1,
            chunks_uploaded=int(video.status is VideoStatus.UPLOADED),
            video_name=PurePosixPath(clip.source_uri).name,
            import_source_uri=clip.source_uri,
            code=clip.code,
            message=clip.message,
        )
        return cls(video_id=clip.id, status=video.status, metadata=metadata)


class DeletedView(Model):
    status: Literal["deleted"] = "deleted"
    video_id: str
