"""The rows of the one table, as pynamodb models. docs/architecture.md shows the keys.

`pk` and `sk` find a row. The index `listing` orders a project's jobs and other small resources, `clip` and `url` find
clips across jobs. `attention` is sparse: it has jobs without a terminal status, open ends, failed and cancelled clips.
All indexes hold keys only, so counting clips writes to no index.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import TableConnection
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from service.aws.dynamodb.connection import SharedConnection
from service.aws.dynamodb.json_attribute import TextJSONAttribute


class _Row(Model):
    """Uses the shared connection. pynamodb has no public way to give a model one, hence the private method."""

    @classmethod
    def _get_connection(cls) -> TableConnection:
        own = super()._get_connection()
        if not isinstance(own.connection, SharedConnection):
            shared = SharedConnection()
            shared.add_meta_table(own.get_meta_table())
            own.connection = shared
        return own


class ListingIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # pynamodb's own hook
    class Meta:
        index_name = "listing"
        projection = KeysOnlyProjection()

    listing_pk = UnicodeAttribute(hash_key=True)
    listing_sk = UnicodeAttribute(range_key=True)


class AttentionIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # pynamodb's own hook
    class Meta:
        index_name = "attention"
        projection = KeysOnlyProjection()

    attention_pk = UnicodeAttribute(hash_key=True)
    attention_sk = UnicodeAttribute(range_key=True)


class ClipIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # pynamodb's own hook
    class Meta:
        index_name = "clip"
        projection = KeysOnlyProjection()

    clip_pk = UnicodeAttribute(hash_key=True)
    clip_sk = UnicodeAttribute(range_key=True)


class UrlIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # pynamodb's own hook
    class Meta:
        index_name = "url"
        projection = KeysOnlyProjection()

    url_pk = UnicodeAttribute(hash_key=True)
    url_sk = UnicodeAttribute(range_key=True)


class _Meta:
    """`bind` sets the name; region and endpoint come from the environment."""

    table_name = ""


class JobRow(_Row):
    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="JOB")
    listing_pk = UnicodeAttribute()
    listing_sk = UnicodeAttribute()
    attention_pk = UnicodeAttribute(null=True)
    attention_sk = UnicodeAttribute(null=True)
    listing = ListingIndex()
    attention = AttentionIndex()

    project = UnicodeAttribute()
    status = UnicodeAttribute()
    source_kind = UnicodeAttribute()
    source_uri = UnicodeAttribute(null=True)
    source_count = NumberAttribute(null=True)
    source_size = NumberAttribute(null=True)
    source_etag = UnicodeAttribute(null=True)
    source_version = UnicodeAttribute(null=True)
    source_as_of = UnicodeAttribute(null=True)
    trigger = UnicodeAttribute()
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    completed_at = UnicodeAttribute(null=True)
    folder = UnicodeAttribute(null=True)
    labels = TextJSONAttribute(default=list)
    run_name_prefix = UnicodeAttribute(null=True)
    test_run_group_name = UnicodeAttribute()
    filters = TextJSONAttribute(null=True)
    settings = TextJSONAttribute()
    code = UnicodeAttribute(null=True)
    message = UnicodeAttribute(null=True)
    cancel_requested = BooleanAttribute(default=False)
    counted = BooleanAttribute(null=True)
    request_digest = UnicodeAttribute(null=True)
    key_id = UnicodeAttribute(null=True)
    door = UnicodeAttribute()
    execution_settings_id = UnicodeAttribute(null=True)
    integration_id = UnicodeAttribute(null=True)
    planned = BooleanAttribute(default=False)
    copying_since = UnicodeAttribute(null=True)
    deleted_at = UnicodeAttribute(null=True)
    cut_short = BooleanAttribute(default=False)
    webhook = TextJSONAttribute(null=True)
    run = NumberAttribute(default=0)
    planned_run = NumberAttribute(null=True)
    retry = TextJSONAttribute(null=True)
    runs = TextJSONAttribute(default=list)
    settled_before = NumberAttribute(default=0)
    bytes_before = NumberAttribute(default=0)
    video_upload = TextJSONAttribute(null=True)
    watch = TextJSONAttribute(null=True)
    skipped_by_plan = NumberAttribute(default=0)
    failed_before = NumberAttribute(default=0)
    plan_rounds = TextJSONAttribute(null=True)
    restores = TextJSONAttribute(null=True)
    resumes = NumberAttribute(default=0)
    resume_at = UnicodeAttribute(null=True)
    removed = NumberAttribute(default=0)
    removed_landed = NumberAttribute(default=0)
    gone_at = NumberAttribute(null=True)
    expires_at = NumberAttribute(null=True)

    total = NumberAttribute(default=0)
    copied = NumberAttribute(default=0)
    skipped = NumberAttribute(default=0)
    failed = NumberAttribute(default=0)
    cancelled = NumberAttribute(default=0)
    bytes = NumberAttribute(default=0)


class TombstoneRow(_Row):
    """A tombstone in the place of a deleted job's row. TTL removes it."""

    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="JOB")
    deleted_at = UnicodeAttribute()
    expires_at = NumberAttribute()


