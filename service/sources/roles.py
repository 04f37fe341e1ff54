"""S3 of another account, through a role that trusts this account."""

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

from service.domain.source_terms import NO_TERMS, SourceTerms
from service.sources.regions import default_region
from service.sources.s3 import S3Adapter, client_config, parse_listings_fast, send_pinned

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from botocore.session import Session
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

SESSION_SECONDS = 3600
"""The longest session that AWS grants when a role assumes a role."""
COPY_ATTEMPTS = 5
"""Tries of one server-side copy request, as for the service's own role."""


@dataclass(frozen=True, kw_only=True)
class S3Role:
    role_arn: str
    external_id: str = field(repr=False)
    region: str | None = None
    session_name: str = "clipferry"
    terms: SourceTerms = NO_TERMS


def s3_with_role(role: S3Role, *, sts: "STSClient", connections: int = 16) -> S3Adapter:
    """Make an adapter. The first request assumes the role; botocore renews the session 15 minutes before its end."""
    config = client_config(connections=connections, path_style=False)
    client = _client(_session(role, sts), role.region or default_region(), config)
    send_pinned(client, None, connections=connections)
    parse_listings_fast(client)
    return S3Adapter(client, role.terms)


@dataclass(frozen=True)
class RoleClients:
    """Clients of one session, for server-side copies."""

    reads: "S3Client"
    """Sends requests to the source's region."""
    copies: "S3Client"
    """Sends requests to the clips bucket's region: a copy is a request to its destination."""
    credentials: "Credentials"
    """Credentials of the session, renewed automatically."""
    terms: SourceTerms = NO_TERMS


def copying_by_role(role: S3Role, *, sts: "STSClient", clips_region: str, connections: int = 16) -> RoleClients:
    """Make clients that retry transient errors themselves."""
    session = _session(role, sts)
    config = client_config(connections=connections, path_style=False).merge(
        Config(retries={"mode": "standard", "total_max_attempts": COPY_ATTEMPTS})
    )
    credentials = session.get_credentials()
    assert credentials is not None  # the provider returns them lazily
    return RoleClients(
        reads=_client(session, role.region or default_region(), config),
        copies=_client(session, clips_region, config),
        credentials=credentials,
        terms=role.terms,
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
    """Name the error of an expired session: botocore raises a bare `RuntimeError` for it."""

    def session() -> dict[str, Any]:
        given = refresh()
        if parse_timestamp(given["expiry_time"]) <= datetime.now(UTC):
            message = "the session has expired by this machine's clock"
            raise CredentialRetrievalError(provider=_Assumed.METHOD, error_msg=message)
        return given

    return session
