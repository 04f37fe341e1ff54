"""`/v1/deployment`: the settings of the deployment; `/v1/health`: what is queued, throttled and failing."""

from aws_lambda_powertools.event_handler.api_gateway import Router

from lambdas.routes.caller import project_of, require_admin
from lambdas.routes.container import container_of
from lambdas.schemas.deployment import DeploymentHealthView, DeploymentView, HealthView
from service.imports.queries.health import deployment_health, project_health

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped

TAGS = ["Deployment"]


@router.get("/v1/deployment", summary="Get the settings of the deployment", tags=TAGS)
def read_deployment() -> DeploymentView:
    return DeploymentView.of(container_of(router).settings)


@router.get("/v1/health", summary="Get what is queued, throttled and failing in the project", tags=TAGS)
def read_health() -> HealthView:
    project, _ = project_of(router)
    return HealthView.of(project_health(project, container_of(router).health))


@router.get("/v1/deployment/health", summary="Get what is queued, throttled and failing in the deployment", tags=TAGS)
def read_deployment_health() -> DeploymentHealthView:
    require_admin(router)
    return DeploymentHealthView.of(deployment_health(container_of(router).health))
