"""Integrations: what is saved, what is shown, and what a test of one found."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, SecretStr, StringConstraints, field_validator

from lambdas.schemas.base import Body, Model, Name
from service.domain.projects import Integration, IntegrationType
from service.projects.integrations.manage import IntegrationRequest
from service.projects.integrations.policies import Trusted, permission_policy, trust_policy
from service.projects.integrations.probe import Check, Probe
from service.support.paging import Page

MAX_ACCOUNT_BYTES = 16 * 1024


def _printable(secret: SecretStr) -> SecretStr:
    """Headers carry it."""
    if not all("!" <= character <= "~" for character in secret.get_secret_value()):
        raise ValueError("must be ASCII without spaces")
    return secret


Secret = Annotated[SecretStr, Field(min_length=1, max_length=256), AfterValidator(_printable)]
SessionToken = Annotated[SecretStr, Field(min_length=1, max_length=8_192), AfterValidator(_printable)]
Region = Annotated[str, StringConstraints(pattern="^[a-z0-9-]{1,32}$")]
EndpointUrl = Annotated[str, StringConstraints(max_length=2_048, pattern=r"^https?://[A-Za-z0-9._~:\[\]/%-]+$")]


class IntegrationBody(Body):
    name: Name
    bucket: Annotated[str, StringConstraints(min_length=1, max_length=256)] = Field(
        description="Its name alone; of Hugging Face `namespace/name`."
    )
    prefix: Annotated[str, StringConstraints(max_length=1_024)] | None = Field(
        None, description="Reach only keys that begin so; end a folder with `/`."
    )

    def to_request(self) -> IntegrationRequest:
        """With the credentials of those types that have some."""
        shown = ("type", "name", "bucket", "prefix", "region", "endpoint_url", "role_arn")
        given = {name: getattr(self, name) for name in shown if hasattr(self, name)}
        return IntegrationRequest(**given | {"type": IntegrationType(given["type"])}, credentials=self.credentials())

    def credentials(self) -> str | None:
        """As they are kept: JSON."""
        return None


class S3IntegrationBody(IntegrationBody):
    """S3, or a store that speaks it, by keys."""

    type: Literal["s3"]
    access_key_id: Secret
    secret_access_key: Secret
    session_token: SessionToken | None = None
    region: Region | None = Field(None, description="With an `endpoint_url` it is `auto` where it is left out.")
    endpoint_url: EndpointUrl | None = Field(None, description="Of a store that is not AWS: `https://…`.")

    def credentials(self) -> str:
        token = self.session_token.get_secret_value() if self.session_token else None
        return json.dumps(
            {
                "access_key_id": self.access_key_id.get_secret_value(),
                "secret_access_key": self.secret_access_key.get_secret_value(),
                "session_token": token,
            }
        )


class S3RoleIntegrationBody(IntegrationBody):
    """S3 of another account. The answer has the policies to paste into the role."""

    type: Literal["s3_role"]
    role_arn: Annotated[str, StringConstraints(max_length=256)] = Field(
        description="`arn:aws:iam::123456789012:role/clipferry-…`; the role need not be there yet."
    )
    region: Region | None = None


class GcsIntegrationBody(IntegrationBody):
    type: Literal["gcs"]
    service_account: dict[str, JsonValue] = Field(repr=False, description="The key file, as a JSON object.")
    endpoint_url: EndpointUrl | None = Field(None, description="Of a store that is not Google's own.")

    @field_validator("service_account")
    @classmethod
    def _of_a_key_file_s_size(cls, account: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if len(json.dumps(account)) > MAX_ACCOUNT_BYTES:
            raise ValueError(f"has more than {MAX_ACCOUNT_BYTES:,} bytes")
        return account

    def credentials(self) -> str:
        return json.dumps(self.service_account, sort_keys=True)


class HfBucketIntegrationBody(IntegrationBody):
    type: Literal["hf_bucket"]
    token: Secret | None = Field(None, description="Public buckets need none.")

    def credentials(self) -> str | None:
        return json.dumps({"token": self.token.get_secret_value()}) if self.token else None


AnyIntegrationBody = S3IntegrationBody | S3RoleIntegrationBody | GcsIntegrationBody | HfBucketIntegrationBody


class IntegrationView(Model):
    """Without its credentials: no answer ever has them."""

    id: str
    name: str
    type: IntegrationType
    bucket: str
    prefix: str | None
    region: str | None
    endpoint_url: str | None
    role_arn: str | None
    external_id: str | None = Field(description="Of a role: its trust policy must demand it.")
    trust_policy: dict[str, Any] | None = Field(description="To be pasted into the role.")
    permission_policy: dict[str, Any] | None = Field(description="To be pasted into the role.")
    created_at: str
    created_by: str | None = Field(description="Id of the key that asked.")
    last_used: str | None

    @classmethod
    def of(cls, integration: Integration, trusted: Trusted) -> "IntegrationView":
        fields = {name: getattr(integration, name) for name in cls.model_fields if hasattr(integration, name)}
        policies = {
            "trust_policy": trust_policy(integration, trusted) if integration.role_arn else None,
            "permission_policy": permission_policy(integration, trusted) if integration.role_arn else None,
        }
        return cls.model_validate(fields | policies)


class IntegrationPage(Model):
    integrations: list[IntegrationView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[Integration], trusted: Trusted) -> "IntegrationPage":
        found = [IntegrationView.of(one, trusted) for one in page.items]
        return cls(integrations=found, next_cursor=page.next_cursor, has_more=page.has_more)


class CheckView(Model):
    action: Literal["list", "read", "tags"]
    ok: bool
    code: str | None
    message: str | None = Field(description="Names the permission that is missing, where one is.")

    @classmethod
    def of(cls, check: Check) -> "CheckView":
        return cls.model_validate(check, from_attributes=True)


class ProbeView(Model):
    ok: bool = Field(description="Whether listing and reading were seen to work.")
    checks: list[CheckView] = Field(
        description="`list` and `read`, in this order; of S3 also `tags`, without which none are kept."
    )

    @classmethod
    def of(cls, found: Probe) -> "ProbeView":
        return cls(ok=found.ok, checks=[CheckView.of(check) for check in found.checks])
