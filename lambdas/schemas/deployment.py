"""The deployment: its settings, and what is queued, throttled or failing."""

from pydantic import Field

from lambdas.schemas.base import Model
from service.domain.jobs import JobStatus
from service.domain.requests import ContentValidation, OnExisting
from service.domain.watches import WatchStatus
from service.imports.queries.health import DeploymentHealth, ProjectHealth
from service.ports.health import AlarmState
from service.support.settings import ApiSettings

ACTIVE = (JobStatus.PENDING, JobStatus.PLANNING, JobStatus.COPYING)


class DeploymentView(Model):
    """Settings that were chosen before the deployment. Each request and import is under these limits."""

    stack_name: str = Field(description="CloudFormation's name of the deployment.")
    clips_bucket: str = Field(description="Bucket that imports copy into.")
    drop_bucket: str = Field(description="Bucket whose uploads are imported.")
    source_buckets: list[str] = Field(description="Buckets that imports may read without an integration.")
    requester_pays_buckets: list[str] = Field(
        description="Source buckets whose requests and transfers are charged to the deployment's account."
    )
    delete_source_buckets: list[str] = Field(description="Source buckets in which imports may delete what they copied.")
    default_project: str = Field(description="Project of uploads to the drop bucket outside `inbox/{project}/`.")
    default_on_existing: OnExisting = Field(description="What an import does about existing objects by default.")
    default_content_validation: ContentValidation = Field(description="Check of each clip's content by default.")
    max_clips_per_import: int = Field(description="Maximum clips of one import.")
    max_clip_ids: int = Field(description="Maximum clip ids of one import by ids.")
    max_active_imports: int = Field(description="Maximum running imports of one project.")
    max_slow_requests: int = Field(description="Maximum requests of one project at once that wait for a store.")
    max_body_bytes: int = Field(description="Maximum bytes of a request body.")
    max_upload_bytes: int = Field(description="Maximum bytes of a file that is uploaded by links.")
    longest_import_hours: int = Field(description="Maximum hours of an import, with its waits for restores.")
    preview_seconds: int = Field(description='Seconds that a preview reads before it answers "at least".')
    copy_slots: int = Field(description="Batches that are copied at once, of all imports together.")
    map_concurrency: int = Field(description="Batches of one import that are in flight at once.")
    copy_concurrency: int = Field(description="Copies inside S3 that one function has in flight.")
    copy_threads: int = Field(description="Threads of one copy function for clips that it reads itself.")
    stat_concurrency: int = Field(description="Requests in flight while a list of URIs is planned.")
    batch_clips: int = Field(description="Maximum clips of one batch.")
    batch_bytes: int = Field(description="Maximum bytes of one batch. A larger clip has its own.")
    multipart_threshold_bytes: int = Field(description="Clips above this size are copied in parts.")
    part_bytes: int = Field(description="Bytes of a part of a copy inside S3.")
    stream_part_bytes: int = Field(description="Bytes of a part of a clip from another store.")
    audit_retention_days: int = Field(description="Days for which audit entries are kept.")
    row_retention_days: int = Field(description="Days for which an import's rows are kept. 0: they do not expire.")
    clip_url_seconds: int = Field(description="Seconds for which a link to a clip works.")
    upload_url_seconds: int = Field(description="Seconds for which a link to upload works.")
    report_url_seconds: int = Field(description="Seconds for which a link to a report works.")
    cors_origins: list[str] = Field(description="Origins of other web pages that may call the API.")
    allow_private_urls: bool = Field(description="Whether webhooks and endpoints may have addresses that are private.")

    @classmethod
    def of(cls, settings: ApiSettings) -> "DeploymentView":
        sources = [bucket for bucket in settings.source_buckets if bucket != settings.drop_bucket]
        fields = {name: getattr(settings, name) for name in cls.model_fields}
        return cls.model_validate(fields | {"source_buckets": sources})


class SlotsView(Model):
    """Batches that are copied or extrapolated, and batches that wait for that."""

    limit: int = Field(description="Slots of the deployment, which all projects share.")
    held: int
    waiting: int


class HealthView(Model):
    """The project's queued, throttled and failing work."""

    active: dict[JobStatus, int] = Field(description="Running imports by status.")
    clips_pending: int = Field(description="Clips of running imports without a result.")
    waiting_since: str | None = Field(description="Time since which the oldest import waits for its start.")
    slots: SlotsView = Field(description="Slots that the project holds and waits for.")
    ended: dict[JobStatus, int] = Field(description="Imports that began and ended in the last 24 hours, by status.")
    webhooks_failed: int = Field(description="Imports among them whose webhook was given up.")
    watches: dict[WatchStatus, int] = Field(description="Watches by status.")
    complete: bool = Field(description="False: each count means at least this number.")

    @classmethod
    def of(cls, health: ProjectHealth) -> "HealthView":
        counts = {
            "active": {status: health.active[status] for status in ACTIVE},
            "ended": {status: health.ended[status] for status in JobStatus if status.terminal},
            "watches": {status: health.watches[status] for status in WatchStatus},
        }
        return cls.model_validate(vars(health) | counts, from_attributes=True)


class QueueView(Model):
    name: str
    waiting: int = Field(
        description="Messages that nobody reads yet, also uploaded manifests that wait for room among active imports."
    )
    in_flight: int = Field(description="Messages that are being worked on.")


class AlarmView(Model):
    name: str
    state: AlarmState
    since: str
    description: str = Field(description="What happened, and what to do.")
    queue: str | None = Field(description="Name of the queue that it watches.")


class ProjectSlotsView(Model):
    project: str
    held: int
    waiting: int


class DeploymentHealthView(Model):
    """The deployment's queued, throttled and failing work. Counts of queues are approximate."""

    slots: SlotsView
    projects: list[ProjectSlotsView] = Field(description="Projects that hold slots or wait for them.")
    queues: list[QueueView] = Field(description="Queues that alarms watch.")
    alarms: list[AlarmView] = Field(description="Those in state ALARM first.")

    @classmethod
    def of(cls, health: DeploymentHealth) -> "DeploymentHealthView":
        return cls.model_validate(health, from_attributes=True)
