"""Integrations: requests, saved integrations and test results."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, SecretStr, StringConstraints, field_validator

from lambdas.schemas.base import Body, Model, Name
from lambdas.schemas.patterns import BUCKET, ROLE_ARN
from service.domain.projects import Integration, IntegrationType
from service.projects.integrations.manage import IntegrationRequest
from service.projects.integrations.policies import Trusted, permission_policy, trust_policy
from service.projects.integrations.probe import Check, Probe
from service.support.paging import Page

MAX_ACCOUNT_BYTES = 16 * 1024


def _printable(secret: SecretStr) -> SecretStr:
    """HTTP headers carry it, so it has printable ASCII only."""
    if not all("!" <= character <= "~" for character in secret.get_secret_value()):
        raise ValueError("must be ASCII without spaces")
    return secret


Secret = Annotated[SecretStr, Field(min_length=1, max_length=256), AfterValidator(_printable)]
SessionToken = Annotated[SecretStr, Field(min_length=1, max_length=8_192), AfterValidator(_printable)]
Region = Annotated[str, StringConstraints(max_length=32, pattern="^[a-z][a-z0-9-]*[a-z0-9]$")]
EndpointUrl = Annotated[str, StringConstraints(max_length=2_048, pattern=r"^https?://[A-Za-z0-9._~:\[\]/%-]+$")]


REQUESTER_PAYS: Any = Field(
    False,
    description="Pay for requests and data transfer as the requester; on Google by the account's project.",
)
ALLOW_DELETE: Any = Field(
    False,
    description="Let imports with `delete_source` delete the objects that they copied. The credentials must allow it.",
)
CUSTOMER_KEY: Any = Field(
    None, description="Key of objects that a customer's key encrypts (SSE-C): base64 of its 32 bytes."
)


def _customer_key(key: SecretStr | None) -> dict[str, str]:
    return {"customer_key": key.get_secret_value()} if key else {}


class IntegrationBody(Body):
    name: Name
    bucket: Annotated[str, StringConstraints(min_length=1, max_length=256)] = Field(
        description="Name of the bucket; `namespace/name` for Hugging Face.", json_schema_extra=BUCKET
    )
    prefix: Annotated[str, StringConstraints(max_length=1_024)] | None = Field(
        None, description="Read only keys that begin with this. End a folder with `/`."
    )

    def to_request(self) -> IntegrationRequest:
        """The domain's request, with the credentials of types that have some."""
        shown = ("type", "name", "bucket", "prefix", "region", "endpoint_url", "role_arn")
        asked = (*shown, "requester_pays", "allow_delete")
        given = {name: getattr(self, name) for name in asked if hasattr(self, name)}
        return IntegrationRequest(**given | {"type": IntegrationType(given["type"])}, credentials=self.credentials())

    def credentials(self) -> str | None:
        """The credentials as JSON, as Secrets Manager keeps them."""
        return None


class S3IntegrationBody(IntegrationBody):
    """A bucket of S3, or of a store with its API, by access keys."""

    type: Literal["s3"]
    access_key_id: Secret
    secret_access_key: Secret
    session_token: SessionToken | None = None
    region: Region | None = Field(None, description="Default with `endpoint_url`: `auto`.")
    endpoint_url: EndpointUrl | None = Field(None, description="Endpoint of a store other than AWS.")
    requester_pays: bool = REQUESTER_PAYS
    allow_delete: bool = ALLOW_DELETE
    customer_key: Secret | None = CUSTOMER_KEY

    def credentials(self) -> str:
        token = self.session_token.get_secret_value() if self.session_token else None
        keys = {
            "access_key_id": self.access_key_id.get_secret_value(),
            "secret_access_key": self.secret_access_key.get_secret_value(),
            "session_token": token,
        }
        return json.dumps(keys | _customer_key(self.customer_key))


class S3RoleIntegrationBody(IntegrationBody):
    """A bucket of another AWS account, by a role. The answer has the policies for the role."""

    type: Literal["s3_role"]
    role_arn: Annotated[str, StringConstraints(max_length=256)] = Field(
        description="ARN of the role. Its name begins with `clipferry-`. It may not exist yet.",
        json_schema_extra=ROLE_ARN,
    )
    region: Region | None = None
    requester_pays: bool = REQUESTER_PAYS
    allow_delete: bool = ALLOW_DELETE
    customer_key: Secret | None = CUSTOMER_KEY

    def credentials(self) -> str | None:
        return json.dumps(_customer_key(self.customer_key)) if self.customer_key else None


class GcsIntegrationBody(IntegrationBody):
    """A bucket of Google Cloud Storage, by a service account."""

    type: Literal["gcs"]
    service_account: dict[str, JsonValue] = Field(repr=False, description="Content of the key file, a JSON object.")
    endpoint_url: EndpointUrl | None = Field(None, description="Endpoint of a store other than Google's.")
    requester_pays: bool = REQUESTER_PAYS
    allow_delete: bool = ALLOW_DELETE

    @field_validator("service_account")
    @classmethod
    def _of_a_key_file_s_size(cls, account: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if len(json.dumps(account)) > MAX_ACCOUNT_BYTES:
            raise ValueError(f"has more than {MAX_ACCOUNT_BYTES:,} bytes")
        return account

    def credentials(self) -> str:
        return json.dumps(self.service_account, sort_keys=True)


class HfBucketIntegrationBody(IntegrationBody):
    """A Hugging Face bucket."""

    type: Literal["hf_bucket"]
    token: Secret | None = Field(None, description="Access token. Public buckets need none.")

    def credentials(self) -> str | None:
        return json.dumps({"token": self.token.get_secret_value()}) if self.token else None


AnyIntegrationBody = S3IntegrationBody | S3RoleIntegrationBody | GcsIntegrationBody | HfBucketIntegrationBody


class IntegrationPatch(Body):
    """Change what an integration allows."""

    allow_delete: bool = Field(
        description="Whether imports with `delete_source` may delete the objects that they copied. Imports that run "
        "keep all sources from the moment on at which it is false."
    )


class IntegrationView(Model):
    """An integration without its credentials, which no answer ever contains."""

    id: str
    name: str
    type: IntegrationType
    bucket: str
    prefix: str | None
    region: str | None
    endpoint_url: str | None
    role_arn: str | None
    requester_pays: bool
    allow_delete: bool
    external_id: str | None = Field(description="Id that the role's trust policy must require.")
    trust_policy: dict[str, Any] | None = Field(description="Trust policy for the role.")
    permission_policy: dict[str, Any] | None = Field(description="Permission policy for the role.")
    created_at: str
    created_by: str | None = Field(description="Id of the key that created it.")
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
    message: str | None = Field(description="Reason, with the missing permission if there is one.")

    @classmethod
    def of(cls, check: Check) -> "CheckView":
        return cls.model_validate(check, from_attributes=True)


class ProbeView(Model):
    ok: bool = Field(description="Whether listing and reading worked.")
    checks: list[CheckView] = Field(
        description="`list`, `read` and, for S3, `tags`. Without the permission for tags, copies have no tags."
    )

    @classmethod
    def of(cls, found: Probe) -> "ProbeView":
        return cls(ok=found.ok, checks=[CheckView.of(check) for check in found.checks])
