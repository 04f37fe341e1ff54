from service.aws.clients import secrets_client
from service.aws.dynamodb.keys import DynamoKeys
from service.aws.dynamodb.table import bind
from service.aws.secrets import SecretsManager
from service.support.parallel import Once
from service.support.settings import AuthorizeSettings


@Once
def key_store() -> DynamoKeys:
    bind(AuthorizeSettings.from_env().table_name)
    return DynamoKeys()


@Once
def admin_secret() -> tuple[SecretsManager, str]:
    return SecretsManager(secrets_client()), AuthorizeSettings.from_env().admin_secret_arn
