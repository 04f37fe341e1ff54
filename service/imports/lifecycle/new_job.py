"""Make the job of an import, whether a caller, an upload or a watch asked for it."""

from service.domain.jobs import Door, Job, JobStatus, Source, SourceKind, Trigger, WatchRun
from service.domain.requests import ImportRequest

_TRIGGERS = {Door.UPLOAD: Trigger.UPLOAD, Door.WATCH: Trigger.WATCH}


def job_of(
    request: ImportRequest,
    source: Source,
    *,
    job_id: str,
    project: str,
    now: str,
    door: Door = Door.API,
    digest: str | None = None,
    key_id: str | None = None,
    watch: WatchRun | None = None,
) -> Job:
    """The job as it is before its planning. `digest` is the request's, which an upload has none of."""
    return Job(
        id=job_id,
        project=project,
        status=JobStatus.PENDING,
        source=source,
        trigger=_TRIGGERS.get(door, Trigger.API),
        created_at=now,
        updated_at=now,
        folder=request.folder,
        labels=request.labels,
        run_name_prefix=request.run_name_prefix,
        test_run_group_name=request.test_run_group_name or f"import-{now[:10]}-{job_id[-6:]}",
        filters=request.filters,
        settings=request.settings,
        execution_settings_id=request.execution_settings_id,
        integration_id=request.integration_id,
        request_digest=digest,
        key_id=key_id,
        door=door,
        counted=source.kind is not SourceKind.UPLOAD,
        video_upload=request.video_upload,
        watch=watch,
    )
