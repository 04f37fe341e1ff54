"""What a team decides before `cdk deploy`: typed, documented, and checked before anything is synthesized.

The values are in cdk.json under `context.clipferry`; `cdk deploy -c key=value` overrides one.
"""

import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeVar

from service.domain.errors import InvalidSettings
from service.domain.ids import PROJECT_NAME
from service.domain.multipart import MAX_OBJECT_BYTES
from service.domain.requests import ContentValidation, OnExisting
from service.domain.uris import is_access_point
from service.projects.integrations.manage import ROLE_ARN, ROLE_NAME_PREFIX
from service.support.settings import Settings
from stacks import reserved
from stacks.context import read_context

MIB = 1024**2
GIB = 1024**3

LOG_RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653)
"""The retention periods that CloudWatch Logs accepts."""

NAMES_LENGTH = 2_000
"""Characters that names of buckets, roles and origins may take together: a function's environment must fit 4 KB."""

QUEUED_DAYS = 14
"""How long an upload's event may wait in a queue: SQS's maximum, which the upload queues have."""

_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,23}")
_BUCKET_NAME = re.compile(r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KMS_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")
_HTTP_URL = re.compile(r"https?://[A-Za-z0-9._~:\[\]-]+(/[A-Za-z0-9._~/-]*)?")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


SettingsT = TypeVar("SettingsT", bound=Settings)


def _number(default: int, low: int, high: int) -> Any:
    return field(default=default, metadata={"range": (low, high)})


@dataclass(frozen=True, kw_only=True)
class DeploySettings:
    """The settings of one deployment. Raises `InvalidSettings` with a sentence that names the setting."""

    stack_name: str = "Clipferry"
    """CloudFormation's name of the deployment. Letters and digits, at most 24, so that one deployment's role names
    never match the pattern of another's."""

    source_buckets: tuple[str, ...] = ()
    """Buckets that imports may read, besides the drop bucket, or ARNs of access points. The service itself can read no
    other bucket."""

    requester_pays_buckets: tuple[str, ...] = ()
    """Source buckets whose requester pays: this deployment's account is charged for requests and data transfer."""

    restore_buckets: tuple[str, ...] = ()
    """Source buckets whose archived objects imports may restore (`archived: restore`). Their owners pay for it."""

    delete_source_buckets: tuple[str, ...] = ()
    """Source buckets in which imports may delete the objects that they copied (`delete_source`). None: imports keep all
    objects of source buckets."""

    source_kms_key_arns: tuple[str, ...] = ()
    """Customer-managed KMS keys that encrypt source buckets."""

    copy_roles: tuple[str, ...] = ()
    """Roles of integrations that may write clips, so that S3 copies what they can read. Other integrations stream."""

    default_project: str = "default"
    """The project of uploads to the drop bucket outside `inbox/{project}/`."""

    max_clips_per_import: int = _number(1_000_000, 1, 10_000_000)
    """The most clips in one import."""

    max_clip_ids: int = _number(10_000, 1, 100_000)
    """The most clip ids in one import by ids."""

    max_body_bytes: int = _number(5_000_000, 1_000, 5_500_000)
    """The largest request body. Lambda accepts 6 MB, with the body as a JSON-escaped string."""

    preview_seconds: int = _number(8, 1, 20)
    """How long a preview reads before it answers "at least". API Gateway gives up after 29 s."""

    batch_clips: int = _number(500, 1, 1_000)
    """The most clips in one copy batch. A batch that outlives one call continues in the next."""

    batch_bytes: int = _number(100 * GIB, 1, 5 * 1024 * GIB)
    """The most bytes in one copy batch. Bytes that may stream count four times; a larger object gets its own batch."""

    stat_concurrency: int = _number(32, 1, 256)
    """HEAD requests in flight while a list of URIs is planned or previewed."""

    map_concurrency: int = _number(40, 1, 1_000)
    """The most copy batches in flight for one import."""

    copy_slots: int = _number(400, 1, 1_000)
    """The most batches that are copied or extrapolated at once, of all imports together. Projects share them fairly. A
    project that waits gets one more at once, until another one has given up its slot."""

    copy_reserved_concurrency: int = _number(0, 0, 10_000)
    """Concurrency reserved for the copy function, and its limit for all imports together. 0: no reservation. More than
    `copy_slots`: a batch that asks for a slot needs a function, too."""

    extrapolate_reserved_concurrency: int = _number(0, 0, 10_000)
    """The same for the function that extrapolates. 0: no reservation."""

    kept_concurrency: tuple[str, ...] = ()
    """Concurrency reserved for other functions, as `api=200`: no other function takes it, and it is a limit as well.
    Names: authorize, api, plan, finish, conclude, delete_sources, on_upload, sweep, watch."""

    account_concurrency: int = _number(0, 0, 1_000_000)
    """The account's limit of concurrent executions, of which Lambda keeps 100 unreserved. 0: reservations are not
    compared with it; `kept_concurrency` needs it."""

    copy_concurrency: int = _number(128, 1, 512)
    """Copies inside S3 in flight in one copy function, parts of large objects included."""

    copy_threads: int = _number(32, 1, 256)
    """Worker threads of one copy function for validated, grouped, multipart and streamed clips."""

    multipart_threshold_bytes: int = _number(GIB, 5 * MIB, 5 * GIB)
    """Larger objects are copied in parts. S3 refuses a single copy above 5 GiB."""

    part_bytes: int = _number(256 * MIB, 5 * MIB, 5 * GIB)
    """The size of a part. It is raised where an object would have more than 10,000 parts."""

    stream_part_bytes: int = _number(16 * MIB, 5 * MIB, 256 * MIB)
    """The size of a part of a streamed clip, which passes through the copy function."""

    stream_memory_bytes: int = _number(128 * MIB, 16 * MIB, 1024 * MIB)
    """Memory of one copy function for streamed parts, all its copies together. The function has 1,024 MB."""

    source_request_seconds: int = _number(60, 5, 120)
    """Total time of one request to another store (a HEAD, a page, a token), tries and waits included."""

    source_part_seconds: int = _number(150, 10, 170)
    """Total time of one part of a clip that passes through the copy function, or of a smaller clip. Slower stores fail
    the clip with SOURCE_UNAVAILABLE; a call keeps 180 s for what is under way."""

    stationary_distance_cm: int = _number(50, 1, 1_000)
    """How far the centre of an obstacle track may be from its median for the track to count as stationary."""

    default_on_existing: str = OnExisting.SKIP.value
    """What an import does where an object exists at a clip's destination: skip (if unchanged), overwrite or fail."""

    default_content_validation: str = ContentValidation.STRUCTURE.value
    """How closely an import checks clips before it copies them: none, structure or deep."""

    upload_window_seconds: int = _number(20, 0, 900)
    """How long an import of uploads gathers more uploads before it is planned."""

    sweep_grace_seconds: int = _number(120, 30, 86_400)
    """The age from which the sweep starts or completes an import whose execution is missing."""

    api_rate: int = _number(50, 1, 10_000)
    """Requests a second that the API accepts on average, all callers together."""

    api_burst: int = _number(100, 1, 5_000)
    """Requests that the API accepts at once."""

    project_rate: int = _number(25, 1, 10_000)
    """Requests a second that the API accepts on average from one project. The admin has as many."""

    project_burst: int = _number(50, 1, 5_000)
    """Requests that the API accepts at once from one project."""

    api_logging_role: bool = True
    """Whether the stack sets the region's role for API Gateway's logs. Switch it off where the region has one."""

    max_active_imports: int = _number(50, 1, 10_000)
    """Imports of one project that may be active at once, besides those that gather uploads and objects of events. An
    uploaded manifest waits until there is room."""

    max_slow_requests: int = _number(4, 1, 100)
    """Requests of one project at once that wait for a store, up to 29 s each: previews, tests of integrations and of
    watches, new integrations, new and changed watches, and imports from stores other than the deployment's own
    buckets."""

    docs_rate: int = _number(2, 1, 100)
    """Requests a second for each of the two open pages, which anyone may read without a key."""

    docs_burst: int = _number(10, 1, 100)
    """Requests that each of the two open pages takes at once."""

    dashboard_rate: int = _number(20, 1, 1_000)
    """Requests a second for the dashboard's files, which anyone may read without a key."""

    dashboard_burst: int = _number(100, 1, 1_000)
    """Requests for the dashboard's files at once. A first view takes about six."""

    log_retention_days: int = _number(30, 1, 3_653)
    """How long logs are kept; one of CloudWatch's periods."""

    state_retention_days: int = _number(90, 31, 3_650)
    """How long manifests, reports and the rows of an import are kept. Longer than any import may run."""

    rows_expire: bool = True
    """Whether the rows of imports, clips, batches and completions expire after `state_retention_days`."""

    drop_retention_days: int = _number(0, 0, 3_650)
    """How long uploads stay in the drop bucket. 0: for ever."""

    drop_imported_days: int = _number(0, 0, 3_650)
    """Days after an import of uploads completed until the uploads that it imported leave the drop bucket. 0: never. A
    retry counts from its own completion."""

    audit_retention_days: int = _number(400, 1, 3_650)
    """How long the audit keeps who asked for what."""

    table_deletion_protection: bool = False
    """Whether DynamoDB refuses to delete the table. Switch it on after the first deployment succeeded."""

    report_url_seconds: int = _number(3_600, 60, 21_600)
    """How long a link to a report works. It ends sooner with the credentials of the function that made it."""

    clip_url_seconds: int = _number(300, 60, 3_600)
    """How long a link to a clip works. It ends sooner with the credentials of the function that made it."""

    upload_url_seconds: int = _number(900, 60, 3_600)
    """How long a link to upload a file, or a part of it, works. A transfer that began in time may end later."""

    max_upload_bytes: int = _number(5 * 1024**4, 1_000_000, MAX_OBJECT_BYTES)
    """The largest file that callers may upload through the API."""

    cors_origins: tuple[str, ...] = ()
    """Origins of web pages, besides the dashboard, that may call the API and read clips by links. None: no page."""

    webhook_attempts: int = _number(8, 1, 12)
    """Attempts to deliver a webhook before it counts as failed."""

    webhook_retry_seconds: int = _number(10, 1, 300)
    """The wait before a webhook's second attempt. Each later wait is three times as long, up to 6 hours."""

    allow_private_urls: bool = False
    """Whether webhooks and endpoints of integrations may use http:// and addresses that are not public."""

    use_fips_endpoints: bool = False
    """Whether the functions call AWS at FIPS endpoints."""

    use_dualstack_endpoints: bool = False
    """Whether the functions call AWS at endpoints with IPv4 and IPv6."""

    hf_endpoint: str = "https://huggingface.co"
    """The Hub that hf:// URIs belong to."""

    import_timeout_hours: int = _number(24, 1, 720)
    """An import that runs longer fails. Its waits for restores do not count."""

    restore_wait_hours: int = _number(60, 1, 336)
    """How long an import waits for restores of archived objects, besides `import_timeout_hours`. Then clips whose
    source is not restored fail. A bulk restore from DEEP_ARCHIVE takes up to 48 hours."""

    alarm_email: str = ""
    """The address that gets alarms, once it has confirmed AWS's first mail. Empty: alarms only show in CloudWatch."""

    local: bool = False
    """For the local emulator: the bundle is for this machine, and nothing is traced."""

    def __post_init__(self) -> None:
        for item in fields(self):
            low, high = item.metadata.get("range", (None, None))
            value = getattr(self, item.name)
            if low is not None and not low <= value <= high:
                raise InvalidSettings(f"{item.name} is {value}: it must be from {low} to {high}")
        for problem in self._problems():
            raise InvalidSettings(problem)

    def _problems(self) -> typing.Iterator[str]:
        """A sentence for each setting that has a wrong value, or one that does not fit the others."""
        if not _STACK_NAME.fullmatch(self.stack_name):
            yield f"stack_name: {self.stack_name!r} must be 1 to 24 letters and digits that begin with a letter"
        for bucket in self.source_buckets:
            if bucket.endswith("-s3alias"):
                yield f"source_buckets: {bucket!r} is an alias, to which no role can be granted access: use the ARN"
            elif not _BUCKET_NAME.fullmatch(bucket) and not is_access_point(bucket):
                yield f"source_buckets: {bucket!r} is not an S3 bucket name (no s3://, no path, no wildcard)"
        for arn in self.copy_roles:
            if not ROLE_ARN.fullmatch(arn) or "," in arn:
                yield f"copy_roles: {arn!r} is not the ARN of a role {ROLE_NAME_PREFIX}… (without a path or comma)"
        for name in ("requester_pays_buckets", "restore_buckets", "delete_source_buckets"):
            for bucket in getattr(self, name):
                if bucket not in self.source_buckets:
                    yield f"{name}: {bucket!r} is not one of source_buckets"
        of_buckets = self.source_buckets + self.requester_pays_buckets + self.delete_source_buckets
        if len(",".join(of_buckets + self.copy_roles + self.cors_origins)) > NAMES_LENGTH:
            lists = "source_buckets, requester_pays_buckets, delete_source_buckets, copy_roles and cors_origins"
            yield f"{lists}: together they are longer than {NAMES_LENGTH} characters"
        for arn in self.source_kms_key_arns:
            if not _KMS_KEY_ARN.fullmatch(arn):
                yield f"source_kms_key_arns: {arn!r} is not the ARN of a KMS key"
        if not _HTTP_URL.fullmatch(self.hf_endpoint):
            yield f"hf_endpoint: {self.hf_endpoint!r} is not an http(s):// URL"
        if 0 < self.copy_reserved_concurrency <= self.copy_slots:
            yield (
                f"copy_reserved_concurrency is {self.copy_reserved_concurrency}: it must be 0 or more than copy_slots "
                f"({self.copy_slots}), because batches that ask for a slot need functions, too"
            )
        others = (self.copy_reserved_concurrency, self.extrapolate_reserved_concurrency)
        yield from reserved.problems(self.kept_concurrency, others, self.account_concurrency)
        if self.stream_part_bytes > self.stream_memory_bytes:
            yield "stream_part_bytes is more than stream_memory_bytes"
        if not PROJECT_NAME.fullmatch(self.default_project):
            yield f"default_project: {self.default_project!r} must be letters, digits, '.', '_' and '-'"
        for name, known in (("default_on_existing", OnExisting), ("default_content_validation", ContentValidation)):
            if getattr(self, name) not in tuple(known):
                yield f"{name} is {getattr(self, name)!r}: it must be one of {', '.join(known)}"
        if self.log_retention_days not in LOG_RETENTION_DAYS:
            yield f"log_retention_days is {self.log_retention_days}: CloudWatch accepts {LOG_RETENTION_DAYS}"
        needed = QUEUED_DAYS + -(-self.import_timeout_hours // 24)
        if 0 < self.drop_retention_days < needed:
            yield (
                f"drop_retention_days is {self.drop_retention_days}: it must be 0 (keep uploads) or at least {needed}, "
                f"because an upload may wait {QUEUED_DAYS} days in a queue and its import may run "
                f"{self.import_timeout_hours} hours"
            )
        if self.state_retention_days * 24 < self.longest_import_hours:
            yield (
                f"state_retention_days is {self.state_retention_days}: it must be at least "
                f"{-(-self.longest_import_hours // 24)}, because an import may take that long with its waits for "
                "restores (restore_wait_hours, and import_timeout_hours before and after them)"
            )
        most = self.state_retention_days - 1 - -(-self.import_timeout_hours // 24)
        if self.drop_imported_days > most:
            yield (
                f"drop_imported_days is {self.drop_imported_days}: it must be at most {most}, because the plan that "
                f"names the uploads is deleted after state_retention_days ({self.state_retention_days})"
            )
        for origin in self.cors_origins:
            if not _ORIGIN.fullmatch(origin):
                yield f"cors_origins: {origin!r} is not an origin, such as https://clips.example.com (no path, no *)"
        if self.alarm_email and not _EMAIL.fullmatch(self.alarm_email):
            yield f"alarm_email: {self.alarm_email!r} is not an e-mail address"

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Self:
        """Read the settings from the whole context (`app.node.get_all_context()`). Raises `InvalidSettings`."""
        return cls(**read_context(context, typing.get_type_hints(cls)))

    def env(self, kind: type[SettingsT], **others: object) -> SettingsT:
        """A function's environment: `others`, and every other field from the deploy setting of the same name."""
        chosen = {item.name: getattr(self, item.name) for item in fields(kind) if item.name not in others}
        return kind(**chosen, **others)

    @property
    def longest_import_hours(self) -> int:
        """What functions get: one execution, the waits for restores, and another execution."""
        return 2 * self.import_timeout_hours + self.restore_wait_hours

    @property
    def row_retention_days(self) -> int:
        """What functions get: days until rows expire, 0 where they do not."""
        return self.state_retention_days if self.rows_expire else 0
