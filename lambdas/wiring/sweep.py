from lambdas.wiring import finish
from service.aws.clients import secrets_client, workflow_client
from service.aws.ends import DynamoEnds
from service.aws.integrations import DynamoIntegrations
from service.aws.secrets import IntegrationSecretsManager
from service.aws.table import bind
from service.aws.workflow import StepFunctionsWorkflow
from service.imports.sweep import SweepPorts
from service.parallel import Once
from service.settings import SweepSettings


@Once
def sweep_ports() -> SweepPorts:
    settings = SweepSettings.from_env()
    return SweepPorts(
        finish=finish.ports_for(settings.table_name, settings.state_bucket, settings.clips_bucket),
        ends=DynamoEnds(),
        workflow=StepFunctionsWorkflow(workflow_client(), settings.state_machine_arn),
        grace_seconds=settings.grace_seconds,
    )


@Once
def unsettled_integrations() -> tuple[DynamoIntegrations, IntegrationSecretsManager]:
    settings = SweepSettings.from_env()
    bind(settings.table_name)
    return DynamoIntegrations(), IntegrationSecretsManager(secrets_client(), settings.integration_secrets_prefix)
