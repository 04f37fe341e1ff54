"""The API's requests and answers. These models validate, and `/openapi.json` is made from them."""

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, field_validator, model_validator

from service.errors import InvalidRequest
from service.estimate import Estimate, price_list
from service.execution_settings import ExecutionSettingsRequest
from service.imports.ended import ReportLink
from service.imports.find import FoundClip
from service.imports.preview import Outcome, Preview, PreviewedClip
from service.imports.retry import MAX_CHOSEN
from service.paging import Page
from service.planning import PROJECT_NAME, VIEWS, eta_seconds, rate
from service.schema import (
    Action,
    ApiKey,
    AuditEntry,
    Clip,
    ClipStatus,
    ContentValidation,
    Delivery,
    DeliveryStatus,
    Door,
    ExecutionSettings,
    Filters,
    ImportRequest,
    ImportSettings,
    Job,
    JobStatus,
    Notify,
    OnExisting,
    SourceKind,
    Tolerance,
    Trigger,
    Verification,
    ViewSet,
)
from service.webhooks import shown_url

MAX_LABELS = 50

Name = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class Body(BaseModel):
    """A request body: JSON types as they are, nothing converted, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class StorageClass(StrEnum):
    """Of S3. The archive classes are left out: a clip that lands is to be read."""

    STANDARD = "STANDARD"
    STANDARD_IA = "STANDARD_IA"
    ONEZONE_IA = "ONEZONE_IA"
    INTELLIGENT_TIERING = "INTELLIGENT_TIERING"
    GLACIER_IR = "GLACIER_IR"


class NotifyBody(Body):
    """Who is told of the import's end."""

    webhook_url: str | None = Field(
        None, description="`https://…`: gets a signed POST (docs/events.md). Its query is never shown again."
    )
    event: bool = Field(True, description="An EventBridge event on the account's default bus.")


class ToleranceBody(Body):
    """Exactly one of `count` and `percent`."""

    count: int | None = Field(None, ge=0, description="So many clips may fail.")
    percent: float | None = Field(None, gt=0, le=100, description="So many of a hundred clips may fail.")

    @model_validator(mode="after")
    def one_of_them(self) -> Self:
        if (self.count is None) == (self.percent is None):
            raise ValueError("exactly one of count and percent is needed")
        return self


class SettingsBody(Body):
    """How to import. What is left out has the deployment's default."""

    on_existing: Annotated[OnExisting, Field(strict=False)] | None = Field(
        None, description="`skip` copies what is not there yet or has changed; `fail` refuses what is there."
    )
    content_validation: Annotated[ContentValidation, Field(strict=False)] | None = Field(
        None, description="Look into each clip before it is copied; one that is not valid is not copied."
    )
    storage_class: Annotated[StorageClass, Field(strict=False)] | None = None
    keep_metadata: bool = Field(True, description="Content type and user metadata.")
    keep_tags: bool = True
    notify: NotifyBody = Field(default_factory=NotifyBody)
    destination: str | None = Field(
        None,
        description="Names the clips below the project's and folder's root, with {bucket}, {key}, {name}, {stem}, "
        "{extension}, {ordinal} and {job_id}. Null: they mirror their sources.",
    )
    max_concurrency: int | None = Field(
        None, ge=1, description="Copy functions that work on this import at once, up to the deployment's own limit."
    )
    tolerated_failures: ToleranceBody | None = Field(
        None, description="Once more clips have failed the import stops and is FAILED. Without it nothing stops it."
    )

    def to_settings(self, defaults: ImportSettings) -> ImportSettings:
        return ImportSettings(
            on_existing=self.on_existing or defaults.on_existing,
            content_validation=self.content_validation or defaults.content_validation,
            storage_class=self.storage_class or defaults.storage_class,
            keep_metadata=self.keep_metadata,
            keep_tags=self.keep_tags,
            notify=Notify(webhook_url=self.notify.webhook_url, event=self.notify.event),
            destination=self.destination,
            max_concurrency=self.max_concurrency,
            tolerated_failures=Tolerance(**self.tolerated_failures.model_dump()) if self.tolerated_failures else None,
        )


