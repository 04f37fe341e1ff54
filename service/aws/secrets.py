"""Secrets Manager, with a short memory so that a request costs no call."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHE_SECONDS = 60.0


@dataclass
class SecretsManager:
    client: "SecretsManagerClient"
    monotonic: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, str]] = field(default_factory=dict)

    def get(self, secret_id: str) -> str:
        """The secret's text, at most `CACHE_SECONDS` old."""
        read_at, value = self._known.get(secret_id, (float("-inf"), ""))
        if self.monotonic() - read_at >= CACHE_SECONDS:
            value = self.client.get_secret_value(SecretId=secret_id)["SecretString"]
            self._known[secret_id] = (self.monotonic(), value)
        return value
