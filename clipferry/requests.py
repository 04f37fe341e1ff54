"""What the API takes, as typed dictionaries. Whatever is left out, or None, has the service's default."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict


class Filters(TypedDict, total=False):
    """Which objects of a prefix or a manifest are clips. Patterns are those of `.gitignore`."""

    include: list[str]
    exclude: list[str]
    min_size: int | None
    max_size: int | None
    modified_after: str | None
    """ISO 8601 with its zone, inclusive."""
    modified_before: str | None
    """Exclusive."""


class Notify(TypedDict, total=False):
    webhook_url: str | None
    event: bool


class ToleratedFailures(TypedDict, total=False):
    """Exactly one of both."""

    count: int
    percent: float


class Settings(TypedDict, total=False):
    """How to import."""

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


class _Views(TypedDict):
    views: Mapping[str, str]


class ViewSet(_Views, total=False):
    """Views of one scene, role → URI, `front` among them; imported whole or not at all."""

    name: str | None


class ImportRequest(TypedDict, total=False):
    """What to import (exactly one of the first four), and how."""

    exact_paths: Sequence[str] | None
    root_path: str | None
    manifest_uri: str | None
    sets: Sequence[ViewSet] | None
    filters: Filters | None
    folder: str | None
    labels: Sequence[str] | None
    run_name_prefix: str | None
    test_run_group_name: str | None
    settings: Settings | None
    execution_settings_id: str | None
    stationary_extrapolation: bool | None
    """In the place of the setting of this name."""
    integration_id: str | None
    """Opens all sources; without it each is opened by what was saved for its bucket."""
    validate: bool
    """List `root_path` before the import is created, so that one that cannot be read is an error at once."""


class IntegrationRequest(TypedDict, total=False):
    """Saved access to a bucket; which fields a type needs is in docs/api.md."""

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
    service_account: Mapping[str, object]
    token: str | None


def body_of(request: Mapping[str, object]) -> dict[str, object]:
    """The JSON of a request: what is None is left out, so that it has its default."""
    return {
        name: list(value) if isinstance(value, (tuple, set, frozenset)) else value
        for name, value in request.items()
        if value is not None
    }
