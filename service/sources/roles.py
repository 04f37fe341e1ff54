"""S3 of another account, by a role that trusts this one."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
    create_assume_role_refresher,
)

from service.sources.s3 import S3Adapter, client_config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

SESSION_SECONDS = 3600
"""The most that AWS grants to a role that assumes a role."""


@dataclass(frozen=True, kw_only=True)
class S3Role:
    role_arn: str
    external_id: str = field(repr=False)
    region: str | None = None
    session_name: str = "clipferry"


def s3_with_role(role: S3Role, *, sts: "STSClient", connections: int = 16) -> S3Adapter:
    """The role is assumed at the first request, and again by botocore 15 minutes before its session ends."""
    session = botocore.session.get_session()
    session.register_component("credential_provider", CredentialResolver([_Assumed(role, sts)]))
    config = client_config(connections=connections, path_style=False)
    client: S3Client = session.create_client("s3", region_name=role.region or "us-east-1", config=config)  # type: ignore[assignment]
    return S3Adapter(client)


class _Assumed(CredentialProvider):
    METHOD = "sts-assume-role"

    def __init__(self, role: S3Role, sts: "STSClient") -> None:
        super().__init__()
        self._refresh = create_assume_role_refresher(
            sts,
            {
                "RoleArn": role.role_arn,
                "RoleSessionName": role.session_name,
                "ExternalId": role.external_id,
                "DurationSeconds": SESSION_SECONDS,
            },
        )

    def load(self) -> Any:
        return DeferredRefreshableCredentials(self._refresh, self.METHOD)
