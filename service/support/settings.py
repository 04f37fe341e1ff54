"""Settings of each function, typed. The CDK renders the classes that the handlers read.

The CDK calls `to_env` at synth, when values may be CDK tokens (plain strings), and a handler calls `from_env` on its
first use. The field `table_name` becomes the variable `CLIPFERRY_TABLE_NAME`.
"""

import os
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from service.domain.errors import InvalidSettings

ENV_PREFIX = "CLIPFERRY_"

_DECODERS: dict[object, typing.Callable[[str], object]] = {
    str: str,
    int: int,
    bool: {"True": True, "False": False}.__getitem__,
    tuple[str, ...]: lambda text: tuple(item for item in text.split(",") if item),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of a function's settings. Fields are `str`, `int`, `bool` or `tuple[str, ...]`."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read every field from `env`, by default the process's environment. Raises `InvalidSettings`."""
        source = os.environ if env is None else env
        hints = typing.get_type_hints(cls)
        values: dict[str, object] = {}
        for field in fields(cls):
            name = ENV_PREFIX + field.name.upper()
            if name not in source:
                raise InvalidSettings(f"the environment variable {name} is not set")
            try:
                values[field.name] = _DECODERS[hints[field.name]](source[name])
            except (ValueError, KeyError) as error:
                raise InvalidSettings(f"{name}={source[name]!r}: {error}") from error
        return cls(**values)

    def to_env(self) -> dict[str, str]:
        """Return the environment variables from which `from_env` makes an equal object."""
        env: dict[str, str] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            env[ENV_PREFIX + field.name.upper()] = ",".join(value) if isinstance(value, tuple) else str(value)
        return env


@dataclass(frozen=True, kw_only=True)
class RowSettings(Settings):
    """Base of the settings of functions that write rows of imports."""

    row_retention_days: int = 0
    """Days after its completion for which an import's rows are kept. 0: they do not expire."""
    longest_import_hours: int = 0
    """The longest time that an import may take, with its waits for restores."""


@dataclass(frozen=True, kw_only=True)
class AuthorizeSettings(Settings):
    table_name: str
    admin_secret_arn: str
    rate_key_prefix: str
    """Begins the values of the deployment's API Gateway keys (`service.projects.rate_keys`)."""


@dataclass(frozen=True, kw_only=True)
class Deployment(Settings):
    """The deploy settings that an import's cost and time depend on."""

    batch_clips: int
    batch_bytes: int
    map_concurrency: int
    copy_concurrency: int
    copy_threads: int
    stat_concurrency: int
    multipart_threshold_bytes: int
    part_bytes: int
    stream_part_bytes: int


@dataclass(frozen=True, kw_only=True)
class ApiSettings(Deployment, RowSettings):
    table_name: str
    copy_slots: int
    """Batches that are copied at once, of all imports together."""
    state_bucket: str
    clips_bucket: str
    state_machine_arn: str
    source_buckets: tuple[str, ...]
    """Buckets that callers may name, including the drop bucket."""
    requester_pays_buckets: tuple[str, ...]
    drop_bucket: str
    default_project: str
    """Project that owns the objects in the drop bucket outside `inbox/`."""
    max_clips_per_import: int
    max_clip_ids: int
    max_body_bytes: int
    default_on_existing: str
    default_content_validation: str
    preview_seconds: int
    """Seconds of a preview or preflight before it answers with "at least"."""
    max_active_imports: int
    max_slow_requests: int
    """Requests of one project at once that wait for a store."""
    audit_retention_days: int
    delete_source_buckets: tuple[str, ...]
    """Source buckets in which imports may delete what they copied."""
    webhook_secret_arn: str
    allow_private_urls: bool
    report_url_seconds: int
    clip_url_seconds: int
    upload_url_seconds: int
    max_upload_bytes: int
    """The largest file that callers may upload by links."""
    cors_origins: tuple[str, ...]
    """Origins of other web pages that may call the API from a browser."""
    integration_secrets_prefix: str
    """Prefix of the secrets that hold integrations' credentials: `clipferry/{stack_name}/integrations/`."""
    trusted_roles: str
    """Pattern of the ARNs of the functions' own roles: `arn:aws:iam::{account}:role/{stack_name}-*`."""
    copy_roles: tuple[str, ...]

    # Not variables of their own: a function's environment is small.
    @property
    def stack_name(self) -> str:
        return self.integration_secrets_prefix.split("/")[1]

    @property
    def trusted_account(self) -> str:
        """ARN of the own account's root, for the trust policies of callers' roles."""
        return f"{self.trusted_roles.partition(':role/')[0]}:root"


@dataclass(frozen=True, kw_only=True)
class PlanSettings(RowSettings):
    table_name: str
    state_bucket: str
    clips_bucket: str
    source_buckets: tuple[str, ...]
    requester_pays_buckets: tuple[str, ...]
    drop_bucket: str
    default_project: str
    max_clips_per_import: int
    batch_clips: int
    batch_bytes: int
    stat_concurrency: int
    map_concurrency: int
    source_request_seconds: int
    restore_wait_hours: int
    integration_secrets_prefix: str
    allow_private_urls: bool


@dataclass(frozen=True, kw_only=True)
class CopySettings(RowSettings):
    table_name: str
    state_bucket: str
    clips_bucket: str
    copy_slots: int
    """Batches that are copied at once, of all imports together."""
    drop_bucket: str
    copy_concurrency: int
    copy_threads: int
    multipart_threshold_bytes: int
    part_bytes: int
    stream_part_bytes: int
    stream_memory_bytes: int
    source_request_seconds: int
    """Total seconds of a request to another store, however slowly its answer comes."""
    source_part_seconds: int
    """Total seconds of one part of a streamed clip."""
    requester_pays_buckets: tuple[str, ...]
    copy_roles: tuple[str, ...]
    """ARNs of integrations' roles that may write clips; S3 copies the objects that they read."""
    integration_secrets_prefix: str
    allow_private_urls: bool


@dataclass(frozen=True, kw_only=True)
class ExtrapolateSettings(Settings):
    table_name: str
    state_bucket: str
    clips_bucket: str
    stationary_distance_cm: int
    copy_slots: int
    """Batches that may be copied or extrapolated at once, of all imports together."""


@dataclass(frozen=True, kw_only=True)
class FinishSettings(RowSettings):
    table_name: str
    state_bucket: str
    clips_bucket: str


@dataclass(frozen=True, kw_only=True)
class ConcludeSettings(RowSettings):
    table_name: str
    state_bucket: str
    clips_bucket: str
    webhook_secret_arn: str
    drop_bucket: str
    drop_imported_days: int
    """Days after which the uploads of a completed import are removed. 0: never."""
    allow_private_urls: bool
    webhook_attempts: int
    webhook_retry_seconds: int


@dataclass(frozen=True, kw_only=True)
class DeleteSourcesSettings(RowSettings):
    table_name: str
    state_bucket: str
    clips_bucket: str
    delete_source_buckets: tuple[str, ...]
    """Source buckets in which imports may delete what they copied."""
    requester_pays_buckets: tuple[str, ...]
    stat_concurrency: int
    """Sources that are deleted at the same time."""
    source_request_seconds: int
    integration_secrets_prefix: str
    allow_private_urls: bool


@dataclass(frozen=True, kw_only=True)
class UploadSettings(RowSettings):
    table_name: str
    state_bucket: str
    state_machine_arn: str
    queue_url: str
    """The queue of uploads, to which manifests without room are sent again."""
    drop_bucket: str
    default_project: str
    max_active_imports: int
    default_on_existing: str
    default_content_validation: str
    upload_window_seconds: int
    """Seconds for which a job gathers further uploads before it is planned."""
    audit_retention_days: int
    source_buckets: tuple[str, ...]
    """Buckets whose events watches may take, without the drop bucket."""


@dataclass(frozen=True, kw_only=True)
class WatchSettings(RowSettings):
    table_name: str
    state_bucket: str
    clips_bucket: str
    state_machine_arn: str
    source_buckets: tuple[str, ...]
    drop_bucket: str
    default_project: str
    max_clips_per_import: int
    map_concurrency: int
    stat_concurrency: int
    max_active_imports: int
    default_on_existing: str
    default_content_validation: str
    audit_retention_days: int
    delete_source_buckets: tuple[str, ...]
    integration_secrets_prefix: str
    allow_private_urls: bool
    webhook_secret_arn: str
    webhook_attempts: int
    webhook_retry_seconds: int


@dataclass(frozen=True, kw_only=True)
class SweepSettings(RowSettings):
    table_name: str
    state_bucket: str
    clips_bucket: str
    state_machine_arn: str
    grace_seconds: int
    """Age in seconds from which a job without a running execution counts as orphaned."""
    integration_secrets_prefix: str