class FiltersBody(Body):
    """Which objects are clips. Patterns are those of `.gitignore`, matched on what follows the prefix's last `/`."""

    include: list[str] = Field([], description="A key must match one of these, where there are any.")
    exclude: list[str] = Field([], description="A key that matches one of these is no clip.")
    min_size: int | None = Field(None, ge=0, description="Bytes, inclusive.")
    max_size: int | None = Field(None, ge=0, description="Bytes, inclusive.")
    modified_after: str | None = Field(None, description="ISO 8601 with its zone, inclusive.")
    modified_before: str | None = Field(None, description="ISO 8601 with its zone, exclusive.")

    def to_filters(self) -> Filters:
        return Filters(**self.model_dump() | {"include": tuple(self.include), "exclude": tuple(self.exclude)})


class SetBody(Body):
    """Views of one scene: all of them are imported, or none."""

    views: dict[str, str] = Field(
        description=f"`s3://bucket/key` of each view, `front` among them. Views: {', '.join(VIEWS)}."
    )
    name: Name | None = Field(None, description="Makes the run name of its clips, instead of their objects' names.")


class ImportBody(Body):
    """Exactly one of `exact_paths`, `root_path`, `manifest_uri` and `sets`."""

    exact_paths: list[str] | None = Field(None, description="`s3://bucket/key` URIs, one clip each, in this order.")
    root_path: str | None = Field(None, description="`s3://bucket/prefix`: every object whose key begins so.")
    manifest_uri: str | None = Field(
        None, description="`s3://bucket/key` of a JSONL or CSV object (or `.gz`) that names the clips."
    )
    sets: list[SetBody] | None = Field(None, description="Multi-view sets, each imported whole or not at all.")
    filters: FiltersBody | None = Field(None, description="Which objects of a prefix or a manifest are clips.")
    folder: Annotated[Name, Field(max_length=64)] | None = Field(None, description="Folder the clips land in.")
    labels: list[Label] = Field([], max_length=MAX_LABELS)
    run_name_prefix: Name | None = Field(None, description="Put before each clip's name to make its run name.")
    test_run_group_name: Name | None = Field(None, description="Generated where it is absent.")
    settings: SettingsBody = Field(default_factory=SettingsBody)
    execution_settings_id: Annotated[str, Field(max_length=128)] | None = Field(
        None, description="Saved execution settings, in the place of `settings`."
    )
    validate_: bool = Field(
        True, alias="validate", description="List `root_path` before the job is created. No effect on the others."
    )
    idempotency_key: Name | None = Field(
        None, description="The same key and request give the same job. The header `Idempotency-Key` does the same."
    )

    def to_request(self, *, idempotency_key: str | None, defaults: ImportSettings) -> ImportRequest:
        """Raises `InvalidRequest`."""
        if self.execution_settings_id is not None and "settings" in self.model_fields_set:
            raise InvalidRequest("Provide settings or execution_settings_id, not both")
        return ImportRequest(
            exact_paths=tuple(self.exact_paths) if self.exact_paths is not None else None,
            root_path=self.root_path,
            manifest_uri=self.manifest_uri,
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
            validate=self.validate_,
            idempotency_key=idempotency_key,
        )


class RetryBody(Body):
    clip_ids: list[str] | None = Field(
        None,
        min_length=1,
        max_length=MAX_CHOSEN,
        description="Clips to run again, of those that failed or were cancelled; all of them where it is absent.",
    )


class SourceView(BaseModel):
    kind: SourceKind
    uri: str | None = Field(description="The prefix, the manifest, or the drop bucket of a job that uploads started.")
    count: int | None = Field(description="How many URIs a list has, or how many sets were given.")


class CountsView(BaseModel):
    """`pending + copied + skipped + failed + cancelled = total`, always. `total` is 0 until planning ends."""

    total: int
    pending: int
    copied: int
    skipped: int
    failed: int
    cancelled: int
    bytes: int = Field(description="Size of the copied clips.")


class NotifyView(BaseModel):
    webhook_url: str | None = Field(description="Without its query.")
    event: bool

    @field_validator("webhook_url")
    @classmethod
    def _without_query(cls, url: str | None) -> str | None:
        return url and shown_url(url)


