"""Build the source of an integration: read its credentials and pass them to the adapter of its type."""

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from service.domain.errors import CredentialsLost, InvalidRequest, UnsafeUrl
from service.domain.projects import Integration, IntegrationType
from service.domain.source_terms import SourceTerms, check_customer_key
from service.ports.projects import IntegrationSecrets
from service.sources.hub import HubAdapter
from service.sources.patience import Patience
from service.sources.patient import PatientSource
from service.sources.port import Adapter, ObjectSource
from service.sources.roles import RoleClients, S3Role, copying_by_role, s3_with_role
from service.sources.s3 import S3Keys, s3_with_keys
from service.web.addresses import AddressRule

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

CACHE_SECONDS = 60.0
"""How long a process keeps a client, and with it the integration's credentials."""
MAX_CACHED = 32

Made = TypeVar("Made")


@dataclass
class Kept(Generic[Made]):
    """Caches objects built from integrations for `CACHE_SECONDS`, by secret name; a secret's value never changes.

    What an integration allows may change, and decides which access its credentials are used for.
    """

    monotonic: Callable[[], float] = time.monotonic
    _known: dict[tuple[str, bool], tuple[float, Made]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def get(self, integration: Integration, make: Callable[[Integration], Made]) -> Made:
        """Return the cached object, or build it. Raises what `make` raises."""
        name = (integration.secret_name, integration.allow_delete)
        with self._lock:
            known = self._known.get(name)
            if known is not None and self.monotonic() - known[0] < CACHE_SECONDS:
                return known[1]
            made = make(integration)
            self._known.pop(name, None)
            while len(self._known) >= MAX_CACHED:
                del self._known[next(iter(self._known))]
            self._known[name] = (self.monotonic(), made)
            return made


@dataclass(frozen=True)
class CopyRoles:
    """Clients of the roles that may write clips."""

    arns: Collection[str]
    sts: Callable[[], "STSClient"]
    clips_region: str
    credentials_of: Callable[[Integration], str | None]
    """Reads an integration's credentials. Raises `CredentialsLost`."""
    connections: int = 16
    _kept: Kept[RoleClients] = field(default_factory=Kept, repr=False)

    def clients_of(self, integration: Integration | None) -> RoleClients | None:
        """Return None if the integration has no such role: its clips must be streamed."""
        if integration is None or integration.type is not IntegrationType.S3_ROLE:
            return None
        return self._kept.get(integration, self._made) if integration.role_arn in self.arns else None

    def _made(self, integration: Integration) -> RoleClients:
        return copying_by_role(
            role_of(integration, self.credentials_of(integration)),
            sts=self.sts(),
            clips_region=self.clips_region,
            connections=self.connections,
        )


def role_of(integration: Integration, credentials: str | None) -> S3Role:
    return S3Role(
        role_arn=integration.role_arn or "",
        external_id=integration.external_id or "",
        region=integration.region,
        terms=terms_of(integration, json.loads(credentials or "{}")),
    )


def terms_of(integration: Integration, credentials: Mapping[str, str]) -> SourceTerms:
    """Return the terms. Raises `InvalidRequest` if the customer key is none."""
    key = credentials.get("customer_key")
    return SourceTerms(requester_pays=integration.requester_pays, customer_key=check_customer_key(key) if key else None)


def credentials_of(integration: Integration, secrets: IntegrationSecrets) -> str | None:
    """Read the credentials; None if the integration has none. Raises `CredentialsLost`."""
    found = secrets.get(integration.secret_name) if integration.with_credentials else None
    if integration.with_credentials and found is None:
        raise CredentialsLost(
            f"the credentials of integration {integration.id} are gone: delete the integration and create it again",
            operation="open",
            uri=f"integration {integration.id}",
        )
    return found


@dataclass
class IntegrationSources:
    """Builds sources from integrations and their credentials, which are JSON.

    `s3`: the secret fields of `S3Keys`, and a `customer_key` if there is one; `s3_role` only that. `gcs`: the service
    account's key file. `hf_bucket`: a `token`.
    """

    secrets: IntegrationSecrets
    rule: AddressRule
    sts: Callable[[], "STSClient"]
    patience: Patience = field(default_factory=Patience)
    connections: int = 16
    monotonic: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._kept: Kept[ObjectSource] = Kept(self.monotonic)
        self._public = PatientSource(HubAdapter(rule=self.rule), self.patience)
        """Public buckets of Hugging Face."""

    def opened_by(self, integration: Integration | None) -> ObjectSource:
        """Return the source that an integration opens; None: without credentials. Raises `CredentialsLost`."""
        return self.source_for(integration) if integration else self._public

    def check(self, integration: Integration, credentials: str | None) -> None:
        """Check fields and credentials, and that all URLs lead to public addresses. Raises `InvalidRequest`."""
        urls = {"endpoint_url": integration.endpoint_url}
        if integration.type is IntegrationType.GCS:
            account: Any = json.loads(credentials or "null")
            urls["token_uri"] = str(account.get("token_uri", "")) if isinstance(account, dict) else ""
        for name, url in urls.items():
            if url is None:
                continue
            try:
                self.rule.check(url)
            except UnsafeUrl as error:
                raise UnsafeUrl(f"{name}: {error.message}") from None
        try:
            self._adapter(integration, credentials)
        except ValueError as error:
            # botocore's error about the region or the endpoint: it names the value, and never a key.
            raise InvalidRequest(str(error)) from None

    def source_for(self, integration: Integration) -> ObjectSource:
        """Return the source, from the cache for up to `CACHE_SECONDS`. Its credentials never change.

        Raises `CredentialsLost`.
        """
        return self._kept.get(integration, self._made)

    def _made(self, integration: Integration) -> ObjectSource:
        return PatientSource(self._adapter(integration, credentials_of(integration, self.secrets)), self.patience)

    def _adapter(self, integration: Integration, credentials: str | None) -> Adapter:
        match integration.type:
            case IntegrationType.S3:
                given = json.loads(credentials or "{}")
                terms = terms_of(integration, given)
                keys = S3Keys(
                    **{name: value for name, value in given.items() if name != "customer_key"},
                    region=integration.region,
                    endpoint_url=integration.endpoint_url,
                    terms=terms,
                )
                return s3_with_keys(keys, rule=self.rule, connections=self.connections)
            case IntegrationType.S3_ROLE:
                return s3_with_role(role_of(integration, credentials), sts=self.sts(), connections=self.connections)
            case IntegrationType.GCS:
                # Imported here because google-auth takes 10 MB and 60 ms of CPU.
                from service.sources.gcs import gcs_with_account

                return gcs_with_account(
                    credentials or "",
                    rule=self.rule,
                    endpoint=integration.endpoint_url,
                    connections=self.connections,
                    requester_pays=integration.requester_pays,
                    deletes=integration.allow_delete,
                )
            case IntegrationType.HF_BUCKET:
                token = json.loads(credentials)["token"] if credentials else None
                return HubAdapter(rule=self.rule, token=token)
