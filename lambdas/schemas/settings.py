"""Settings of imports, given with one or saved."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from lambdas.schemas.base import Body, Model, Name
from service.domain.projects import ExecutionSettings
from service.domain.requests import ContentValidation, ImportSettings, Notify, OnExisting, Tolerance
from service.domain.webhooks import shown_url
from service.projects.presets import ExecutionSettingsRequest
from service.support.paging import Page


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

    stationary_extrapolation: bool = Field(
        False,
        description="Extend the stationary obstacle tracks of each ClipGT clip over the clip's whole time, in a "
        "Parquet file beside the clip, which stays as it is.",
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
        )


class NotifyView(Model):
    webhook_url: str | None = Field(description="Without its query.")
    event: bool

    @field_validator("webhook_url")
    @classmethod
    def _without_query(cls, url: str | None) -> str | None:
        return url and shown_url(url)


class ToleranceView(Model):
    count: int | None
    percent: float | None


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


class ExecutionSettingsView(Model):
    id: str
    name: str
    description: str | None
    settings: dict[str, object] = Field(description="As given; what they leave out has the default when they are used.")
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, saved: ExecutionSettings) -> "ExecutionSettingsView":
        return cls.model_validate(saved, from_attributes=True)


class ExecutionSettingsPage(Model):
    execution_settings: list[ExecutionSettingsView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[ExecutionSettings]) -> "ExecutionSettingsPage":
        found = [ExecutionSettingsView.of(saved) for saved in page.items]
        return cls(execution_settings=found, next_cursor=page.next_cursor, has_more=page.has_more)
