"""Keys and integrations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clipferry.decode import Model


@dataclass(frozen=True, kw_only=True)
class Caller(Model):
    """What the key of this client is."""

    id: str
    project: str | None = None
    """None for the admin key, which manages keys and does nothing else."""


@dataclass(frozen=True, kw_only=True)
class ApiKey(Model):
    id: str
    project: str
    name: str
    created_at: str


@dataclass(frozen=True, kw_only=True)
class CreatedKey(ApiKey):
    key: str = field(repr=False)
    """Its text, shown this once."""


@dataclass(frozen=True, kw_only=True)
class Integration(Model):
    """Saved access to a bucket, without its credentials."""

    id: str
    name: str
    type: str
    bucket: str
    created_at: str
    prefix: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    trust_policy: Mapping[str, Any] | None = None
    """Of a role: to be pasted into it, as is `permission_policy`."""
    permission_policy: Mapping[str, Any] | None = None
    created_by: str | None = None
    last_used: str | None = None


@dataclass(frozen=True, kw_only=True)
class Check(Model):
    action: str
    """`list`, `read` or `tags`."""
    ok: bool
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class IntegrationTest(Model):
    ok: bool
    checks: tuple[Check, ...]
