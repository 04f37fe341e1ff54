from lambdas.wiring import finish
from service.aws.clients import secrets_client, workflow_client
from service.aws.dynamodb.ends import DynamoEnds
from service.aws.dynamodb.integrations import DynamoIntegrations
from service.aws.dynamodb.table import bind
from service.aws.secrets import IntegrationSecretsManager
from service.aws.workflow import StepFunctionsWorkflow
from service.imports.completion.sweep import SweepPorts
from service.support.parallel import Once
from service.support.settings import SweepSettings


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
