"""Imports: what is asked, and how they stand."""

from typing import Annotated

from pydantic import Field

from lambdas.schemas.base import Body, Label, Model, Name
from lambdas.schemas.settings import SettingsBody, SettingsView
from service.domain.batching import VIEWS
from service.domain.ends import Delivery, DeliveryStatus
from service.domain.errors import InvalidRequest
from service.domain.jobs import Door, Job, JobStatus, SourceKind, Trigger
from service.domain.limits import MAX_FOLDER, MAX_LABELS
from service.domain.progress import eta_seconds, rate
from service.domain.requests import ContentValidation, Filters, ImportRequest, ImportSettings, ViewSet
from service.domain.webhooks import shown_url
from service.imports.intake.retry_request import MAX_CHOSEN
from service.support.paging import Page


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

    exact_paths: list[str] | None = Field(
        None,
        description="URIs, one clip each, in this order: `s3://bucket/key`, `gs://bucket/object`, "
        "`hf://buckets/namespace/name/path`.",
    )
    root_path: str | None = Field(
        None, description="`s3://bucket/prefix`, or one of the other stores: every object whose key begins so."
    )
    manifest_uri: str | None = Field(None, description="URI of a JSONL or CSV object (or `.gz`) that names the clips.")
    sets: list[SetBody] | None = Field(None, description="Multi-view sets, each imported whole or not at all.")
    filters: FiltersBody | None = Field(None, description="Which objects of a prefix or a manifest are clips.")
    folder: Annotated[Name, Field(max_length=MAX_FOLDER)] | None = Field(None, description="Folder the clips land in.")
    labels: list[Label] = Field([], max_length=MAX_LABELS)
    run_name_prefix: Name | None = Field(None, description="Put before each clip's name to make its run name.")
    test_run_group_name: Name | None = Field(None, description="Generated where it is absent.")
    settings: SettingsBody = Field(default_factory=SettingsBody)
    execution_settings_id: Annotated[str, Field(max_length=128)] | None = Field(
        None, description="Saved execution settings, in the place of `settings`."
    )
    stationary_extrapolation: bool | None = Field(
        None, description="In the place of the setting of this name, also of saved settings; null: as they say."
    )
    integration_id: Annotated[str, Field(max_length=128)] | None = Field(
        None,
        description="Integration that opens all sources. Without it each is opened by what was saved for its bucket.",
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
            stationary_extrapolation=self.stationary_extrapolation,
            integration_id=self.integration_id,
            validate=self.validate_,
            idempotency_key=idempotency_key,
        )


class RetryBody(Body):
    clip_ids: list[str] | None = Field(
        None,
        min_length=1,
        max_length=MAX_CHOSEN,
        description="Clips to run again, of those that failed or were cancelled. Where it is absent: all of them, with "
        "`content_validation` all that failed their check.",
    )
    content_validation: Annotated[ContentValidation, Field(strict=False)] | None = Field(
        None,
        description="How closely this run looks at its clips, in the place of the import's setting. The clips that "
        "failed their check keep that verdict in `overruled`, and the audit says who asked.",
    )


class SourceView(Model):
    kind: SourceKind
    uri: str | None = Field(description="The prefix, the manifest, or the drop bucket of a job that uploads started.")
    count: int | None = Field(description="How many URIs a list has, or how many sets were given.")


class CountsView(Model):
    """`pending + copied + skipped + failed + cancelled = total`, always. `total` is 0 until planning ends."""

    total: int
    pending: int
    copied: int
    skipped: int
    failed: int
    cancelled: int
    bytes: int = Field(description="Size of the copied clips.")


class WebhookView(Model):
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


class FiltersView(Model):
    include: list[str]
    exclude: list[str]
    min_size: int | None
    max_size: int | None
    modified_after: str | None
    modified_before: str | None


class RateView(Model):
    """Of this run, since its copying began, waits included."""

    clips: float = Field(description="Clips settled a second.")
    bytes: float = Field(description="Bytes copied a second.")


class RunView(Model):
    """A run that has ended. `counts` are the import's then, all runs together."""

    run: int
    started_at: str
    completed_at: str
    status: JobStatus
    counts: CountsView
    code: str | None
    message: str | None
    key_id: str | None = Field(description="The API key that asked for it.")


class ImportView(Model):
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
    integration_id: str | None = Field(description="The integration that was named for the sources.")
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


class ImportPage(Model):
    imports: list[ImportView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[Job], *, now: str) -> "ImportPage":
        imports = [ImportView.of(job, now=now) for job in page.items]
        return cls(imports=imports, next_cursor=page.next_cursor, has_more=page.has_more)
