"""`/v1/imports`: start, list, follow and change imports; `/v1/previews`: plan one without importing."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from lambdas.answers import fitting
from lambdas.routes.caller import actor_of, project_of
from lambdas.routes.changes import record_change, run_again
from lambdas.routes.container import container_of
from lambdas.routes.parameters import Cursor, IdempotencyKey, JobId, Limit
from lambdas.schemas.audit import AuditPage
from lambdas.schemas.clips import ClipPage
from lambdas.schemas.failures import FailuresView, TimelineView
from lambdas.schemas.imports import ImportBody, ImportPage, ImportView, RetryBody
from lambdas.schemas.previews import PreviewView
from lambdas.schemas.settings import SettingsBody
from service.domain.clips import ClipStatus
from service.domain.errors import InvalidRequest
from service.domain.jobs import Job, JobStatus, Trigger
from service.domain.limits import MAX_FOLDER, MAX_NAME
from service.domain.projects import Action
from service.domain.requests import ImportSettings
from service.imports.completion.delete import delete
from service.imports.intake.cancel import cancel
from service.imports.intake.submit import submit
from service.imports.previews.preview import preview
from service.imports.previews.spent import spent
from service.imports.queries.failures import failures_of
from service.imports.queries.imports import ImportFilter, imports_page
from service.imports.queries.status import clips_page, get_job
from service.imports.queries.timeline import timeline_of
from service.projects.audit import audit_page
from service.projects.presets import saved_for_import

_TIME = {"format": "date-time"}

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


@router.post("/v1/imports", status_code=202, summary="Start an import", tags=["Imports"])
def start_import(
    body: Annotated[ImportBody, Body()],
    header_key: IdempotencyKey = None,
) -> ImportView:
    project, key_id = project_of(router)
    if header_key and body.idempotency_key and header_key != body.idempotency_key:
        raise InvalidRequest("idempotency_key and the Idempotency-Key header differ")
    ports = container_of(router).submit
    request = body.to_request(idempotency_key=body.idempotency_key or header_key, defaults=ports.defaults)
    by = actor_of(router)
    job = submit(
        request,
        project=project,
        key_id=key_id,
        ports=ports,
        door=by.door,
        request_id=by.request_id,
        saved_settings=lambda settings_id: _saved(settings_id, project),
    )
    return _view(job)


@router.get("/v1/imports", summary="List imports, newest first", tags=["Imports"])
def list_imports(
    status: Annotated[JobStatus | None, Query(description="Only imports with this status.")] = None,
    trigger: Annotated[Trigger | None, Query(description="Only imports that were started this way.")] = None,
    folder: Annotated[str | None, Query(max_length=MAX_FOLDER, description="Only imports into this folder.")] = None,
    label: Annotated[str | None, Query(max_length=MAX_NAME, description="Only imports with this label.")] = None,
    watch: Annotated[str | None, Query(max_length=64, description="Only imports that this watch started.")] = None,
    created_after: Annotated[
        str | None, Query(description="Earliest time of creation, ISO 8601 with a zone.", json_schema_extra=_TIME)
    ] = None,
    created_before: Annotated[
        str | None,
        Query(description="The time of creation is before this one, ISO 8601 with a zone.", json_schema_extra=_TIME),
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ImportPage:
    project, _ = project_of(router)
    jobs, now = container_of(router).status.jobs, container_of(router).submit.clock()
    wanted = ImportFilter(
        status=status,
        trigger=trigger,
        folder=folder,
        label=label,
        watch=watch,
        created_after=created_after,
        created_before=created_before,
    )

    def read(limit: int) -> ImportPage:
        return ImportPage.of(imports_page(project, wanted, limit=limit, cursor=cursor, jobs=jobs), now=now)

    return fitting(read, limit)


@router.get("/v1/imports/<job_id>", summary="Get an import's status and counts", tags=["Imports"])
def read_import(job_id: JobId) -> ImportView:
    project, _ = project_of(router)
    return _view(get_job(job_id, project=project, jobs=container_of(router).status.jobs))


@router.post("/v1/imports/<job_id>/cancel", status_code=202, summary="Cancel an import", tags=["Imports"])
def cancel_import(job_id: JobId) -> ImportView:
    project, _ = project_of(router)
    ports = container_of(router).submit
    record_change(router, Action.IMPORT_CANCEL, job_id, by=actor_of(router))
    job = cancel(job_id, project=project, jobs=ports.jobs, workflow=ports.workflow, clock=ports.clock)
    return _view(job)


@router.post(
    "/v1/imports/<job_id>/retry", status_code=202, summary="Retry failed and cancelled clips", tags=["Imports"]
)
def retry_import(
    job_id: JobId,
    body: Annotated[RetryBody | None, Body()] = None,
    header_key: IdempotencyKey = None,
) -> ImportView:
    body = body or RetryBody()
    job = run_again(
        router,
        job_id,
        body.clip_ids,
        header_key,
        by=actor_of(router),
        content_validation=body.content_validation,
        codes=body.codes or (),
    )
    return _view(job)


@router.delete("/v1/imports/<job_id>", status_code=204, summary="Delete an import's record", tags=["Imports"])
def delete_import(job_id: JobId) -> Response[str]:
    project, _ = project_of(router)
    ports = container_of(router).submit
    record_change(router, Action.IMPORT_DELETE, job_id, by=actor_of(router))
    delete(job_id, project=project, jobs=ports.jobs, clock=ports.clock)
    return Response(status_code=HTTPStatus.NO_CONTENT, body="")


@router.get("/v1/imports/<job_id>/clips", summary="List an import's clips", tags=["Imports"])
def list_clips(
    job_id: JobId,
    limit: Limit = 500,
    cursor: Cursor = None,
    status: Annotated[ClipStatus | None, Query(description="Only clips with this status.")] = None,
) -> ClipPage:
    project, _ = project_of(router)
    ports = container_of(router).status
    job = get_job(job_id, project=project, jobs=ports.jobs)

    def read(limit: int) -> ClipPage:
        return ClipPage.of(clips_page(job, limit=limit, cursor=cursor, status=status, ports=ports))

    return fitting(read, limit)


@router.get("/v1/imports/<job_id>/failures", summary="Count failed clips by code, with examples", tags=["Imports"])
def list_failures(job_id: JobId) -> FailuresView:
    project, _ = project_of(router)
    ports = container_of(router).status
    return FailuresView.of(failures_of(get_job(job_id, project=project, jobs=ports.jobs), ports))


@router.get(
    "/v1/imports/<job_id>/timeline", summary="Get an import's phases, counts over time and cost", tags=["Imports"]
)
def read_timeline(job_id: JobId) -> TimelineView:
    project, _ = project_of(router)
    jobs = container_of(router).status.jobs
    job = get_job(job_id, project=project, jobs=jobs)
    timeline = timeline_of(job, jobs)
    return TimelineView.of(timeline, spent(job, batches=timeline.batches, deployment=container_of(router).settings))


@router.get("/v1/imports/<job_id>/audit", summary="List requested changes of an import", tags=["Audit"])
def list_import_audit(job_id: JobId, limit: Limit = 100, cursor: Cursor = None) -> AuditPage:
    project, _ = project_of(router)
    get_job(job_id, project=project, jobs=container_of(router).status.jobs)
    log = container_of(router).audit.log

    def read(limit: int) -> AuditPage:
        return AuditPage.of(audit_page(project, subject=job_id, limit=limit, cursor=cursor, log=log))

    return fitting(read, limit)


@router.post("/v1/previews", summary="Preview an import: clips, cost and time", tags=["Imports"])
def preview_import(body: Annotated[ImportBody, Body()]) -> PreviewView:
    project, _ = project_of(router)
    ports = container_of(router).preview
    request = body.to_request(idempotency_key=None, defaults=ports.defaults)
    if request.execution_settings_id is not None:
        request = replace(request, settings=_saved(request.execution_settings_id, project))
    return PreviewView.of(preview(request, project=project, ports=ports))


def _saved(settings_id: str, project: str) -> ImportSettings:
    """The settings of a preset, with today's defaults. Raises `UnknownExecutionSettings`."""
    found = saved_for_import(settings_id, project=project, store=container_of(router).presets.store)
    return SettingsBody.model_validate(found.settings).to_settings(container_of(router).submit.defaults)


def _view(job: Job) -> ImportView:
    return ImportView.of(job, now=container_of(router).submit.clock())
