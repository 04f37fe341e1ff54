"""Change an import for `/v1` and `/api`. Each change is recorded in the audit first."""

from collections.abc import Mapping, Sequence

from aws_lambda_powertools.event_handler.api_gateway import Router

from lambdas.routes.caller import project_of
from lambdas.routes.container import container_of
from service.domain.jobs import Job
from service.domain.projects import Action, Actor
from service.domain.requests import ContentValidation
from service.imports.intake.retry_request import retry
from service.imports.queries.status import get_job
from service.projects.audit import record

CLIPS_IN_AUDIT = 100
"""Named clips that an audit entry lists. The clips' own rows say what was overruled of each."""


def record_change(
    router: Router, action: Action, job_id: str, *, by: Actor, details: Mapping[str, object] | None = None
) -> None:
    """Write the audit entry of a change of an import that exists. Raises `NotFound`."""
    project, _ = project_of(router)
    container = container_of(router)
    job = get_job(job_id, project=project, jobs=container.status.jobs)
    record(action, job.id, project=project, by=by, ports=container.audit, details=details)


def run_again(
    router: Router,
    job_id: str,
    clip_ids: Sequence[str] | None,
    idempotency_key: str | None,
    *,
    by: Actor,
    content_validation: ContentValidation | None = None,
    codes: Sequence[str] = (),
) -> Job:
    """Retry failed and cancelled clips: all, the given ones, or those with one of the codes. Raises as `retry` does."""
    project, key_id = project_of(router)
    container = container_of(router)
    details = None
    if content_validation is not None:
        job = get_job(job_id, project=project, jobs=container.status.jobs)
        details = {
            "content_validation": content_validation,
            "instead_of": job.settings.content_validation,
            "clips": len(set(clip_ids)) if clip_ids is not None else None,
            "clip_ids": sorted(set(clip_ids))[:CLIPS_IN_AUDIT] if clip_ids is not None else None,
        } | ({"codes": sorted(set(codes))} if codes else {})
    record_change(router, Action.IMPORT_RETRY, job_id, by=by, details=details)
    return retry(
        job_id,
        project=project,
        clip_ids=clip_ids,
        idempotency_key=idempotency_key,
        key_id=key_id,
        content_validation=content_validation,
        codes=codes,
        ports=container.status,
        workflow=container.submit.workflow,
        clock=container.submit.clock,
        max_active=container.submit.max_active,
    )
