"""Imports: requests and their status."""

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from lambdas.schemas.base import Body, Label, Model, Name
from lambdas.schemas.patterns import (
    CLIP_ID,
    GT_CLIP_ID,
    INTEGRATION_ID,
    OBJECT_URI,
    PREFIX_URI,
    PRESET_ID,
    exactly_one_of,
    not_both,
    one_or_more,
    only_with,
)
from lambdas.schemas.settings import SettingsBody, SettingsView
from service.domain.batching import FRONT, VIEWS
from service.domain.ends import Delivery, DeliveryStatus
from service.domain.errors import InvalidRequest
from service.domain.filters import MAX_PATTERNS
from service.domain.jobs import Door, Job, JobStatus, SourceKind, Trigger
from service.domain.limits import MAX_FOLDER, MAX_LABELS
from service.domain.patterns import MAX_PATTERN
from service.domain.progress import eta_seconds, rate
from service.domain.requests import ContentValidation, Filters, ImportRequest, ImportSettings, RestoreTier, ViewSet
from service.domain.webhooks import shown_url
from service.imports.intake.retry_request import MAX_CHOSEN, MAX_CODES
from service.support.paging import Page

_PATTERNS: dict[str, Any] = {
    "items": {"type": "string", "minLength": 1, "maxLength": MAX_PATTERN},
    "maxItems": MAX_PATTERNS,
}
_TIME: dict[str, Any] = {"format": "date-time"}


class FiltersBody(Body):
    """Select the objects that are clips. Patterns follow `.gitignore` and see the key after the prefix's last `/`."""

    include: list[str] = Field(
        [], description="A clip's key matches at least one of these. Empty: any key.", json_schema_extra=_PATTERNS
    )
    exclude: list[str] = Field([], description="A clip's key matches none of these.", json_schema_extra=_PATTERNS)
    min_size: int | None = Field(None, ge=0, description="Smallest size in bytes.")
    max_size: int | None = Field(None, ge=0, description="Largest size in bytes.")
    modified_after: str | None = Field(
        None, description="Earliest time of change, ISO 8601 with a zone.", json_schema_extra=_TIME
    )
    modified_before: str | None = Field(
        None, description="The time of change is before this one, ISO 8601 with a zone.", json_schema_extra=_TIME
    )

    def to_filters(self) -> Filters:
        return Filters(**self.model_dump() | {"include": tuple(self.include), "exclude": tuple(self.exclude)})


class SetBody(Body):
    """Views of one scene: all of them are imported, or none."""

    views: dict[str, str] = Field(
        description=f"URI of each view. `front` is required. Views: {', '.join(VIEWS)}.",
        json_schema_extra={
            "required": [FRONT],
            "propertyNames": {"enum": list(VIEWS)},
            "additionalProperties": {"type": "string", **OBJECT_URI},
        },
    )
    name: Name | None = Field(None, description="Run name of the clips. Default: the names of their objects.")


