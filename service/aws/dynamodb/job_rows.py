"""Turn a job into its row and back."""

from dataclasses import asdict
from typing import Any

from service.aws.dynamodb.ends import delivery_of
from service.aws.dynamodb.keys_of_rows import ACTIVE, job_pk, project_pk
from service.aws.dynamodb.table import JobRow
from service.domain.jobs import (
    Counts,
    Door,
    Job,
    JobStatus,
    Restores,
    Retry,
    Run,
    Source,
    SourceKind,
    Trigger,
    WatchCause,
    WatchRun,
    settings_of_run,
)
from service.domain.manifest import as_rounds
from service.domain.requests import (
    Archived,
    ContentValidation,
    DeleteSource,
    Filters,
    ImportSettings,
    Members,
    Notify,
    OnExisting,
    Restore,
    RestoreTier,
    Tolerance,
    VideoUpload,
)
from service.domain.search_keys import job_position


def job_row(job: Job) -> JobRow:
    position = job_position(job.created_at, job.id)
    return JobRow(
        job_pk(job.id),
        "JOB",
        listing_pk=project_pk(job.project),
        listing_sk=position,
        attention_pk=ACTIVE,
        attention_sk=position,
        project=job.project,
        status=job.status,
        source_kind=job.source.kind,
        source_uri=job.source.uri,
        source_count=job.source.count,
        source_size=job.source.size,
        source_etag=job.source.etag,
        source_version=job.source.version,
        source_as_of=job.source.as_of,
        trigger=job.trigger,
        created_at=job.created_at,
        updated_at=job.updated_at,
        folder=job.folder,
        labels=list(job.labels),
        run_name_prefix=job.run_name_prefix,
        test_run_group_name=job.test_run_group_name,
        filters=asdict(job.filters) if job.filters else None,
        settings=asdict(job.settings),
        execution_settings_id=job.execution_settings_id,
        integration_id=job.integration_id,
        request_digest=job.request_digest,
        key_id=job.key_id,
        door=job.door,
        counted=job.counted,
        video_upload=asdict(job.video_upload) if job.video_upload else None,
        watch=asdict(job.watch) if job.watch else None,
    )


def settings_of_stored(stored: dict[str, Any]) -> ImportSettings:
    """Read settings from a row's JSON."""
    return ImportSettings(
        on_existing=OnExisting(stored["on_existing"]),
        content_validation=ContentValidation(stored["content_validation"]),
        storage_class=stored["storage_class"],
        keep_metadata=stored["keep_metadata"],
        keep_tags=stored["keep_tags"],
        notify=Notify(**stored["notify"]),
        destination=stored["destination"],
        max_concurrency=stored["max_concurrency"],
        tolerated_failures=Tolerance(**stored["tolerated_failures"]) if stored["tolerated_failures"] else None,
        stationary_extrapolation=stored["stationary_extrapolation"],
        archived=Archived(stored.get("archived", Archived.FAIL)),
        delete_source=DeleteSource(stored.get("delete_source", DeleteSource.NEVER)),
        restore=_restore(stored["restore"]) if "restore" in stored else Restore(),
        members=Members(stored.get("members", Members.FILES)),
    )


def _restore(stored: dict[str, Any]) -> Restore:
    return Restore(**stored | {"tier": RestoreTier(stored["tier"])})


def filters_of_stored(stored: dict[str, Any] | None) -> Filters | None:
    """Read filters from a row's JSON."""
    if not stored:
        return None
    return Filters(**stored | {name: tuple(stored[name]) for name in ("include", "exclude")})


def job_of_row(row: JobRow) -> Job:
    return Job(
        id=row.pk.removeprefix("JOB#"),
        project=row.project,
        status=JobStatus(row.status),
        source=Source(
            kind=SourceKind(row.source_kind),
            uri=row.source_uri,
            count=int(row.source_count) if row.source_count is not None else None,
            size=int(row.source_size) if row.source_size is not None else None,
            etag=row.source_etag,
            version=row.source_version,
            as_of=row.source_as_of,
        ),
        trigger=Trigger(row.trigger),
        created_at=row.created_at,
        updated_at=row.updated_at,
        completed_at=row.completed_at,
        counts=Counts(
            total=int(row.total),
            copied=int(row.copied),
            skipped=int(row.skipped),
            failed=int(row.failed),
            cancelled=int(row.cancelled),
            bytes=int(row.bytes),
        ),
        folder=row.folder,
        labels=tuple(row.labels),
        run_name_prefix=row.run_name_prefix,
        test_run_group_name=row.test_run_group_name,
        filters=filters_of_stored(row.filters),
        settings=settings_of_stored(row.settings),
        code=row.code,
        message=row.message,
        cancel_requested=bool(row.cancel_requested),
        execution_settings_id=row.execution_settings_id,
        integration_id=row.integration_id,
        request_digest=row.request_digest,
        key_id=row.key_id,
        door=Door(row.door),
        counted=_counted(row),
        skipped_by_plan=int(row.skipped_by_plan),
        failed_before=int(row.failed_before),
        planned=bool(row.planned),
        copying_since=row.copying_since,
        cut_short=bool(row.cut_short),
        webhook=delivery_of(row.webhook),
        run=int(row.run),
        planned_run=int(row.planned_run) if row.planned_run is not None else None,
        plan_rounds=as_rounds(row.plan_rounds or ()),
        retry=_retry(row.retry) if row.retry else None,
        runs=tuple(_run(stored) for stored in row.runs),
        settled_before=int(row.settled_before),
        bytes_before=int(row.bytes_before),
        video_upload=VideoUpload(**row.video_upload) if row.video_upload else None,
        watch=_watch_run(row.watch) if row.watch else None,
        restores=Restores(**row.restores) if row.restores else None,
        resumes=int(row.resumes),
        resume_at=row.resume_at,
        removed=int(row.removed),
        removed_landed=int(row.removed_landed),
    )


def _counted(row: JobRow) -> bool:
    """Rows of before do not say it. Imports of dropped manifests did not count."""
    before = Trigger(row.trigger) is not Trigger.UPLOAD and SourceKind(row.source_kind) is not SourceKind.UPLOAD
    return before if row.counted is None else bool(row.counted)


def settings_of_batch(row: JobRow) -> ImportSettings:
    """What the job's present run copies with. The row needs `settings` and `retry` only."""
    return settings_of_run(settings_of_stored(row.settings), _retry(row.retry) if row.retry else None)


def _retry(stored: dict[str, Any]) -> Retry:
    asked = stored.get("content_validation")
    converted = {
        "content_validation": ContentValidation(asked) if asked else None,
        "codes": tuple(stored.get("codes", ())),
    }
    return Retry(**stored | converted)


def _watch_run(stored: dict[str, Any]) -> WatchRun:
    converted = {"cause": WatchCause(stored["cause"]), "failed_runs": tuple(stored.get("failed_runs", ()))}
    return WatchRun(**stored | converted)


def _run(stored: dict[str, Any]) -> Run:
    return Run(**stored | {"status": JobStatus(stored["status"]), "counts": Counts(**stored["counts"])})
