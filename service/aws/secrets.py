"""Secrets Manager, with a short cache so that most requests need no call."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHE_SECONDS = 60.0


@dataclass
class SecretsManager:
    client: "SecretsManagerClient"
    monotonic: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, str]] = field(default_factory=dict)

    def get(self, secret_id: str) -> str:
        """Return the secret's text, at most `CACHE_SECONDS` old."""
        read_at, value = self._known.get(secret_id, (float("-inf"), ""))
        if self.monotonic() - read_at >= CACHE_SECONDS:
            value = self.client.get_secret_value(SecretId=secret_id)["SecretString"]
            self._known[secret_id] = (self.monotonic(), value)
        return value


_GONE = {"ResourceNotFoundException", "InvalidRequestException"}
"""A recently deleted secret may still exist, marked as deleted: the second code."""


@dataclass(frozen=True)
class IntegrationSecretsManager:
    """Stores the credentials of integrations below `prefix`, which the functions' roles name."""

    client: "SecretsManagerClient"
    prefix: str

    def put(self, name: str, value: str) -> bool:
        try:
            self.client.create_secret(
                Name=self.prefix + name, SecretString=value, Description="Clipferry: credentials of an integration"
            )
        except ClientError as error:
            if _code(error) == "ResourceExistsException":
                return False
            raise
        return True

    def get(self, name: str) -> str | None:
        try:
            return self.client.get_secret_value(SecretId=self.prefix + name)["SecretString"]
        except ClientError as error:
            if _code(error) in _GONE:
                return None
            raise

    def delete(self, name: str) -> None:
        try:
            self.client.delete_secret(SecretId=self.prefix + name, ForceDeleteWithoutRecovery=True)
        except ClientError as error:
            if _code(error) not in _GONE:
                raise


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")
