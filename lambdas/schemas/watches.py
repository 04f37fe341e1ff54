"""Watches: requests and what callers see."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from lambdas.schemas.base import Body, Label, Model, Name
from lambdas.schemas.imports import CountsView, DeliveryView, FiltersBody, FiltersView
from lambdas.schemas.patterns import INTEGRATION_ID, PREFIX_URI, PRESET_ID, exactly_one_of, not_both
from lambdas.schemas.settings import SettingsBody, SettingsView
from service.domain.errors import InvalidRequest
from service.domain.jobs import Job, JobStatus, WatchCause
from service.domain.limits import MAX_FOLDER, MAX_LABELS
from service.domain.requests import ImportSettings
from service.domain.schedules import MAX_CRON, Schedule
from service.domain.watches import NoticeWebhook, Watch, WatchStatus, document_type, notice_id
from service.imports.watches.manage import WatchRequest
from service.imports.watches.status import WatchCheck, WatchReport
from service.support.paging import Page

EVENTS_SETUP = (
    "The owner of the bucket must switch on Amazon EventBridge for it: S3 console > bucket > Properties > Event "
    "notifications > Amazon EventBridge > On. POST /v1/watches/{id}/test says whether it is on."
)


class ScheduleBody(Body):
    """When to run: exactly one of `cron` and `every`."""

    model_config = ConfigDict(json_schema_extra=exactly_one_of("cron", "every"))

    cron: Annotated[str, Field(min_length=1, max_length=MAX_CRON)] | None = Field(
        None, description="Minute, hour, day of month, month and day of week: `0 2 * * *` is daily at 2:00."
    )
    time_zone: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        "UTC", description="IANA name of the time zone of `cron`, such as Europe/Berlin."
    )
    every: str | None = Field(
        None,
        description="Interval of `1m` to `31d`: a number and `m`, `h` or `d`. It counts from the making of the watch.",
        json_schema_extra={"pattern": "^[1-9][0-9]{0,4}[mhd]$"},
    )

    def to_schedule(self) -> Schedule:
        return Schedule(**self.model_dump())


class _Fields(Body):
    integration_id: Annotated[str, Field(max_length=128)] | None = Field(
        None,
        description="Integration that reads the source. Default: the project's integration for the bucket.",
        json_schema_extra=INTEGRATION_ID,
    )
    filters: FiltersBody | None = Field(None, description="Objects of the prefix to import. Default: all.")
    folder: Annotated[Name, Field(max_length=MAX_FOLDER)] | None = Field(None, description="Folder to import into.")
    labels: list[Label] = Field([], max_length=MAX_LABELS, description="Labels of the imports.")
    settings: SettingsBody = Field(default_factory=SettingsBody)
    execution_settings_id: Annotated[str, Field(max_length=128)] | None = Field(
        None, description="Preset to use instead of `settings`. Each run reads it again.", json_schema_extra=PRESET_ID
    )
    schedule: ScheduleBody | None = Field(None, description="When to run. Null: by events only.")
    events: bool = Field(
        False,
        description="Import objects when they appear. The bucket must be one of the deploy settings' source buckets.",
    )
    paused: bool = Field(
        False, description="Start nothing and take no events. A resumed watch catches up with one run."
    )

    def given(self, defaults: ImportSettings) -> dict[str, Any]:
        """The fields that the body has, as the service takes them. Raises `InvalidRequest`."""
        if self.execution_settings_id is not None and "settings" in self.model_fields_set:
            raise InvalidRequest("Provide settings or execution_settings_id, not both")
        converted: dict[str, Any] = {
            "filters": self.filters.to_filters() if self.filters else None,
            "labels": tuple(self.labels),
            "settings": self.settings.to_settings(defaults),
            "schedule": self.schedule.to_schedule() if self.schedule else None,
        }
        return {name: converted.get(name, getattr(self, name)) for name in self.model_fields_set}


class WatchBody(_Fields):
    """Keep a prefix imported, by a schedule, by events, or both."""

    model_config = ConfigDict(json_schema_extra=not_both("settings", "execution_settings_id"))

    name: Name
    root_path: str = Field(
        description="Import every object whose key begins with this prefix: `s3://bucket/prefix`, or another store.",
        json_schema_extra=PREFIX_URI,
    )

    def to_request(self, defaults: ImportSettings) -> WatchRequest:
        return WatchRequest(**{"settings": self.settings.to_settings(defaults)} | self.given(defaults))


def _without_defaults(schema: dict[str, Any]) -> None:
    schema |= not_both("settings", "execution_settings_id")
    for one in schema["properties"].values():
        one.pop("default", None)


class WatchPatch(_Fields):
    """Fields that are absent stay as they are. Another source needs another watch."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    name: Name = ""

    def to_changes(self, defaults: ImportSettings) -> dict[str, Any]:
        """Settings take the place of a preset, and a preset that of settings."""
        changes = self.given(defaults)
        if "settings" in changes and "execution_settings_id" not in changes:
            changes["execution_settings_id"] = None
        return changes


