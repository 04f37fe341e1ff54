"""`/v1/audit`: list who requested which change in a project."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from lambdas.answers import fitting
from lambdas.routes.caller import project_of
from lambdas.routes.container import container_of
from lambdas.routes.parameters import Cursor, Limit
from lambdas.schemas.audit import AuditPage
from service.projects.audit import audit_page

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


@router.get("/v1/audit", summary="List requested changes, newest first", tags=["Audit"])
def list_audit(
    subject: Annotated[
        str | None, Query(min_length=1, max_length=128, description="Only entries about the thing with this id.")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> AuditPage:
    project, _ = project_of(router)
    log = container_of(router).audit.log

    def read(limit: int) -> AuditPage:
        return AuditPage.of(audit_page(project, subject=subject, limit=limit, cursor=cursor, log=log))

    return fitting(read, limit)