class TagRow(_Row):
    """Finds a job by its label, folder or test run group."""

    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    expires_at = NumberAttribute(null=True)


class AuditRow(_Row):
    """An audit entry, by time in its project and, through `listing`, by subject. TTL removes it."""

    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    listing_pk = UnicodeAttribute()
    listing_sk = UnicodeAttribute()
    listing = ListingIndex()

    project = UnicodeAttribute()
    time = UnicodeAttribute()
    action = UnicodeAttribute()
    subject = UnicodeAttribute()
    door = UnicodeAttribute()
    key_id = UnicodeAttribute(null=True)
    request_id = UnicodeAttribute(null=True)
    details = TextJSONAttribute(null=True)
    expires_at = NumberAttribute()


class ExecutionSettingsRow(_Row):
    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    listing_pk = UnicodeAttribute()
    listing_sk = UnicodeAttribute()
    listing = ListingIndex()

    project = UnicodeAttribute()
    name = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    settings = TextJSONAttribute()
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    request_digest = UnicodeAttribute()


class FolderRow(_Row):
    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    listing_pk = UnicodeAttribute()
    listing_sk = UnicodeAttribute()
    listing = ListingIndex()

    scope = UnicodeAttribute()
    name = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    created_by = UnicodeAttribute(null=True)
    idempotency = UnicodeAttribute(null=True)


class CountRow(_Row):
    """How many execution settings, integrations or watches a project has."""

    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="COUNT")
    saved = NumberAttribute()


class WebhookSecretRow(_Row):
    """Number of a project's current webhook secret, and when each older one expires. No row: 0, and none."""

    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="WEBHOOKSECRET")
    current = NumberAttribute()
    older = TextJSONAttribute()


class IntegrationRow(_Row):
    """In `attention` while it is being made or deleted."""

    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    attention_pk = UnicodeAttribute(null=True)
    attention_sk = UnicodeAttribute(null=True)
    attention = AttentionIndex()

    project = UnicodeAttribute()
    name = UnicodeAttribute()
    type = UnicodeAttribute()
    bucket = UnicodeAttribute()
    prefix = UnicodeAttribute(null=True)
    region = UnicodeAttribute(null=True)
    endpoint_url = UnicodeAttribute(null=True)
    role_arn = UnicodeAttribute(null=True)
    external_id = UnicodeAttribute(null=True)
    requester_pays = BooleanAttribute(null=True)
    allow_delete = BooleanAttribute(null=True)
    secret_name = UnicodeAttribute()
    with_credentials = BooleanAttribute()
    state = UnicodeAttribute()
    touched_at = UnicodeAttribute()
    created_at = UnicodeAttribute()
    created_by = UnicodeAttribute(null=True)
    last_used = UnicodeAttribute(null=True)
    request_digest = UnicodeAttribute()


class WatchRow(_Row):
    """In `attention` with the time of the next look, in `url` while it takes the events of its bucket."""

    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    listing_pk = UnicodeAttribute()
    listing_sk = UnicodeAttribute()
    attention_pk = UnicodeAttribute(null=True)
    attention_sk = UnicodeAttribute(null=True)
    url_pk = UnicodeAttribute(null=True)
    url_sk = UnicodeAttribute(null=True)
    listing = ListingIndex()
    attention = AttentionIndex()
    url = UrlIndex()

    project = UnicodeAttribute()
    name = UnicodeAttribute()
    root_path = UnicodeAttribute()
    integration_id = UnicodeAttribute(null=True)
    filters = TextJSONAttribute(null=True)
    settings = TextJSONAttribute()
    execution_settings_id = UnicodeAttribute(null=True)
    folder = UnicodeAttribute(null=True)
    labels = TextJSONAttribute(default=list)
    schedule = TextJSONAttribute(null=True)
    events = BooleanAttribute(default=False)
    paused = BooleanAttribute(default=False)
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    created_by = UnicodeAttribute(null=True)
    request_digest = UnicodeAttribute()
    revision = NumberAttribute(default=0)
    next_run_at = UnicodeAttribute(null=True)
    next_cause = UnicodeAttribute()
    look_at = UnicodeAttribute(null=True)
    last_run = UnicodeAttribute(null=True)
    failure = TextJSONAttribute(null=True)
    notice = TextJSONAttribute(null=True)
    webhooks = TextJSONAttribute(default=list)


class EndRow(_Row):
    """One end of a job: its report, event and webhook. In `attention` while it is open, or waits to remove uploads."""

    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    attention_pk = UnicodeAttribute(null=True)
    attention_sk = UnicodeAttribute(null=True)
    attention = AttentionIndex()

    run = NumberAttribute(default=0)
    resumes = NumberAttribute(default=0)
    document = TextJSONAttribute()
    touched_at = UnicodeAttribute()
    report = TextJSONAttribute(null=True)
    event_sent_at = UnicodeAttribute(null=True)
    webhook = TextJSONAttribute(null=True)
    closed = BooleanAttribute(default=False)
    uploads_due = UnicodeAttribute(null=True)
    sources_done = BooleanAttribute(null=True)
    executions = NumberAttribute(default=0)
    failures = NumberAttribute(default=0)
    expires_at = NumberAttribute(null=True)


