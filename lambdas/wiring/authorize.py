from service.aws.clients import secrets_client
from service.aws.keys import DynamoKeys
from service.aws.secrets import SecretsManager
from service.aws.table import bind
from service.parallel import Once
from service.settings import AuthorizeSettings


@Once
def key_store() -> DynamoKeys:
    bind(AuthorizeSettings.from_env().table_name)
    return DynamoKeys()


@Once
def admin_secret() -> tuple[SecretsManager, str]:
    return SecretsManager(secrets_client()), AuthorizeSettings.from_env().admin_secret_arn