class WebhookView(BaseModel):
    """How the webhook of the import's last end stands."""

    url: str = Field(description="Without its query.")
    status: DeliveryStatus
    attempts: int
    last_status_code: int | None
    last_error: str | None
    last_attempt_at: str | None
    delivered_at: str | None

    @classmethod
    def of(cls, job: Job) -> "WebhookView | None":
        url = job.settings.notify.webhook_url
        if url is None:
            return None
        known = job.webhook if job.webhook and job.webhook.ended_at == job.completed_at else None
        delivery = known or Delivery(ended_at=job.completed_at or "", status=DeliveryStatus.PENDING)
        return cls(url=shown_url(url), **{k: v for k, v in vars(delivery).items() if k != "ended_at"})


class FiltersView(BaseModel):
    include: list[str]
    exclude: list[str]
    min_size: int | None
    max_size: int | None
    modified_after: str | None
    modified_before: str | None


class ToleranceView(BaseModel):
    count: int | None
    percent: float | None


class SettingsView(BaseModel):
    on_existing: OnExisting
    content_validation: ContentValidation
    storage_class: str | None
    keep_metadata: bool
    keep_tags: bool
    notify: NotifyView
    destination: str | None
    max_concurrency: int | None
    tolerated_failures: ToleranceView | None


class RateView(BaseModel):
    """Of this run, since its copying began, waits included."""

    clips: float = Field(description="Clips settled a second.")
    bytes: float = Field(description="Bytes copied a second.")


class RunView(BaseModel):
    """A run that has ended. `counts` are the import's then, all runs together."""

    run: int
    started_at: str
    completed_at: str
    status: JobStatus
    counts: CountsView
    code: str | None
    message: str | None
    key_id: str | None = Field(description="The API key that asked for it.")


class ImportView(BaseModel):
    id: str
    status: JobStatus
    project: str
    source: SourceView
    trigger: Trigger
    door: Door = Field(description="What the caller came in by.")
    key_id: str | None = Field(description="The key that asked; null for uploads.")
    folder: str | None
    labels: list[str]
    run_name_prefix: str | None
    test_run_group_name: str
    filters: FiltersView | None
    settings: SettingsView
    execution_settings_id: str | None = Field(description="Where the settings come from, if they were saved ones.")
    created_at: str
    updated_at: str
    completed_at: str | None
    cancel_requested: bool = Field(description="Someone asked to cancel it. It ends once its clips are accounted for.")
    run: int = Field(description="0 is the import itself; each retry is the next run.")
    runs: list[RunView] = Field(description="The runs before this one, oldest first, the last 50.")
    counts: CountsView
    rate: RateView | None = Field(description="Null until the copying begins.")
    eta_seconds: int | None = Field(description="Seconds that the rest takes at this rate; null where nothing tells.")
    code: str | None = Field(description="Why the job ended as it did, where that needs saying.")
    message: str | None
    webhook: WebhookView | None = Field(description="Null where none was asked for.")

    @classmethod
    def of(cls, job: Job, *, now: str) -> "ImportView":
        fields = {name: getattr(job, name) for name in cls.model_fields if hasattr(job, name)}
        computed = {"rate": rate(job, now), "eta_seconds": eta_seconds(job, now), "webhook": WebhookView.of(job)}
        return cls.model_validate(fields | computed, from_attributes=True)


class ImportPage(BaseModel):
    imports: list[ImportView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[Job], *, now: str) -> "ImportPage":
        imports = [ImportView.of(job, now=now) for job in page.items]
        return cls(imports=imports, next_cursor=page.next_cursor, has_more=page.has_more)


class ClipView(BaseModel):
    id: str
    status: ClipStatus
    source_uri: str = Field(description="As it was given, or as it was listed.")
    destination: str = Field(description="`s3://clips-bucket/key`.")
    run_name: str
    clip_id: str = Field(description="What content validation found, else the object's name without its extension.")
    original_clipgt_url: str = Field(description="The source URI, under the name that the Foretify scripts know.")
    size: int | None
    etag: str | None
    verified: Verification | None = Field(description="What says that the copy is its source.")
    facts: dict[str, object] | None = Field(description="What content validation found in the clip.")
    code: str | None
    message: str | None
    view: str | None = Field(description="Its role in a multi-view set.")
    set: str | None = Field(description="Id of that set's front clip.")

    @classmethod
    def of(cls, clip: Clip) -> "ClipView":
        return cls.model_validate(_clip_fields(clip))


