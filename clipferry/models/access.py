"""API keys and integrations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clipferry.decode import Model


@dataclass(frozen=True, kw_only=True)
class Caller(Model):
    """The key of this client."""

    id: str
    project: str | None = None
    """None for the admin key, which belongs to no project."""


@dataclass(frozen=True, kw_only=True)
class ApiKey(Model):
    id: str
    project: str
    name: str
    created_at: str


@dataclass(frozen=True, kw_only=True)
class CreatedKey(ApiKey):
    key: str = field(repr=False)
    """The key itself. The service does not show it again."""


@dataclass(frozen=True, kw_only=True)
class Integration(Model):
    """Saved access to a bucket. No answer has its credentials."""

    id: str
    name: str
    type: str
    bucket: str
    created_at: str
    prefix: str | None = None
    """The integration opens only keys that begin with it."""
    region: str | None = None
    endpoint_url: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    requester_pays: bool = False
    allow_delete: bool = False
    """Whether imports with `delete_source` may delete the objects that they copied."""
    trust_policy: Mapping[str, Any] | None = None
    """For `s3_role`: paste it into the role, like `permission_policy`."""
    permission_policy: Mapping[str, Any] | None = None
    created_by: str | None = None
    """The id of the key that saved it."""
    last_used: str | None = None
    """When an import was last planned with it, or it was tested."""


@dataclass(frozen=True, kw_only=True)
class Check(Model):
    """One step of an integration's test."""

    action: str
    """`list`, `read` or `tags`."""
    ok: bool
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class IntegrationTest(Model):
    """The result of an integration's test."""

    ok: bool
    """Listing and reading both worked."""
    checks: tuple[Check, ...]
