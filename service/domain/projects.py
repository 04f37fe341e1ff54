"""What a project owns besides imports: keys, folders, presets, integrations and its audit."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from service.domain.jobs import Door


class Action(StrEnum):
    """What an audit entry tells of. The words are stable."""

    IMPORT_START = "import.start"
    IMPORT_CANCEL = "import.cancel"
    IMPORT_RETRY = "import.retry"
    IMPORT_DELETE = "import.delete"
    CLIP_DELETE = "clip.delete"
    FOLDER_CREATE = "folder.create"
    WEBHOOK_REPLAY = "webhook.replay"
    KEY_CREATE = "key.create"
    KEY_REVOKE = "key.revoke"
    EXECUTION_SETTINGS_CREATE = "execution_settings.create"
    EXECUTION_SETTINGS_REPLACE = "execution_settings.replace"
    EXECUTION_SETTINGS_DELETE = "execution_settings.delete"
    INTEGRATION_CREATE = "integration.create"
    INTEGRATION_TEST = "integration.test"
    INTEGRATION_DELETE = "integration.delete"


class FolderScope(StrEnum):
    """Folders of one name in different scopes are different folders."""

    USER = "user"
    ORG = "org"


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A name that imports land under, made before them. Its id follows from project, scope and name."""

    id: str
    project: str
    scope: FolderScope
    name: str
    description: str | None
    created_at: str
    created_by: str | None
    """Id of the key that asked."""
    idempotency: str | None = None
    """SHA-256 of the idempotency key that it was made with."""


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A project's key as stored: only the SHA-256 of its secret part."""

    id: str
    project: str
    name: str
    digest: str
    created_at: str


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asks: through which door, with which key, in which request of API Gateway."""

    door: Door
    key_id: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """Someone asked for a change of `subject` (an id). Entries never change."""

    id: str
    """Sorts after all older ones of the project."""
    project: str
    time: str
    action: Action
    subject: str
    by: Actor
    expires_at: int
    """When it is forgotten, in seconds since 1970."""
    details: Mapping[str, object] | None = None
    """What was asked besides, as JSON: of a retry that overrules content validation."""


@dataclass(frozen=True, kw_only=True)
class ExecutionSettings:
    """Settings of an import that were saved under an id, as they were given: what they leave out has the defaults of
    the time when they are used.
    """

    id: str
    project: str
    name: str
    description: str | None
    settings: Mapping[str, object]
    created_at: str
    updated_at: str
    request_digest: str
    """SHA-256 of the request that made them, to tell a repeated idempotency key from a reused one."""


class IntegrationType(StrEnum):
    """The words are stable."""

    S3 = "s3"
    """S3, or a store that speaks it, by keys."""
    S3_ROLE = "s3_role"
    """S3 of another account, by a role that trusts this one."""
    GCS = "gcs"
    HF_BUCKET = "hf_bucket"


class IntegrationState(StrEnum):
    CREATING = "CREATING"
    """Its credentials are being stored; nobody sees it yet."""
    READY = "READY"
    DELETING = "DELETING"
    """Its credentials are being deleted; nobody sees it any more."""


@dataclass(frozen=True, kw_only=True)
class Integration:
    """How a project reads one bucket, or a prefix of it. Its credentials are in Secrets Manager."""

    id: str
    project: str
    name: str
    type: IntegrationType
    bucket: str
    """Of Hugging Face `namespace/name`."""
    prefix: str | None = None
    """Keys that it reaches begin so; None: all."""
    region: str | None = None
    endpoint_url: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    """Of a role: made by the service, demanded by the role's trust policy. No secret, but nobody else's either."""
    secret_name: str
    """In Secrets Manager, below the deployment's prefix; another one each time, so that its value never changes."""
    with_credentials: bool
    """Whether there is anything under that name: roles and public buckets need nothing."""
    state: IntegrationState
    touched_at: str
    """When it got its state."""
    created_at: str
    created_by: str | None
    """Id of the key that asked."""
    last_used: str | None = None
    request_digest: str
    """SHA-256 of the request that made it, without its credentials."""
