from functools import cached_property

from lambdas.wiring.finish import finish_ports
from service.aws.clients import secrets_client, workflow_client
from service.aws.dynamodb.ends import DynamoEnds
from service.aws.dynamodb.integrations import DynamoIntegrations
from service.aws.dynamodb.table import bind
from service.aws.secrets import IntegrationSecretsManager
from service.aws.workflow import StepFunctionsWorkflow
from service.imports.completion.sweep import SweepPorts
from service.ports.projects import IntegrationSecrets, IntegrationStore
from service.support.settings import SweepSettings


class SweepContainer:
    @cached_property
    def settings(self) -> SweepSettings:
        return SweepSettings.from_env()

    @cached_property
    def ports(self) -> SweepPorts:
        settings = self.settings
        return SweepPorts(
            finish=finish_ports(settings),
            ends=DynamoEnds(),
            workflow=StepFunctionsWorkflow(workflow_client(), settings.state_machine_arn),
            grace_seconds=settings.grace_seconds,
        )

    @cached_property
    def integrations(self) -> IntegrationStore:
        bind(self.settings.table_name)
        return DynamoIntegrations()

    @cached_property
    def integration_secrets(self) -> IntegrationSecrets:
        return IntegrationSecretsManager(secrets_client(), self.settings.integration_secrets_prefix)