class ScheduleView(Model):
    cron: str | None
    time_zone: str
    every: str | None


class FailureView(Model):
    """Why the watch cannot run. The service tries again with back-off, at most 6 hours apart."""

    code: str
    message: str
    since: str
    attempts: int


class WatchView(Model):
    id: str
    name: str
    root_path: str
    integration_id: str | None
    filters: FiltersView | None
    settings: SettingsView
    execution_settings_id: str | None
    folder: str | None
    labels: list[str]
    schedule: ScheduleView | None
    events: bool
    events_setup: str | None = Field(description="What to switch on so that events come; null without `events`.")
    paused: bool
    status: WatchStatus
    failure: FailureView | None
    next_run_at: str | None = Field(description="When the next run is due; in the past while it waits.")
    last_run: str | None = Field(description="Id of the last import that read the whole prefix.")
    created_at: str
    updated_at: str
    created_by: str | None = Field(description="Id of the key that created it.")

    @classmethod
    def of(cls, watch: Watch) -> "WatchView":
        return cls.model_validate(_shown(cls, watch), from_attributes=True)


class WatchRunView(Model):
    """An import of the watch."""

    id: str
    cause: WatchCause
    status: JobStatus
    created_at: str
    completed_at: str | None
    counts: CountsView
    failed_before: int = Field(description="Clips among the skipped ones that failed their check in an earlier run.")
    code: str | None
    message: str | None

    @classmethod
    def of(cls, job: Job) -> "WatchRunView":
        fields = {name: getattr(job, name) for name in cls.model_fields if hasattr(job, name)}
        return cls.model_validate(fields | {"cause": job.watch and job.watch.cause}, from_attributes=True)


class WatchWebhookView(DeliveryView):
    """Delivery of the webhook about lost access, or about its end."""

    event_id: str = Field(description="The webhook's `webhook-id`.")
    type: str = Field(description="Of the document: `clipferry.watch.failing` or `clipferry.watch.recovered`.")
    at: str = Field(description="When the service found it out.")
    next_attempt_at: str | None = Field(description="Null if it was delivered or given up.")

    @classmethod
    def of(cls, watch: Watch, webhook: NoticeWebhook) -> "WatchWebhookView":
        about = {
            "event_id": notice_id(watch, webhook.notice),
            "type": document_type(webhook.notice),
            "at": webhook.notice.at,
            "next_attempt_at": webhook.again_at,
        }
        return cls.model_validate(vars(webhook) | about, from_attributes=True)


class ReplayBody(Body):
    event_id: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        None, description="Webhook to send again, one of the watch's `webhooks`. Default: the last one."
    )


class WatchStatusView(WatchView):
    runs: list[WatchRunView] = Field(description="The last 20 imports, newest first.")
    lag_seconds: int | None = Field(
        description="How long the oldest object that is not imported yet has waited; null if none is known."
    )
    complete_until: str | None = Field(
        description="All objects that changed before this time are imported, as the runs without a failure found."
    )
    missed_by_events: int | None = Field(
        description="Objects that the last scheduled run had to copy because no event had; null without such a run."
    )

    webhooks: list[WatchWebhookView] = Field(
        description="Webhooks that wait to be sent, and the last 10 others, newest first."
    )

    @classmethod
    def with_report(cls, watch: Watch, report: WatchReport) -> "WatchStatusView":
        runs = {
            "runs": [WatchRunView.of(job) for job in report.runs],
            "webhooks": [WatchWebhookView.of(watch, one) for one in reversed(watch.webhooks)],
        }
        return cls.model_validate(vars(report) | _shown(cls, watch) | runs, from_attributes=True)


class WatchPage(Model):
    watches: list[WatchView]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[Watch]) -> "WatchPage":
        found = [WatchView.of(watch) for watch in page.items]
        return cls(watches=found, next_cursor=page.next_cursor, has_more=page.has_more)


class WatchCheckView(Model):
    action: Literal["list", "events"]
    ok: bool
    code: str | None
    message: str | None


class WatchTestView(Model):
    ok: bool
    checks: list[WatchCheckView] = Field(description="`list`, and `events` if the watch takes events.")

    @classmethod
    def of(cls, checks: Sequence[WatchCheck]) -> "WatchTestView":
        found = [WatchCheckView.model_validate(check, from_attributes=True) for check in checks]
        return cls(ok=all(check.ok for check in checks), checks=found)


def _shown(cls: type[WatchView], watch: Watch) -> dict[str, Any]:
    fields = {name: getattr(watch, name) for name in cls.model_fields if hasattr(watch, name)}
    return fields | {"events_setup": EVENTS_SETUP if watch.events else None}
