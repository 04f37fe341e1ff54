from service.aws.clients import secrets_client
from service.aws.dynamodb.webhook_secrets import DynamoWebhookSecrets
from service.aws.secrets import SecretsManager
from service.projects.webhook_secrets import WebhookSecretPorts
from service.support.clock import utc_now
from service.support.settings import ApiSettings, ConcludeSettings, WatchSettings


def webhook_secrets(settings: ApiSettings | ConcludeSettings | WatchSettings) -> WebhookSecretPorts:
    """Return the access to the secrets that webhooks are signed with."""
    return WebhookSecretPorts(
        store=DynamoWebhookSecrets(),
        secrets=SecretsManager(secrets_client()),
        master_arn=settings.webhook_secret_arn,
        clock=utc_now,
    )