class ImportBody(Body):
    """Start an import from exactly one source: `exact_paths`, `root_path`, `manifest_uri` or `sets`."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                exactly_one_of("exact_paths", "root_path", "manifest_uri", "sets"),
                not_both("settings", "execution_settings_id"),
                only_with("clip_ids", "root_path"),
            ]
        }
    )

    exact_paths: list[str] | None = Field(
        None,
        description="Clips to import, in this order: `s3://bucket/key`, `gs://bucket/object` or "
        "`hf://buckets/namespace/name/path`. A member of a zip follows `!/`: `s3://bucket/chunk.zip!/clip.mp4`.",
        json_schema_extra=one_or_more(OBJECT_URI),
    )
    root_path: str | None = Field(
        None,
        description="Import every object whose key begins with this prefix: `s3://bucket/prefix`, or another store. "
        "`s3://bucket/chunk.zip!/` means all members of a zip.",
        json_schema_extra=PREFIX_URI,
    )
    clip_ids: list[str] | None = Field(
        None,
        description="Clips to import from below `root_path`, wherever they lie there, also in zips. An object belongs "
        "to a clip if its name, or that of one of its folders, is the clip id up to the first dot; a member of a zip "
        "if its path begins with the id. An id that is found nowhere is a failed clip. Repeated ids count once.",
        json_schema_extra=one_or_more(GT_CLIP_ID),
    )
    manifest_uri: str | None = Field(
        None,
        description="Object that names the clips, one a line: JSONL or CSV, plain or `.gz`.",
        json_schema_extra=OBJECT_URI,
    )
    as_of: str | None = Field(
        None,
        description="Import `root_path`, `exact_paths` or `sets` as they were at this time, ISO 8601 with a zone. The "
        "bucket must keep versions.",
        json_schema_extra=_TIME,
    )
    sets: list[SetBody] | None = Field(
        None,
        description="Multi-view sets. Each is imported whole or not at all.",
        json_schema_extra={"minItems": 1},
    )
    filters: FiltersBody | None = Field(None, description="Objects of the prefix or manifest to import. Default: all.")
    folder: Annotated[Name, Field(max_length=MAX_FOLDER)] | None = Field(None, description="Folder to import into.")
    labels: list[Label] = Field([], max_length=MAX_LABELS, description="Labels to find the clips by.")
    run_name_prefix: Name | None = Field(None, description="Prefix of each clip's run name.")
    test_run_group_name: Name | None = Field(None, description="Test run group. Default: a generated name.")
    settings: SettingsBody = Field(default_factory=SettingsBody)
    execution_settings_id: Annotated[str, Field(max_length=128)] | None = Field(
        None, description="Preset to use instead of `settings`.", json_schema_extra=PRESET_ID
    )
    stationary_extrapolation: bool | None = Field(
        None, description="Override the setting with this name, also the one of a preset."
    )
    integration_id: Annotated[str, Field(max_length=128)] | None = Field(
        None,
        description="Integration that reads all sources. Default: the project's integration for each bucket.",
        json_schema_extra=INTEGRATION_ID,
    )
    validate_: bool = Field(
        True, alias="validate", description="List `root_path` before accepting the import. Other sources ignore it."
    )
    idempotency_key: Name | None = Field(
        None, description="The same key with the same request returns the same import. Or send `Idempotency-Key`."
    )

    def to_request(self, *, idempotency_key: str | None, defaults: ImportSettings) -> ImportRequest:
        """Raises `InvalidRequest`."""
        if self.execution_settings_id is not None and "settings" in self.model_fields_set:
            raise InvalidRequest("Provide settings or execution_settings_id, not both")
        return ImportRequest(
            exact_paths=tuple(self.exact_paths) if self.exact_paths is not None else None,
            root_path=self.root_path,
            clip_ids=tuple(self.clip_ids) if self.clip_ids is not None else None,
            manifest_uri=self.manifest_uri,
            as_of=self.as_of,
            filters=self.filters.to_filters() if self.filters else None,
            sets=tuple(ViewSet(views=tuple(item.views.items()), name=item.name) for item in self.sets)
            if self.sets is not None
            else None,
            folder=self.folder,
            labels=tuple(self.labels),
            run_name_prefix=self.run_name_prefix,
            test_run_group_name=self.test_run_group_name,
            settings=self.settings.to_settings(defaults),
            execution_settings_id=self.execution_settings_id,
            stationary_extrapolation=self.stationary_extrapolation,
            integration_id=self.integration_id,
            validate=self.validate_,
            idempotency_key=idempotency_key,
        )


class RetryBody(Body):
    model_config = ConfigDict(json_schema_extra=not_both("clip_ids", "codes"))

    clip_ids: list[str] | None = Field(
        None,
        min_length=1,
        max_length=MAX_CHOSEN,
        description="Ids of failed or cancelled clips to retry. Default: all of them; with `content_validation` all "
        "that failed their check.",
        json_schema_extra={"items": {"type": "string", **CLIP_ID}},
    )
    content_validation: Annotated[ContentValidation, Field(strict=False)] | None = Field(
        None,
        description="Content validation of this attempt, instead of the import's setting. Clips that failed their "
        "check keep that verdict in `overruled`, and the audit records who asked.",
    )
    codes: list[Annotated[str, Field(pattern="^[A-Z][A-Z0-9_]{0,63}$")]] | None = Field(
        None,
        min_length=1,
        max_length=MAX_CODES,
        description="Retry the clips with one of these codes, as the failures of the import show them, and no others. "
        "Sets stay whole.",
    )


class SourceView(Model):
    kind: SourceKind
    uri: str | None = Field(description="Prefix, manifest or drop bucket; null for a list and for sets.")
    count: int | None = Field(description="Number of URIs of a list, of sets, or of clip ids.")
    as_of: str | None = Field(description="Time at which the source is seen; null: the time of planning.")


class CountsView(Model):
    """`pending + copied + skipped + failed + cancelled = total`, always. `total` is 0 until planning ends."""

    total: int
    pending: int
    copied: int
    skipped: int
    failed: int
    cancelled: int
    bytes: int = Field(description="Bytes of the copied clips.")


class DeliveryView(Model):
    status: DeliveryStatus
    attempts: int
    last_status_code: int | None
    last_error: str | None
    last_attempt_at: str | None
    delivered_at: str | None


class WebhookView(DeliveryView):
    """Delivery of the webhook for the last attempt that ended."""

    url: str = Field(description="URL without its query.")

    @classmethod
    def of(cls, job: Job) -> "WebhookView | None":
        url = job.settings.notify.webhook_url
        if url is None:
            return None
        known = job.webhook if job.webhook and job.webhook.ended_at == job.completed_at else None
        delivery = known or Delivery(ended_at=job.completed_at or "")
        return cls(url=shown_url(url), **{k: v for k, v in vars(delivery).items() if k != "ended_at"})


class FiltersView(Model):
    include: list[str]
    exclude: list[str]
    min_size: int | None
    max_size: int | None
    modified_after: str | None
    modified_before: str | None


class RateView(Model):
    """Average of this attempt since its copying began."""

    clips: float = Field(description="Clips copied, skipped, failed or cancelled a second.")
    bytes: float = Field(description="Bytes copied a second.")


class RestoresView(Model):
    """Restores of archived sources that this attempt requested."""

    requested: int = Field(description="Clips that needed one. Of a set all views count.")
    waiting: int = Field(description="Clips that still wait, when the import last looked.")
    tier: RestoreTier
    hours: int = Field(description="Hours that the slowest takes at most, as a rule.")
    until: str = Field(description="The import waits until then; clips that still wait fail.")
    next_look: str | None = Field(description="When the import looks again; null while it is at work.")

    @classmethod
    def of(cls, job: Job) -> "RestoresView | None":
        if job.restores is None:
            return None
        found = asdict(job.restores) | ({"waiting": 0} if job.status.terminal else {})
        return cls(tier=job.settings.restore.tier, next_look=job.resume_at, **found)


class RunView(Model):
    """An attempt that ended. `counts` are those of the whole import at that time."""

    run: int
    started_at: str
    completed_at: str
    status: JobStatus
    counts: CountsView
    code: str | None
    message: str | None
    key_id: str | None = Field(description="Key that started the attempt.")


class ImportView(Model):
    id: str
    status: JobStatus
    project: str
    source: SourceView
    trigger: Trigger
    door: Door = Field(description="Way by which the import was started.")
    key_id: str | None = Field(description="Key that started the import, or made its watch; null for uploads.")
    watch_id: str | None = Field(description="Watch that started the import.")
    folder: str | None
    labels: list[str]
    run_name_prefix: str | None
    test_run_group_name: str
    filters: FiltersView | None
    settings: SettingsView
    execution_settings_id: str | None = Field(description="Preset that the settings come from.")
    integration_id: str | None = Field(description="Integration that the request named.")
    created_at: str
    updated_at: str
    completed_at: str | None
    cancel_requested: bool = Field(
        description="A cancel was requested; the import ends when every clip is accounted for."
    )
    run: int = Field(description="Number of the current attempt: 0 is the first, each retry adds one.")
    runs: list[RunView] = Field(description="Earlier attempts, oldest first, at most 50.")
    counts: CountsView
    failed_before: int = Field(
        description="Clips among the skipped ones that failed their check in an earlier run of the watch."
    )
    rate: RateView | None = Field(description="Null until copying begins.")
    eta_seconds: int | None = Field(description="Estimated seconds until all clips are done; null if unknown.")
    restores: RestoresView | None = Field(description="Null if this attempt requested no restores.")
    code: str | None = Field(description="Reason for the final status, if there is one.")
    message: str | None
    webhook: WebhookView | None = Field(description="Null if the import has no webhook.")

    @classmethod
    def of(cls, job: Job, *, now: str) -> "ImportView":
        fields = {name: getattr(job, name) for name in cls.model_fields if hasattr(job, name)}
        computed = {
            "rate": rate(job, now),
            "eta_seconds": eta_seconds(job, now),
            "restores": RestoresView.of(job),
            "webhook": WebhookView.of(job),
        }
        return cls.model_validate(fields | computed, from_attributes=True)


class ImportPage(Model):
    imports: list[ImportView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[Job], *, now: str) -> "ImportPage":
        imports = [ImportView.of(job, now=now) for job in page.items]
        return cls(imports=imports, next_cursor=page.next_cursor, has_more=page.has_more)