def _clip_fields(clip: Clip) -> dict[str, object]:
    return {name: getattr(clip, name) for name in ClipView.model_fields}


class ClipPage(BaseModel):
    clips: list[ClipView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[Clip]) -> "ClipPage":
        clips = [ClipView.of(clip) for clip in page.items]
        return cls(clips=clips, next_cursor=page.next_cursor, has_more=page.has_more)


class FoundClipView(ClipView):
    import_id: str
    folder: str | None
    labels: list[str]
    test_run_group_name: str

    @classmethod
    def found(cls, one: FoundClip) -> "FoundClipView":
        job = one.job
        given = {"import_id": job.id, "folder": job.folder, "labels": list(job.labels)}
        group = {"test_run_group_name": job.test_run_group_name}
        return cls.model_validate(_clip_fields(one.clip) | given | group)


class FoundClipPage(BaseModel):
    clips: list[FoundClipView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[FoundClip]) -> "FoundClipPage":
        clips = [FoundClipView.found(one) for one in page.items]
        return cls(clips=clips, next_cursor=page.next_cursor, has_more=page.has_more)


class ExecutionSettingsBody(Body):
    name: Name
    description: Annotated[str, StringConstraints(min_length=1, max_length=1_000)] | None = None
    settings: SettingsBody

    def to_request(self) -> ExecutionSettingsRequest:
        return ExecutionSettingsRequest(
            name=self.name,
            description=self.description,
            settings=self.settings.model_dump(mode="json", exclude_unset=True),
        )


class ExecutionSettingsView(BaseModel):
    id: str
    name: str
    description: str | None
    settings: dict[str, object] = Field(description="As given; what they leave out has the default when they are used.")
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, saved: ExecutionSettings) -> "ExecutionSettingsView":
        return cls.model_validate(saved, from_attributes=True)


class ExecutionSettingsPage(BaseModel):
    execution_settings: list[ExecutionSettingsView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[ExecutionSettings]) -> "ExecutionSettingsPage":
        found = [ExecutionSettingsView.of(saved) for saved in page.items]
        return cls(execution_settings=found, next_cursor=page.next_cursor, has_more=page.has_more)


class AuditEntryView(BaseModel):
    id: str
    time: str
    action: Action
    subject: str = Field(description="Id of the import, of the key or of the execution settings.")
    door: Door
    key_id: str | None = Field(description="`admin` for the admin key, null for uploads.")
    request_id: str | None = Field(description="Of API Gateway, as in its access log.")

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditEntryView":
        asked = {"id": entry.id, "time": entry.time, "action": entry.action, "subject": entry.subject}
        by = {"door": entry.by.door, "key_id": entry.by.key_id, "request_id": entry.by.request_id}
        return cls.model_validate(asked | by)


class AuditPage(BaseModel):
    entries: list[AuditEntryView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[AuditEntry]) -> "AuditPage":
        entries = [AuditEntryView.of(entry) for entry in page.items]
        return cls(entries=entries, next_cursor=page.next_cursor, has_more=page.has_more)


class ReportFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    SUMMARY = "summary"
    FAILURES = "failures"


class ReportView(BaseModel):
    url: str = Field(description="Downloads the file without a key.")
    uri: str = Field(description="`s3://state-bucket/key`.")
    expires_at: str = Field(description="Of `url`.")
    bytes: int

    @classmethod
    def of(cls, link: ReportLink) -> "ReportView":
        return cls.model_validate(link, from_attributes=True)


class WebhookSecretView(BaseModel):
    secret: str = Field(description="`whsec_…`: verifies the project's webhooks (Standard Webhooks).")


class TotalView(BaseModel):
    count: int
    bytes: int


class FatesView(TotalView):
    by_code: dict[str, TotalView]


