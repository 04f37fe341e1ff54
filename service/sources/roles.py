"""S3 of another account, by a role that trusts this one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
    create_assume_role_refresher,
)
from botocore.exceptions import CredentialRetrievalError
from botocore.utils import parse_timestamp

from service.sources.s3 import S3Adapter, client_config, send_pinned

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from botocore.session import Session
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

ANY_REGION = "us-east-1"
"""It says where a bucket is that lies elsewhere, and botocore follows."""
SESSION_SECONDS = 3600
"""The most that AWS grants to a role that assumes a role."""
COPY_ATTEMPTS = 5
"""Of one request of a copy on S3's side, as by the service's own role."""


@dataclass(frozen=True, kw_only=True)
class S3Role:
    role_arn: str
    external_id: str = field(repr=False)
    region: str | None = None
    session_name: str = "clipferry"


def s3_with_role(role: S3Role, *, sts: "STSClient", connections: int = 16) -> S3Adapter:
    """The role is assumed at the first request, and again by botocore 15 minutes before its session ends."""
    config = client_config(connections=connections, path_style=False)
    client = _client(_session(role, sts), role.region or ANY_REGION, config)
    send_pinned(client, None, connections=connections)
    return S3Adapter(client)


@dataclass(frozen=True)
class RoleClients:
    """Clients of one session, for server-side copies."""

    reads: "S3Client"
    """Asks the source's region."""
    copies: "S3Client"
    """Asks the clips bucket's region: a copy is a request to its destination."""
    credentials: "Credentials"
    """Of the session, which renew themselves."""


def copying_by_role(role: S3Role, *, sts: "STSClient", clips_region: str, connections: int = 16) -> RoleClients:
    """Make clients that try again by themselves."""
    session = _session(role, sts)
    config = client_config(connections=connections, path_style=False).merge(
        Config(retries={"mode": "standard", "total_max_attempts": COPY_ATTEMPTS})
    )
    credentials = session.get_credentials()
    assert credentials is not None  # they are asked for later
    return RoleClients(
        reads=_client(session, role.region or ANY_REGION, config),
        copies=_client(session, clips_region, config),
        credentials=credentials,
    )


def _session(role: S3Role, sts: "STSClient") -> "Session":
    session = botocore.session.get_session()
    session.register_component("credential_provider", CredentialResolver([_Assumed(role, sts)]))
    return session


def _client(session: "Session", region: str, config: Config) -> "S3Client":
    return session.create_client("s3", region_name=region, config=config)  # type: ignore[return-value]


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
        return DeferredRefreshableCredentials(_not_over(self._refresh), self.METHOD)


def _not_over(refresh: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Botocore's own word for a session that is over when it begins is a bare `RuntimeError`."""

    def session() -> dict[str, Any]:
        given = refresh()
        if parse_timestamp(given["expiry_time"]) <= datetime.now(UTC):
            raise CredentialRetrievalError(provider=_Assumed.METHOD, error_msg="the session is over by this clock")
        return given

    return session
