"""A usage plan that limits the requests of each project.

API Gateway applies it before the stage's own throttle, which is for all callers together (developer guide, "How
throttling limit settings are applied"). Its keys are a fixed pool: decision 81.
"""

from aws_cdk import aws_apigateway as apigateway

from service.projects.rate_keys import RATE_KEYS, rate_key
from stacks.settings import DeploySettings


def limit_projects(rest: apigateway.RestApi, deploy: DeploySettings) -> None:
    """Add the plan and its keys to the API's stage."""
    plan = rest.add_usage_plan(
        "Projects",
        name=f"{deploy.stack_name}-projects",
        description="Clipferry: the rate of each project's requests",
        throttle=apigateway.ThrottleSettings(rate_limit=deploy.project_rate, burst_limit=deploy.project_burst),
    )
    plan.add_api_stage(stage=rest.deployment_stage)
    for number in range(RATE_KEYS):
        value = rate_key(deploy.stack_name, number)
        key = apigateway.ApiKey(rest, f"RateKey{number:02d}", api_key_name=value, value=value)
        plan.add_api_key(key)
