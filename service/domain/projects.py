"""What a project owns besides imports: keys, folders, presets, integrations and the audit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from service.domain.jobs import Door


class Action(StrEnum):
    """Kinds of audit entries. The values are stable."""

    IMPORT_START = "import.start"
    IMPORT_CANCEL = "import.cancel"
    IMPORT_RETRY = "import.retry"
    IMPORT_DELETE = "import.delete"
    CLIP_DELETE = "clip.delete"
    FOLDER_CREATE = "folder.create"
    WEBHOOK_REPLAY = "webhook.replay"
    WEBHOOK_SECRET_ROTATE = "webhook_secret.rotate"
    KEY_CREATE = "key.create"
    KEY_REVOKE = "key.revoke"
    EXECUTION_SETTINGS_CREATE = "execution_settings.create"
    EXECUTION_SETTINGS_REPLACE = "execution_settings.replace"
    EXECUTION_SETTINGS_DELETE = "execution_settings.delete"
    INTEGRATION_CREATE = "integration.create"
    INTEGRATION_CHANGE = "integration.change"
    INTEGRATION_TEST = "integration.test"
    INTEGRATION_DELETE = "integration.delete"
    WATCH_CREATE = "watch.create"
    WATCH_CHANGE = "watch.change"
    WATCH_RUN = "watch.run"
    WATCH_DELETE = "watch.delete"


class FolderScope(StrEnum):
    """Folders of one name in different scopes are different folders."""

    USER = "user"
    ORG = "org"


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A named folder for imports. Its id follows from project, scope and name."""

    id: str
    project: str
    scope: FolderScope
    name: str
    description: str | None
    created_at: str
    created_by: str | None
    """Id of the API key that asked."""
    idempotency: str | None = None
    """SHA-256 of the idempotency key of the request that made it."""


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
    """Who asks: by which endpoint, API key and API Gateway request."""

    door: Door
    key_id: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """A request to change `subject` (an id). Entries never change."""

    id: str
    """Sorts after all older entries of the project."""
    project: str
    time: str
    action: Action
    subject: str
    by: Actor
    expires_at: int
    """When it expires, in seconds since 1970."""
    details: Mapping[str, object] | None = None
    """Further values of the request, as JSON: the content validation of a retry that overrules it, the deletion of
    sources by an import, the changes of an integration."""


@dataclass(frozen=True, kw_only=True)
class ExecutionSettings:
    """A preset: saved settings, as they were given. Fields that they leave out get the defaults at the time of use."""

    id: str
    project: str
    name: str
    description: str | None
    settings: Mapping[str, object]
    created_at: str
    updated_at: str
    request_digest: str
    """SHA-256 of the request, to tell a repeated request from an idempotency key that is used twice."""


class IntegrationType(StrEnum):
    """The values are stable."""

    S3 = "s3"
    """S3, or a store with its API, by access keys."""
    S3_ROLE = "s3_role"
    """S3 in another account, by a role that trusts this account."""
    GCS = "gcs"
    HF_BUCKET = "hf_bucket"


class IntegrationState(StrEnum):
    CREATING = "CREATING"
    """Its credentials are being stored; callers do not see it yet."""
    READY = "READY"
    DELETING = "DELETING"
    """Its credentials are being deleted; callers no longer see it."""


@dataclass(frozen=True, kw_only=True)
class Integration:
    """Saved access to one bucket, or to a prefix of it. The credentials are in Secrets Manager."""

    id: str
    project: str
    name: str
    type: IntegrationType
    bucket: str
    """On Hugging Face `namespace/name`."""
    prefix: str | None = None
    """Beginning of the keys that it reaches; None: all keys."""
    region: str | None = None
    endpoint_url: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    """External id of a role: made by the service and required by the role's trust policy. Unique, not secret."""
    requester_pays: bool = False
    """Whether the service pays for requests and data transfer, instead of the bucket's owner."""
    allow_delete: bool = False
    """Whether imports may delete the objects that they copied."""
    secret_name: str
    """Name in Secrets Manager below the deployment's prefix; each one is new, so that its value never changes."""
    with_credentials: bool
    """Whether a secret exists under that name; roles and public buckets need none."""
    state: IntegrationState
    touched_at: str
    """When it got its current state."""
    created_at: str
    created_by: str | None
    """Id of the API key that asked."""
    last_used: str | None = None
    request_digest: str
    """SHA-256 of the request that made it, without its credentials."""


@dataclass(frozen=True, kw_only=True)
class WebhookSecretState:
    """Which of a project's webhook secrets are in use. Secrets are numbered; `webhooks.project_secret` derives each."""

    current: int = 0
    older: Mapping[int, str] = field(default_factory=dict)
    """Number of each older secret that still signs → until when."""
