"""Reports and webhooks of completed imports, and the secret that verifies a project's webhooks."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from lambdas.routes.caller import actor_of, project_of
from lambdas.routes.changes import record_change
from lambdas.routes.container import container_of
from lambdas.routes.parameters import JobId
from lambdas.schemas.ended import ReportFormat, ReportView, RotateBody, WebhookSecretView
from lambdas.schemas.imports import ImportView
from service.domain.projects import Action
from service.imports.completion.report_links import replay_webhook, report_link
from service.projects.webhook_secrets import rotate, signing_secrets

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped

Format = Annotated[
    ReportFormat,
    Query(
        alias="format", description="File of the report. `failures` is a manifest of the clips that were not copied."
    ),
]


@router.get("/v1/imports/<job_id>/report", summary="Get a link to the import's report", tags=["Imports"])
def read_report(job_id: JobId, form: Format = ReportFormat.CSV) -> ReportView:
    project, _ = project_of(router)
    return ReportView.of(report_link(job_id, form, project=project, ports=container_of(router).ended))


@router.post(
    "/v1/imports/<job_id>/webhook/replay",
    status_code=202,
    summary="Send the import's webhook again",
    tags=["Imports"],
)
def replay(job_id: JobId) -> ImportView:
    project, _ = project_of(router)
    ports = container_of(router).ended
    record_change(router, Action.WEBHOOK_REPLAY, job_id, by=actor_of(router))
    return ImportView.of(replay_webhook(job_id, project=project, ports=ports), now=ports.clock())


@router.get("/v1/webhook-secret", summary="Get the secret that signs webhooks", tags=["Webhooks"])
def read_secret() -> WebhookSecretView:
    project, _ = project_of(router)
    return WebhookSecretView.of(signing_secrets(project, container_of(router).webhook_secrets))


@router.post("/v1/webhook-secret/rotate", summary="Replace the secret that signs webhooks", tags=["Webhooks"])
def rotate_secret(body: Annotated[RotateBody | None, Body()] = None) -> WebhookSecretView:
    project, _ = project_of(router)
    container = container_of(router)
    signing = rotate(
        project,
        overlap_seconds=(body or RotateBody()).overlap_seconds,
        by=actor_of(router),
        audit_days=container.audit.retention_days,
        ports=container.webhook_secrets,
    )
    return WebhookSecretView.of(signing)
