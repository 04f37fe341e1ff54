"""A Lambda function with the house's defaults: arm64, its own role and log group, typed environment, Powertools."""

from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from service.support.settings import Settings
from stacks.bundle import ARCHITECTURE, RUNTIME
from stacks.nag import acknowledge
from stacks.reserved import kept
from stacks.settings import DeploySettings
from stacks.storage import Storage

METRICS_NAMESPACE = "Clipferry"
"""Of the service's own metrics. Their dimension `service` is the stack's name."""

POWERTOOLS = {
    "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
    "POWERTOOLS_LOG_LEVEL": "INFO",
}

_RETENTION = {
    1: logs.RetentionDays.ONE_DAY,
    3: logs.RetentionDays.THREE_DAYS,
    5: logs.RetentionDays.FIVE_DAYS,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    60: logs.RetentionDays.TWO_MONTHS,
    90: logs.RetentionDays.THREE_MONTHS,
    120: logs.RetentionDays.FOUR_MONTHS,
    150: logs.RetentionDays.FIVE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
    400: logs.RetentionDays.THIRTEEN_MONTHS,
    545: logs.RetentionDays.EIGHTEEN_MONTHS,
    731: logs.RetentionDays.TWO_YEARS,
    1096: logs.RetentionDays.THREE_YEARS,
    1827: logs.RetentionDays.FIVE_YEARS,
    3653: logs.RetentionDays.TEN_YEARS,
}


def log_group(scope: Construct, construct_id: str, deploy: DeploySettings, *, name: str | None = None) -> logs.LogGroup:
    """A log group that keeps logs for the days of the deploy settings, and goes with the stack."""
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        retention=_RETENTION[deploy.log_retention_days],
        removal_policy=RemovalPolicy.DESTROY,
    )


def _of_the_deployment(deploy: DeploySettings) -> dict[str, str]:
    """Variables that libraries read: Powertools, the Hugging Face client, botocore."""
    variables = {"POWERTOOLS_SERVICE_NAME": deploy.stack_name, "HF_ENDPOINT": deploy.hf_endpoint}
    if deploy.use_fips_endpoints:
        variables["AWS_USE_FIPS_ENDPOINT"] = "true"
    if deploy.use_dualstack_endpoints:
        variables["AWS_USE_DUALSTACK_ENDPOINT"] = "true"
    return variables


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the functions of a deployment are made of. `parquet_code` is `code` with the Parquet library."""

    deploy: DeploySettings
    code: lambda_.Code
    parquet_code: lambda_.Code
    storage: Storage


class ServiceFunction(lambda_.Function):
    """The function `lambdas.<name>.handler`. It may do nothing until `stacks.access` allows it."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        parts: Parts,
        *,
        env: Settings,
        memory_mb: int,
        timeout: Duration,
        reserved_concurrency: int = 0,
        parquet: bool = False,
    ) -> None:
        deploy = parts.deploy
        construct_id = "".join(word.capitalize() for word in name.split("_"))
        # Not the managed basic role, whose log permissions reach every log group of the account.
        role = iam.Role(scope, f"{construct_id}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        group = log_group(scope, f"{construct_id}Logs", deploy)
        group.grant_write(role)
        super().__init__(
            scope,
            construct_id,
            code=parts.parquet_code if parquet else parts.code,
            handler=f"lambdas.{name}.handler",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            role=role,
            log_group=group,
            environment={**env.to_env(), **POWERTOOLS, **_of_the_deployment(deploy)},
            memory_size=memory_mb,
            timeout=timeout,
            reserved_concurrent_executions=reserved_concurrency or kept(deploy.kept_concurrency).get(name),
            tracing=lambda_.Tracing.DISABLED if deploy.local else lambda_.Tracing.ACTIVE,
        )
        self.own_role = role
        reason = "PutTraceSegments and PutTelemetryRecords support no resource but *."
        acknowledge(role, {"AwsSolutions-IAM5[Resource::*]": reason})