class BatchRow(_Row):
    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    at = UnicodeAttribute(null=True)
    tally = TextJSONAttribute(null=True)
    expires_at = NumberAttribute(null=True)


class ClipRowModel(_Row):
    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    attention_pk = UnicodeAttribute(null=True)
    attention_sk = UnicodeAttribute(null=True)
    clip_pk = UnicodeAttribute(null=True)
    clip_sk = UnicodeAttribute(null=True)
    url_pk = UnicodeAttribute(null=True)
    url_sk = UnicodeAttribute(null=True)
    attention = AttentionIndex()
    clip = ClipIndex()
    url = UrlIndex()

    status = UnicodeAttribute()
    size = NumberAttribute(null=True)
    etag = UnicodeAttribute(null=True)
    verified = UnicodeAttribute(null=True)
    facts = TextJSONAttribute(null=True)
    content = UnicodeAttribute(null=True)
    content_code = UnicodeAttribute(null=True)
    content_message = UnicodeAttribute(null=True)
    overruled = TextJSONAttribute(null=True)
    source = TextJSONAttribute(null=True)
    code = UnicodeAttribute(null=True)
    message = UnicodeAttribute(null=True)
    source_uri = UnicodeAttribute(null=True)
    destination = UnicodeAttribute(null=True)
    clip_id = UnicodeAttribute(null=True)
    group = NumberAttribute(null=True)
    view = UnicodeAttribute(null=True)
    set_name = UnicodeAttribute(null=True)
    run = NumberAttribute(null=True)
    deleted_at = UnicodeAttribute(null=True)
    extrapolation = TextJSONAttribute(null=True)
    expires_at = NumberAttribute(null=True)


class KeyRow(_Row):
    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="KEY")
    listing_pk = UnicodeAttribute()
    listing_sk = UnicodeAttribute()
    listing = ListingIndex()

    project = UnicodeAttribute()
    name = UnicodeAttribute()
    digest = UnicodeAttribute()
    created_at = UnicodeAttribute()


class ClaimRow(_Row):
    """The job that an upload belongs to. TTL removes it once its event cannot come again."""

    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="CLAIM")
    job_id = UnicodeAttribute()
    expires_at = NumberAttribute()


class GatheringRow(_Row):
    """The job that gathers a project's uploads."""

    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default="GATHERING")
    job_id = UnicodeAttribute()


class UploadListRow(_Row):
    """A list of uploads that belongs to a job."""

    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    list_key = UnicodeAttribute()
    expires_at = NumberAttribute(null=True)

    PREFIX: ClassVar[str] = "LIST#"


class LargeCopyRow(_Row):
    """An unfinished multipart upload of a clip."""

    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    token = UnicodeAttribute()
    destination = UnicodeAttribute()
    etag = UnicodeAttribute()
    part_bytes = NumberAttribute()
    begun_at = UnicodeAttribute()
    upload_id = UnicodeAttribute(null=True)
    completes_as = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)

    PREFIX: ClassVar[str] = "LARGE#"


class TurnRow(_Row):
    """A turn of a batch that wants to copy, or of another call whose number is limited. TTL removes forgotten ones."""

    class Meta(_Meta):
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    project = UnicodeAttribute()
    job_id = UnicodeAttribute()
    since = NumberAttribute()
    holds = BooleanAttribute()
    expires_at = NumberAttribute()


@dataclass(frozen=True)
class Item:
    """A row for `Model.batch_write`, which needs nothing but `serialize`.

    It makes the same item as an instance of the model would; an instance would take half as much CPU again.
    """

    model: type[Model]
    values: Mapping[str, Any]

    def serialize(self) -> dict[str, dict[str, Any]]:
        known = self.model.get_attributes()
        given = ((known[name], value) for name, value in self.values.items() if value is not None)
        return {attribute.attr_name: {attribute.attr_type: attribute.serialize(value)} for attribute, value in given}


ROWS: tuple[type[Model], ...] = (
    JobRow,
    TombstoneRow,
    TagRow,
    AuditRow,
    ExecutionSettingsRow,
    FolderRow,
    CountRow,
    WebhookSecretRow,
    IntegrationRow,
    WatchRow,
    EndRow,
    BatchRow,
    ClipRowModel,
    KeyRow,
    ClaimRow,
    GatheringRow,
    UploadListRow,
    LargeCopyRow,
    TurnRow,
)


def bind(table_name: str) -> None:
    """Point all models at the table; call it once, before the first use."""
    for row in ROWS:
        row.Meta.table_name = table_name
