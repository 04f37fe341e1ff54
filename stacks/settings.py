"""What a team decides before `cdk deploy`: typed, documented, checked before anything is synthesized.

The values live in cdk.json under `context.clipferry`; `cdk deploy -c key=value` overrides a single one
(lists are comma-separated).
"""

import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeVar

from service.domain.errors import InvalidSettings
from service.domain.ids import PROJECT_NAME
from service.domain.requests import ContentValidation, OnExisting
from service.projects.integrations.manage import ROLE_ARN, ROLE_NAME_PREFIX
from service.support.settings import Settings

MIB = 1024**2
GIB = 1024**3

LOG_RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653)
"""The retention periods that CloudWatch Logs accepts."""

NAMES_LENGTH = 2_500
"""Characters that the names of source buckets and copy roles may take: a function's environment must fit 4 KB."""

_BUCKET_NAME = re.compile(r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KMS_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")
_HTTP_URL = re.compile(r"https?://[A-Za-z0-9._~:\[\]-]+(/[A-Za-z0-9._~/-]*)?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


SettingsT = TypeVar("SettingsT", bound=Settings)


def _number(default: int, low: int, high: int) -> Any:
    return field(default=default, metadata={"range": (low, high)})


@dataclass(frozen=True, kw_only=True)
class DeploySettings:
    """One deployment's choices. Raises `InvalidSettings` with a sentence that names the key."""

    source_buckets: tuple[str, ...] = ()
    """Buckets that imports may read, besides the drop bucket. Nothing else is readable, whoever asks."""

    source_kms_key_arns: tuple[str, ...] = ()
    """Customer-managed KMS keys that source buckets are encrypted with."""

    copy_roles: tuple[str, ...] = ()
    """Roles of integrations that may write clips, so that S3 copies what they read. Others' clips stream."""

    default_project: str = "default"
    """The project of uploads to the drop bucket outside `inbox/{project}/`."""

    max_clips_per_import: int = _number(1_000_000, 1, 10_000_000)
    """The most clips one import may have."""

    max_body_bytes: int = _number(5_000_000, 1_000, 5_500_000)
    """The largest request body. Lambda takes 6 MB, in which the body is a JSON-escaped string."""

    preview_seconds: int = _number(8, 1, 20)
    """How long a preview looks before it answers with "at least". API Gateway gives up after 29 s."""

    batch_clips: int = _number(500, 1, 1_000)
    """The most clips in one copy batch. One that a call cannot finish in its time goes on in the next."""

    batch_bytes: int = _number(100 * GIB, 1, 5 * 1024 * GIB)
    """The most bytes in one copy batch; those that may stream count four times. A larger object is one by itself."""

    stat_concurrency: int = _number(32, 1, 256)
    """HEAD requests in flight while a list of URIs is planned or previewed."""

    map_concurrency: int = _number(40, 1, 1_000)
    """Copy batches in flight. Also reserved for the copy function out of the account's concurrency."""

    copy_concurrency: int = _number(128, 1, 512)
    """Copies in flight in one copy function, parts of large objects among them, all inside S3."""

    copy_threads: int = _number(32, 1, 256)
    """Clips in work at once in one copy function that take more: looked into, in sets, by parts, streamed."""

    multipart_threshold_bytes: int = _number(GIB, 5 * MIB, 5 * GIB)
    """Objects larger than this are copied in parts; S3 refuses a single copy above 5 GiB."""

    part_bytes: int = _number(256 * MIB, 5 * MIB, 5 * GIB)
    """The size of a part, raised where an object would have more than 10,000."""

    stream_part_bytes: int = _number(16 * MIB, 5 * MIB, 256 * MIB)
    """Parts of clips that pass through the copy function, from stores that cannot copy into the clips bucket."""

    stream_memory_bytes: int = _number(128 * MIB, 16 * MIB, 1024 * MIB)
    """Memory of one copy function for such parts, all of its copies together. It has 1,024 MB."""

    stationary_distance_cm: int = _number(50, 1, 1_000)
    """How far the centre of an obstacle track may be from its median for the track to count as stationary."""

    default_on_existing: str = OnExisting.SKIP.value
    """What imports do where an object lies at a clip's destination: skip (what is unchanged), overwrite or fail."""

    default_content_validation: str = ContentValidation.NONE.value
    """How closely imports look into clips before copying them: none, structure or deep."""

    upload_window_seconds: int = _number(20, 0, 900)
    """How long an upload-triggered import gathers further uploads before it is planned."""

    sweep_grace_seconds: int = _number(120, 30, 86_400)
    """The age from which a job without a running execution is taken for orphaned."""

    api_rate: int = _number(50, 1, 10_000)
    """Requests a second that the API takes on average, all callers together."""

    api_burst: int = _number(100, 1, 5_000)
    """Requests that the API takes at once."""

    max_active_imports: int = _number(50, 1, 10_000)
    """Imports of one project that may be active at once, besides those that uploads start."""

    docs_rate: int = _number(2, 1, 100)
    """Requests a second for each of the two open pages, which anyone may read without a key."""

    docs_burst: int = _number(10, 1, 100)
    """Requests that each of the two open pages takes at once."""

    log_retention_days: int = _number(30, 1, 3_653)
    """How long logs are kept; one of CloudWatch's periods."""

    state_retention_days: int = _number(90, 31, 3_650)
    """How long manifests and reports are kept. Longer than any import may run."""

    audit_retention_days: int = _number(400, 1, 3_650)
    """How long the audit remembers who asked for what."""
    report_url_seconds: int = _number(3_600, 60, 21_600)
    """How long a link to a report can be used. It ends sooner with the credentials of the function that made it."""

    webhook_attempts: int = _number(8, 1, 12)
    """Attempts to deliver a webhook before it counts as failed."""

    webhook_retry_seconds: int = _number(10, 1, 300)
    """The wait before a webhook's second attempt; each further one is three times as long, up to 6 hours."""

    allow_private_urls: bool = False
    """Whether webhooks, and endpoints of integrations, may be http:// and have addresses that are not public."""

    hf_endpoint: str = "https://huggingface.co"
    """The Hub that hf:// URIs are of, and public buckets with them."""

    import_timeout_hours: int = _number(24, 1, 720)
    """An import that runs longer is ended as failed."""

    alarm_email: str = ""
    """Where alarms are sent; empty: nowhere, they only show in CloudWatch."""

    local: bool = False
    """For the local emulator: the bundle is for this machine, no tracing, the table may be deleted."""

    def __post_init__(self) -> None:
        for item in fields(self):
            low, high = item.metadata.get("range", (None, None))
            value = getattr(self, item.name)
            if low is not None and not low <= value <= high:
                raise InvalidSettings(f"{item.name} is {value}: it must be from {low} to {high}")
        for bucket in self.source_buckets:
            if not _BUCKET_NAME.fullmatch(bucket):
                raise InvalidSettings(
                    f"source_buckets: {bucket!r} is not an S3 bucket name (no s3://, no path, no wildcard)"
                )
        for arn in self.copy_roles:
            if not ROLE_ARN.fullmatch(arn) or "," in arn:
                raise InvalidSettings(
                    f"copy_roles: {arn!r} is not the ARN of a role {ROLE_NAME_PREFIX}… (without a path or comma)"
                )
        if len(",".join(self.source_buckets + self.copy_roles)) > NAMES_LENGTH:
            raise InvalidSettings(
                f"source_buckets and copy_roles: the names together are longer than {NAMES_LENGTH} characters"
            )
        for arn in self.source_kms_key_arns:
            if not _KMS_KEY_ARN.fullmatch(arn):
                raise InvalidSettings(f"source_kms_key_arns: {arn!r} is not the ARN of a KMS key")
        if not _HTTP_URL.fullmatch(self.hf_endpoint):
            raise InvalidSettings(f"hf_endpoint: {self.hf_endpoint!r} is not an http(s):// URL")
        if self.stream_part_bytes > self.stream_memory_bytes:
            raise InvalidSettings("stream_part_bytes is more than stream_memory_bytes")
        if not PROJECT_NAME.fullmatch(self.default_project):
            raise InvalidSettings(
                f"default_project: {self.default_project!r} must be letters, digits, '.', '_' and '-'"
            )
        for name, known in (("default_on_existing", OnExisting), ("default_content_validation", ContentValidation)):
            if getattr(self, name) not in tuple(known):
                raise InvalidSettings(f"{name} is {getattr(self, name)!r}: it must be one of {', '.join(known)}")
        if self.log_retention_days not in LOG_RETENTION_DAYS:
            raise InvalidSettings(
                f"log_retention_days is {self.log_retention_days}: CloudWatch knows {LOG_RETENTION_DAYS}"
            )
        if self.alarm_email and not _EMAIL.fullmatch(self.alarm_email):
            raise InvalidSettings(f"alarm_email: {self.alarm_email!r} is not an e-mail address")

    def env(self, kind: type[SettingsT], **others: object) -> SettingsT:
        """A function's environment: `others`, and every other field from the deploy setting of the same name."""
        chosen = {item.name: getattr(self, item.name) for item in fields(kind) if item.name not in others}
        return kind(**chosen, **others)

    @classmethod
    def from_context(cls, lookup: Callable[[str], Any]) -> Self:
        """Read the `clipferry` object and each key's override through `lookup` (`app.node.try_get_context`)."""
        declared = lookup("clipferry") or {}
        if not isinstance(declared, Mapping):
            raise InvalidSettings("the context key clipferry must be an object of deploy settings")
        known = typing.get_type_hints(cls)
        unknown = sorted(set(declared) - set(known))
        if unknown:
            raise InvalidSettings(f"unknown deploy settings: {', '.join(unknown)}. Known are: {', '.join(known)}")
        values: dict[str, Any] = {}
        for name, kind in known.items():
            override = lookup(name)
            if override is not None:
                values[name] = _parse(name, kind, override)
            elif name in declared:
                values[name] = _parse(name, kind, declared[name])
        return cls(**values)


def _parse(name: str, kind: object, value: Any) -> Any:
    """The typed value of a setting, from JSON or from the text of `-c name=text`."""
    if kind is bool:
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return value == "true"
        raise InvalidSettings(f"{name} must be true or false, not {value!r}")
    if kind is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        # JSON numbers cross jsii as floats.
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
            return int(value)
        raise InvalidSettings(f"{name} must be a whole number, not {value!r}")
    if kind is str:
        if isinstance(value, str):
            return value
        raise InvalidSettings(f"{name} must be text, not {value!r}")
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise InvalidSettings(f"{name} must be a list of texts, not {value!r}")
