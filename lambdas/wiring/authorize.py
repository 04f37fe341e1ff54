from functools import cached_property

from service.aws.clients import secrets_client
from service.aws.dynamodb.keys import DynamoKeys
from service.aws.dynamodb.table import bind
from service.aws.secrets import SecretsManager
from service.ports.projects import KeyStore, Secrets
from service.support.settings import AuthorizeSettings


class AuthorizeContainer:
    @cached_property
    def settings(self) -> AuthorizeSettings:
        return AuthorizeSettings.from_env()

    @cached_property
    def keys(self) -> KeyStore:
        bind(self.settings.table_name)
        return DynamoKeys()

    @cached_property
    def secrets(self) -> Secrets:
        return SecretsManager(secrets_client())