class PreviewedClipView(BaseModel):
    run_name: str
    source_uri: str
    destination: str = Field(description="`s3://clips-bucket/key`.")
    size: int | None
    action: Literal["copy", "skip", "fail"]
    code: str | None
    message: str | None

    @classmethod
    def of(cls, clip: PreviewedClip) -> "PreviewedClipView":
        return cls.model_validate(asdict(clip) | {"action": _ACTIONS[clip.status]})


_ACTIONS = {ClipStatus.PENDING: "copy", ClipStatus.SKIPPED: "skip", ClipStatus.FAILED: "fail"}


class OutcomeView(BaseModel):
    """The three sum to `count`. Content is looked into by the import only."""

    to_copy: TotalView
    to_skip: FatesView
    to_fail: FatesView
    problems: list[PreviewedClipView] = Field(description="The first 20 clips that would fail.")

    @classmethod
    def of(cls, outcome: Outcome) -> "OutcomeView":
        problems = [PreviewedClipView.of(clip) for clip in outcome.problems]
        return cls.model_validate(vars(outcome) | {"problems": problems}, from_attributes=True)


Dollars = Annotated[float, PlainSerializer(lambda dollars: round(dollars, 9))]


class CostView(BaseModel):
    """Dollars, once."""

    model_config = ConfigDict(validate_by_name=True)

    s3_requests: Dollars
    lambda_: Dollars = Field(alias="lambda")
    step_functions: Dollars
    dynamodb: Dollars
    total: Dollars


class EstimateView(BaseModel):
    """By the list prices of `service/prices.json`; docs/api.md says what is not in it."""

    cost: CostView
    storage_per_month: Dollars = Field(description="Of the copies, apart from `cost`.")
    seconds: int = Field(description="From accepted to ended.")
    currency: Literal["USD"] = "USD"
    price_region: str = Field(description="The region that the prices are of.")
    prices_as_of: str

    @classmethod
    def of(cls, estimate: Estimate) -> "EstimateView":
        prices = price_list()
        return cls(
            cost=CostView.model_validate(estimate.cost, from_attributes=True),
            storage_per_month=estimate.storage_per_month,
            seconds=estimate.seconds,
            price_region=prices.region,
            prices_as_of=prices.as_of,
        )


class PreviewView(BaseModel):
    root_path: str | None = Field(description="As it was given; null for a list and for sets.")
    count: int
    bytes: int
    keys: list[str] = Field(description="The first 20.")
    by_extension: dict[str, TotalView]
    complete: bool = Field(description='False: the time was up, and every figure, the estimate too, means "at least".')
    sample: list[PreviewedClipView] = Field(description="The first 20 clips.")
    outcome: OutcomeView
    estimate: EstimateView

    @classmethod
    def of(cls, found: Preview) -> "PreviewView":
        views = {
            "sample": [PreviewedClipView.of(clip) for clip in found.sample],
            "outcome": OutcomeView.of(found.outcome),
            "estimate": EstimateView.of(found.estimate),
        }
        return cls.model_validate(vars(found) | views, from_attributes=True)


class KeyBody(Body):
    project: Annotated[str, StringConstraints(pattern=f"^{PROJECT_NAME.pattern}$")]
    name: Name


class KeyView(BaseModel):
    id: str
    project: str
    name: str
    created_at: str

    @classmethod
    def of(cls, key: ApiKey) -> "KeyView":
        return cls.model_validate(key, from_attributes=True)


class CreatedKeyView(KeyView):
    key: str = Field(description="Shown this once: the service keeps only its hash.")

    @classmethod
    def with_text(cls, key: ApiKey, text: str) -> "CreatedKeyView":
        return cls(**KeyView.of(key).model_dump(), key=text)


class KeyPage(BaseModel):
    keys: list[KeyView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[ApiKey]) -> "KeyPage":
        keys = [KeyView.of(key) for key in page.items]
        return cls(keys=keys, next_cursor=page.next_cursor, has_more=page.has_more)


class ErrorView(BaseModel):
    detail: str = Field(description="A sentence for people.")
    code: str = Field(description="Stable, for programs.")
