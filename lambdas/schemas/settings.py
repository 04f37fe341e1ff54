"""Settings of imports, in a request or in a preset."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from lambdas.schemas.base import Body, Model, Name
from lambdas.schemas.patterns import exactly_one_of
from service.domain.destination_template import MAX_TEMPLATE
from service.domain.projects import ExecutionSettings
from service.domain.requests import (
    MAX_RESTORE_DAYS,
    Archived,
    ContentValidation,
    DeleteSource,
    ImportSettings,
    Members,
    Notify,
    OnExisting,
    Restore,
    RestoreTier,
    Tolerance,
)
from service.domain.webhooks import MAX_URL, shown_url
from service.projects.presets import ExecutionSettingsRequest, with_url
from service.support.paging import Page


class StorageClass(StrEnum):
    """S3's storage classes, without the archive classes, whose objects cannot be read at once."""

    STANDARD = "STANDARD"
    STANDARD_IA = "STANDARD_IA"
    ONEZONE_IA = "ONEZONE_IA"
    INTELLIGENT_TIERING = "INTELLIGENT_TIERING"
    GLACIER_IR = "GLACIER_IR"


class NotifyBody(Body):
    """Notifications on completion."""

    webhook_url: str | None = Field(
        None,
        description="URL to notify on completion, by a signed POST. Its query is never shown again. A change of a "
        "watch or a preset that gives the URL as it is shown keeps the query.",
        json_schema_extra={"maxLength": MAX_URL, "pattern": "^https?://[!-~]+$"},
    )
    event: bool = Field(True, description="Put an event on the account's default EventBridge bus.")


class ToleranceBody(Body):
    """Failed clips that an import tolerates: exactly one of `count` and `percent`."""

    model_config = ConfigDict(json_schema_extra=exactly_one_of("count", "percent"))

    count: int | None = Field(None, ge=0, description="Maximum number of failed clips.")
    percent: float | None = Field(None, gt=0, le=100, description="Maximum percentage of failed clips.")

    @model_validator(mode="after")
    def one_of_them(self) -> Self:
        if (self.count is None) == (self.percent is None):
            raise ValueError("exactly one of count and percent is needed")
        return self


class RestoreBody(Body):
    """How to restore archived sources."""

    tier: Annotated[RestoreTier, Field(strict=False)] = Field(
        RestoreTier.BULK, description="Retrieval tier of S3, the cheapest and slowest first."
    )
    days: int = Field(3, ge=1, le=MAX_RESTORE_DAYS, description="Days for which S3 keeps a restored copy.")


class SettingsBody(Body):
    """How to import. Absent settings have the deployment's default."""

    on_existing: Annotated[OnExisting, Field(strict=False)] | None = Field(
        None, description="For existing objects: `skip` unchanged ones, `overwrite` all, or `fail` those clips."
    )
    content_validation: Annotated[ContentValidation, Field(strict=False)] | None = Field(
        None, description="Check the content of each clip and copy only valid ones."
    )
    storage_class: Annotated[StorageClass, Field(strict=False)] | None = None
    keep_metadata: bool = Field(True, description="Copy content type and user metadata.")
    keep_tags: bool = Field(True, description="Copy tags.")
    notify: NotifyBody = Field(default_factory=NotifyBody)
    destination: str | None = Field(
        None,
        description="Template of the keys below the project's folder. Fields: {bucket}, {key}, {name}, {stem}, "
        "{extension}, {ordinal}, {job_id}. Default: the bucket and the key of the source.",
        json_schema_extra={"minLength": 1, "maxLength": MAX_TEMPLATE},
    )
    max_concurrency: int | None = Field(
        None, ge=1, description="Maximum number of copy functions at once, up to the deployment's limit."
    )
    tolerated_failures: ToleranceBody | None = Field(
        None, description="Stop the import as FAILED when more clips have failed. Default: never stop."
    )
    archived: Annotated[Archived, Field(strict=False)] = Field(
        Archived.FAIL,
        description="For sources in an archive class or tier: `fail` or `skip` those clips, or `restore` the sources, "
        "wait, and copy them then.",
    )
    delete_source: Annotated[DeleteSource, Field(strict=False)] = Field(
        DeleteSource.NEVER,
        description="`after_verified`: when the import has completed, delete each source that it copied and whose copy "
        "is proven equal by a checksum. The integration, or the deployment for its source buckets, must allow it.",
    )
    restore: RestoreBody = Field(default_factory=RestoreBody)
    members: Annotated[Members, Field(strict=False)] = Field(
        Members.FILES,
        description="For members of a zip: import `files` one by one, or as `clipgt` all files of a clip id as one "
        "zip, `{clip_id}.zip`.",
    )
    stationary_extrapolation: bool = Field(
        False,
        description="Extend the stationary obstacle tracks of each ClipGT clip over its whole duration, in a Parquet "
        "file beside the clip. The clip itself does not change.",
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
            stationary_extrapolation=self.stationary_extrapolation,
            archived=self.archived,
            delete_source=self.delete_source,
            restore=Restore(**self.restore.model_dump()),
            members=self.members,
        )


class NotifyView(Model):
    webhook_url: str | None = Field(description="URL without its query.")
    event: bool

    @field_validator("webhook_url")
    @classmethod
    def _without_query(cls, url: str | None) -> str | None:
        return url and shown_url(url)


class ToleranceView(Model):
    count: int | None
    percent: float | None


class RestoreView(Model):
    tier: RestoreTier
    days: int


class SettingsView(Model):
    on_existing: OnExisting
    content_validation: ContentValidation
    storage_class: str | None
    keep_metadata: bool
    keep_tags: bool
    notify: NotifyView
    destination: str | None
    max_concurrency: int | None
    tolerated_failures: ToleranceView | None
    stationary_extrapolation: bool
    archived: Archived
    delete_source: DeleteSource
    restore: RestoreView = Field(description="Used if `archived` is `restore`.")
    members: Members


class ExecutionSettingsBody(Body):
    name: Name
    description: Annotated[str, StringConstraints(min_length=1, max_length=1_000)] | None = None
    settings: SettingsBody

    def to_request(self) -> ExecutionSettingsRequest:
        return ExecutionSettingsRequest(
            name=self.name,
            description=self.description,
            settings=self.settings.model_dump(mode="json", exclude_unset=True),
            in_force=self.settings.to_settings(ImportSettings()),
        )


class ExecutionSettingsView(Model):
    id: str
    name: str
    description: str | None
    settings: dict[str, object] = Field(
        description="As saved, a webhook's URL without its query. Absent settings have the default at the time of use."
    )
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, saved: ExecutionSettings) -> "ExecutionSettingsView":
        settings = with_url(saved.settings, shown_url)
        return cls.model_validate(vars(saved) | {"settings": settings})


class ExecutionSettingsPage(Model):
    execution_settings: list[ExecutionSettingsView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[ExecutionSettings]) -> "ExecutionSettingsPage":
        found = [ExecutionSettingsView.of(saved) for saved in page.items]
        return cls(execution_settings=found, next_cursor=page.next_cursor, has_more=page.has_more)
