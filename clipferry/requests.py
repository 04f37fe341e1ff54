"""The API's requests as typed dictionaries. A field that is missing or None has the service's default."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict


class Filters(TypedDict, total=False):
    """Choose the objects of a prefix or a manifest. The patterns are those of `.gitignore`, the sizes are bytes."""

    include: list[str]
    exclude: list[str]
    min_size: int | None
    max_size: int | None
    modified_after: str | None
    """Inclusive. ISO 8601 with a time zone."""
    modified_before: str | None
    """Exclusive. ISO 8601 with a time zone."""


class Notify(TypedDict, total=False):
    """How the service reports that an import has completed."""

    webhook_url: str | None
    event: bool


class ToleratedFailures(TypedDict, total=False):
    """Failures that are allowed before the import stops: a number of clips or a percentage. Give one of them."""

    count: int
    percent: float


class RestoreSettings(TypedDict, total=False):
    """How to restore archived sources, with `archived: restore`."""

    tier: Literal["bulk", "standard", "expedited"]
    days: int
    """Days for which S3 keeps a restored copy, 1 to 30."""


class Settings(TypedDict, total=False):
    """The settings of an import; docs/reference/import-settings.md explains each."""

    on_existing: Literal["skip", "overwrite", "fail"] | None
    content_validation: Literal["none", "structure", "deep"] | None
    storage_class: str | None
    keep_metadata: bool
    keep_tags: bool
    notify: Notify
    destination: str | None
    max_concurrency: int | None
    tolerated_failures: ToleratedFailures | None
    stationary_extrapolation: bool
    archived: Literal["fail", "skip", "restore"]
    restore: RestoreSettings
    delete_source: Literal["never", "after_verified"]
    members: Literal["files", "clipgt"]


class _Views(TypedDict):
    views: Mapping[str, str]


class ViewSet(_Views, total=False):
    """Views of one scene, as role → URI. `front` is required. A set is imported whole or not at all."""

    name: str | None


class ImportRequest(TypedDict, total=False):
    """An import. Give exactly one of `exact_paths`, `root_path`, `manifest_uri` and `sets`."""

    exact_paths: Sequence[str] | None
    root_path: str | None
    clip_ids: Sequence[str] | None
    """With `root_path`: import only the clips with these ids, also out of the zips below it."""
    manifest_uri: str | None
    as_of: str | None
    """Import `root_path` or `exact_paths` as they were at this time. ISO 8601 with a time zone."""
    sets: Sequence[ViewSet] | None
    filters: Filters | None
    folder: str | None
    labels: Sequence[str] | None
    run_name_prefix: str | None
    test_run_group_name: str | None
    settings: Settings | None
    execution_settings_id: str | None
    """A preset's id, in place of `settings`."""
    stationary_extrapolation: bool | None
    """Overrides the setting of this name."""
    integration_id: str | None
    """Open every source with this integration. By default the service chooses one for each bucket."""
    validate: bool
    """List `root_path` before the import is created, so that an unreadable prefix is an error of this request."""


class WatchSchedule(TypedDict, total=False):
    """When a watch runs. Give `cron`, with or without `time_zone`, or `every`."""

    cron: str
    """Minute, hour, day of month, month, day of week."""
    time_zone: str
    """IANA name; UTC by default."""
    every: str
    """`1m` to `31d`."""


class WatchChanges(TypedDict, total=False):
    """Fields of a watch that can change."""

    name: str
    integration_id: str | None
    """None: the project's integration for the bucket."""
    filters: Filters | None
    folder: str | None
    labels: Sequence[str]
    settings: Settings
    execution_settings_id: str | None
    """A preset's id, in place of `settings`."""
    schedule: WatchSchedule | None
    events: bool
    paused: bool


class WatchRequest(WatchChanges, total=False):
    """A watch. It needs a name, a `root_path`, and a `schedule`, `events` or both."""

    root_path: str


class IntegrationRequest(TypedDict, total=False):
    """Access to a bucket. docs/how-to/integrations.md says which fields each type needs."""

    type: Literal["s3", "s3_role", "gcs", "hf_bucket"]
    name: str
    bucket: str
    prefix: str | None
    access_key_id: str
    secret_access_key: str
    session_token: str | None
    region: str | None
    endpoint_url: str | None
    role_arn: str
    requester_pays: bool
    allow_delete: bool
    customer_key: str | None
    service_account: Mapping[str, object]
    token: str | None


def body_of(request: Mapping[str, object]) -> dict[str, object]:
    """Make a request's JSON, without the fields that are None."""
    return {
        name: list(value) if isinstance(value, (tuple, set, frozenset)) else value
        for name, value in request.items()
        if value is not None
    }
