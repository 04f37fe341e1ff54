"""The deployment's settings, and what is queued, throttled and failing."""

from collections.abc import Mapping
from dataclasses import dataclass

from clipferry.decode import Model


@dataclass(frozen=True, kw_only=True)
class Deployment(Model):
    """Settings and limits of the deployment. The API reference describes each."""

    stack_name: str
    clips_bucket: str
    drop_bucket: str
    source_buckets: tuple[str, ...]
    requester_pays_buckets: tuple[str, ...]
    delete_source_buckets: tuple[str, ...]
    default_project: str
    default_on_existing: str
    default_content_validation: str
    max_clips_per_import: int
    max_clip_ids: int
    max_active_imports: int
    max_slow_requests: int
    max_body_bytes: int
    max_upload_bytes: int
    longest_import_hours: int
    preview_seconds: int
    copy_slots: int
    map_concurrency: int
    copy_concurrency: int
    copy_threads: int
    stat_concurrency: int
    batch_clips: int
    batch_bytes: int
    multipart_threshold_bytes: int
    part_bytes: int
    stream_part_bytes: int
    audit_retention_days: int
    row_retention_days: int
    clip_url_seconds: int
    upload_url_seconds: int
    report_url_seconds: int
    cors_origins: tuple[str, ...]
    allow_private_urls: bool


@dataclass(frozen=True, kw_only=True)
class Slots(Model):
    """Batches that are copied or extrapolated, and batches that wait for that."""

    limit: int
    """Slots of the deployment, which all projects share."""
    held: int
    waiting: int


@dataclass(frozen=True, kw_only=True)
class Health(Model):
    """Says what of the project is queued, throttled or failing."""

    active: Mapping[str, int]
    """Running imports by status."""
    clips_pending: int
    """Clips of running imports without a result."""
    waiting_since: str | None
    """Time since which the oldest import waits for its start."""
    slots: Slots
    """Slots that the project holds and waits for."""
    ended: Mapping[str, int]
    """Imports that began and ended in the last 24 hours, by status."""
    webhooks_failed: int
    """Imports among them whose webhook was given up."""
    watches: Mapping[str, int]
    """Watches by status."""
    complete: bool
    """False: each count means at least this number."""


@dataclass(frozen=True, kw_only=True)
class Queue(Model):
    """A queue that alarms watch. Its counts are approximate."""

    name: str
    waiting: int
    in_flight: int


@dataclass(frozen=True, kw_only=True)
class Alarm(Model):
    """An alarm of the deployment."""

    name: str
    state: str
    """`OK`, `ALARM` or `INSUFFICIENT_DATA`."""
    since: str
    description: str
    """Says what happened and what to do."""
    queue: str | None = None
    """The name of the queue that it watches."""


@dataclass(frozen=True, kw_only=True)
class ProjectSlots(Model):
    """The slots that a project holds and waits for."""

    project: str
    held: int
    waiting: int


@dataclass(frozen=True, kw_only=True)
class DeploymentHealth(Model):
    """Says what of the deployment is queued, throttled or failing."""

    slots: Slots
    projects: tuple[ProjectSlots, ...]
    """Projects that hold slots or wait for them."""
    queues: tuple[Queue, ...]
    alarms: tuple[Alarm, ...]
    """Alarms in state ALARM come first."""
