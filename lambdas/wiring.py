"""Which adapters the functions run on. Everything is made on first use and kept for the life of the sandbox."""

from collections.abc import Callable, Collection
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING

from service.audit import AuditPorts
from service.aws.audit import DynamoAudit
from service.aws.bus import DefaultEventBus
from service.aws.clients import (
    A_CALLER_WAITS,
    PATIENT,
    Patience,
    events_client,
    own_region,
    s3_client,
    secrets_client,
    sts_client,
    workflow_client,
)
from service.aws.clips import DynamoClips
from service.aws.ends import DynamoEnds
from service.aws.execution_settings import DynamoExecutionSettings
from service.aws.folders import DynamoFolders
from service.aws.integrations import DynamoIntegrations
from service.aws.jobs import DynamoJobs
from service.aws.keys import DynamoKeys
from service.aws.largecopies import DynamoLargeCopies
from service.aws.pressure import InFlight
from service.aws.reports import S3ReportFiles
from service.aws.results import S3Results
from service.aws.secrets import IntegrationSecretsManager, SecretsManager
from service.aws.session import own_session, session_of
from service.aws.state import S3StateFiles
from service.aws.storage import RoleSessions, S3Storage
from service.aws.table import bind
from service.aws.uploads import DynamoUploads
from service.aws.workflow import StepFunctionsWorkflow
from service.clock import utc_now
from service.estimate import Deployment
from service.execution_settings import ExecutionSettingsPorts
from service.folders import FolderPorts
from service.imports.access import SourceAccess
from service.imports.batchround import CopyPorts
from service.imports.conclude import ConcludePorts
from service.imports.ended import EndedPorts
from service.imports.expansion import PlanPorts
from service.imports.extrapolate import ExtrapolatePorts
from service.imports.finish import FinishPorts
from service.imports.preview import PreviewPorts
from service.imports.remove import RemovePorts
from service.imports.status import StatusPorts
from service.imports.submit import SubmitPorts
from service.imports.sweep import SweepPorts
from service.imports.uploads import UploadPorts
from service.integrations.manage import IntegrationPorts
from service.integrations.policies import Trusted
from service.ports import Objects, Transfer
from service.schema import ContentValidation, ImportSettings, Integration, OnExisting
from service.settings import (
    ApiSettings,
    AuthorizeSettings,
    ConcludeSettings,
    CopySettings,
    ExtrapolateSettings,
    FinishSettings,
    PlanSettings,
    SweepSettings,
    UploadSettings,
)
from service.sources.routed import RoutedObjects, RoutedStorage
from service.web.post import HttpSender

if TYPE_CHECKING:
    from service.sources.build import CopyRoles, IntegrationSources
    from service.sources.roles import RoleClients
    from service.sources.stream_copy import StreamCopy
    from service.sources.streaming import StreamingStorage

STATE_CONNECTIONS = 10

EXTRAPOLATIONS_AT_ONCE = 4
"""In one function: while one layer is decoded, the next ones are read and the last ones stored."""


@cache
def api_settings() -> ApiSettings:
    return ApiSettings.from_env()


@cache
def _state(bucket: str) -> S3StateFiles:
    return S3StateFiles(own_session(connections=STATE_CONNECTIONS), bucket)


@cache
def _workflow(state_machine_arn: str) -> StepFunctionsWorkflow:
    return StepFunctionsWorkflow(workflow_client(), state_machine_arn)


def _defaults(on_existing: str, content_validation: str) -> ImportSettings:
    return ImportSettings(on_existing=OnExisting(on_existing), content_validation=ContentValidation(content_validation))


def _storage(
    clips_bucket: str, *, connections: int, patience: Patience = PATIENT, in_flight: InFlight | None = None
) -> S3Storage:
    own = own_session(connections=connections, patience=patience, in_flight=in_flight)
    return S3Storage(own=own, clips_bucket=clips_bucket)


@cache
def key_store() -> DynamoKeys:
    bind(AuthorizeSettings.from_env().table_name)
    return DynamoKeys()


@cache
def admin_secret() -> tuple[SecretsManager, str]:
    return SecretsManager(secrets_client()), AuthorizeSettings.from_env().admin_secret_arn


@cache
def api_key_store() -> DynamoKeys:
    bind(api_settings().table_name)
    return DynamoKeys()


def _access(
    buckets: Collection[str], state_bucket: str, own: Objects, sources: "Callable[[], IntegrationSources]"
) -> SourceAccess:
    saved = DynamoIntegrations()

    def through(integration: Integration | None) -> Objects:
        from service.sources.objects import SourceObjects

        return SourceObjects(source=sources().opened_by(integration))

    def storage(project: str) -> RoutedObjects[Objects]:
        return RoutedObjects(project=project, own=own, through=through, saved=saved)

    return SourceAccess(
        buckets=buckets, state_bucket=state_bucket, jobs=DynamoJobs(), integrations=saved, storage=storage
    )


@cache
def _hurried_access() -> SourceAccess:
    settings = api_settings()
    own = _storage(settings.clips_bucket, connections=settings.stat_concurrency, patience=A_CALLER_WAITS)
    return _access(settings.source_buckets, settings.state_bucket, own, _hurried_sources)


def _sources(
    secrets_prefix: str, *, allow_private: bool, connections: int, attempts: int, longest_wait: float
) -> "IntegrationSources":
    # Here and not above: whoever meets no other source than S3 starts faster without the clients of all providers.
    from service.sources.addresses import AddressRule
    from service.sources.build import IntegrationSources
    from service.sources.patience import Patience

    return IntegrationSources(
        secrets=IntegrationSecretsManager(secrets_client(), secrets_prefix),
        rule=AddressRule(allow_private=allow_private),
        sts=sts_client,
        patience=Patience(attempts=attempts, longest_wait=longest_wait),
        connections=connections,
    )


@cache
def _hurried_sources() -> "IntegrationSources":
    settings = api_settings()
    return _sources(
        settings.integration_secrets_prefix,
        allow_private=settings.allow_private_urls,
        connections=settings.stat_concurrency,
        attempts=2,
        longest_wait=2.0,
    )


@cache
def submit_ports() -> SubmitPorts:
    settings = api_settings()
    bind(settings.table_name)
    return SubmitPorts(
        jobs=DynamoJobs(),
        state=_state(settings.state_bucket),
        workflow=_workflow(settings.state_machine_arn),
        clock=utc_now,
        access=_hurried_access(),
        max_clips=settings.max_clips_per_import,
        max_concurrency=settings.map_concurrency,
        preview_seconds=settings.preview_seconds,
        defaults=_defaults(settings.default_on_existing, settings.default_content_validation),
        audit_days=settings.audit_retention_days,
        allow_private_urls=settings.allow_private_urls,
    )


@cache
def audit_ports() -> AuditPorts:
    settings = api_settings()
    bind(settings.table_name)
    return AuditPorts(log=DynamoAudit(), clock=utc_now, retention_days=settings.audit_retention_days)


@cache
def execution_settings_ports() -> ExecutionSettingsPorts:
    settings = api_settings()
    bind(settings.table_name)
    return ExecutionSettingsPorts(
        store=DynamoExecutionSettings(), clock=utc_now, audit_days=settings.audit_retention_days
    )


@cache
def _patient_sources() -> "IntegrationSources":
    settings = PlanSettings.from_env()
    return _sources(
        settings.integration_secrets_prefix,
        allow_private=settings.allow_private_urls,
        connections=settings.stat_concurrency,
        attempts=5,
        longest_wait=20.0,
    )


@cache
def integration_ports() -> IntegrationPorts:
    settings = api_settings()
    bind(settings.table_name)
    return IntegrationPorts(
        store=DynamoIntegrations(),
        secrets=IntegrationSecretsManager(secrets_client(), settings.integration_secrets_prefix),
        sources=_hurried_sources(),
        clock=utc_now,
        audit_days=settings.audit_retention_days,
    )


@cache
def trusted() -> Trusted:
    settings = api_settings()
    return Trusted(
        account=settings.trusted_account,
        roles=settings.trusted_roles,
        clips_bucket=settings.clips_bucket,
        copy_roles=settings.copy_roles,
    )


@cache
def preview_ports() -> PreviewPorts:
    settings = api_settings()
    bind(settings.table_name)
    return PreviewPorts(
        clock=utc_now,
        access=_hurried_access(),
        clips_bucket=settings.clips_bucket,
        max_clips=settings.max_clips_per_import,
        seconds=settings.preview_seconds,
        deployment=Deployment(
            batch_clips=settings.batch_clips,
            batch_bytes=settings.batch_bytes,
            map_concurrency=settings.map_concurrency,
            copy_concurrency=settings.copy_concurrency,
            stat_concurrency=settings.stat_concurrency,
            multipart_threshold_bytes=settings.multipart_threshold_bytes,
            part_bytes=settings.part_bytes,
            stream_part_bytes=settings.stream_part_bytes,
        ),
        copy_roles=settings.copy_roles,
        defaults=_defaults(settings.default_on_existing, settings.default_content_validation),
    )


@cache
def status_ports() -> StatusPorts:
    settings = api_settings()
    bind(settings.table_name)
    return StatusPorts(
        jobs=DynamoJobs(),
        clips=DynamoClips(),
        state=_state(settings.state_bucket),
        clips_bucket=settings.clips_bucket,
    )


@cache
def folder_ports() -> FolderPorts:
    settings = api_settings()
    bind(settings.table_name)
    return FolderPorts(
        store=DynamoFolders(), jobs=DynamoJobs(), clock=utc_now, audit_days=settings.audit_retention_days
    )


@cache
def remove_ports() -> RemovePorts:
    storage = _storage(api_settings().clips_bucket, connections=STATE_CONNECTIONS, patience=A_CALLER_WAITS)
    return RemovePorts(status=status_ports(), storage=storage, clock=utc_now)


@cache
def ended_ports() -> EndedPorts:
    settings = api_settings()
    bind(settings.table_name)
    return EndedPorts(
        jobs=DynamoJobs(),
        ends=DynamoEnds(),
        files=S3ReportFiles(s3_client(connections=STATE_CONNECTIONS), settings.state_bucket),
        workflow=_workflow(settings.state_machine_arn),
        secrets=SecretsManager(secrets_client()),
        webhook_secret_arn=settings.webhook_secret_arn,
        clock=utc_now,
        url_seconds=settings.report_url_seconds,
    )


@cache
def conclude_ports() -> ConcludePorts:
    settings = ConcludeSettings.from_env()
    bind(settings.table_name)
    return ConcludePorts(
        jobs=DynamoJobs(),
        ends=DynamoEnds(),
        clips=DynamoClips(),
        state=_state(settings.state_bucket),
        files=S3ReportFiles(s3_client(connections=STATE_CONNECTIONS), settings.state_bucket),
        bus=DefaultEventBus(events_client()),
        sender=HttpSender(settings.allow_private_urls),
        secrets=SecretsManager(secrets_client()),
        webhook_secret_arn=settings.webhook_secret_arn,
        clock=utc_now,
        clips_bucket=settings.clips_bucket,
        webhook_attempts=settings.webhook_attempts,
        webhook_retry_seconds=settings.webhook_retry_seconds,
    )


@cache
def plan_ports() -> PlanPorts:
    settings = PlanSettings.from_env()
    bind(settings.table_name)
    own = _storage(settings.clips_bucket, connections=settings.stat_concurrency)
    return PlanPorts(
        jobs=DynamoJobs(),
        clips=DynamoClips(),
        state=_state(settings.state_bucket),
        storage=own,
        uploads=DynamoUploads(),
        clock=utc_now,
        access=_access(settings.source_buckets, settings.state_bucket, own, _patient_sources),
        clips_bucket=settings.clips_bucket,
        max_clips=settings.max_clips_per_import,
        batch_clips=settings.batch_clips,
        batch_bytes=settings.batch_bytes,
        stat_concurrency=settings.stat_concurrency,
    )


@cache
def copy_ports() -> CopyPorts:
    settings = CopySettings.from_env()
    bind(settings.table_name)
    in_flight = _copies_in_flight()
    own = _storage(settings.clips_bucket, connections=in_flight.most, in_flight=in_flight)
    saved = DynamoIntegrations()

    def storage(project: str) -> RoutedStorage:
        return RoutedStorage(project=project, own=own, through=partial(_through, own), saved=saved)

    return CopyPorts(
        jobs=DynamoJobs(),
        clips=DynamoClips(),
        state=_state(settings.state_bucket),
        storage=storage,
        large=DynamoLargeCopies(),
        clock=utc_now,
        concurrency=settings.copy_concurrency,
        multipart_threshold=settings.multipart_threshold_bytes,
        part_bytes=settings.part_bytes,
        stream_part_bytes=settings.stream_part_bytes,
    )


def _through(own: S3Storage, integration: Integration | None) -> Transfer:
    """Inside S3 where the integration's role may write clips, else through this process."""
    clients = _copy_roles().clients_of(integration)
    if clients is None:
        return _streaming(integration)
    return S3Storage(own=own.own, clips_bucket=own.clips_bucket, role=_role_sessions(clients))


@cache
def _copies_in_flight() -> InFlight:
    """For all copies of the process: whole ones, and parts of large ones besides."""
    return InFlight(2 * CopySettings.from_env().copy_concurrency)


@lru_cache(maxsize=32)
def _role_sessions(clients: "RoleClients") -> RoleSessions:
    """Kept as long as the clients are, with their connections."""
    in_flight = _copies_in_flight()
    return RoleSessions(
        reads=session_of(clients.reads, clients.credentials, in_flight=in_flight),
        copies=session_of(clients.copies, clients.credentials, in_flight=in_flight),
    )


@cache
def _copy_roles() -> "CopyRoles":
    from service.sources.build import CopyRoles

    settings = CopySettings.from_env()
    return CopyRoles(
        settings.copy_roles, sts=sts_client, clips_region=own_region(), connections=2 * settings.copy_concurrency
    )


def _streaming(integration: Integration | None) -> "StreamingStorage":
    from service.sources.streaming import StreamingStorage

    copier, sources = _streams()
    return StreamingStorage(copier=copier, source=sources.opened_by(integration))


@cache
def _streams() -> "tuple[StreamCopy, IntegrationSources]":
    from service.sources.memory import Memory
    from service.sources.stream_copy import StreamCopy

    settings = CopySettings.from_env()
    sources = _sources(
        settings.integration_secrets_prefix,
        allow_private=settings.allow_private_urls,
        connections=settings.copy_concurrency,
        attempts=5,
        longest_wait=20.0,
    )
    copier = StreamCopy(
        client=s3_client(connections=settings.copy_concurrency, sign_bodies=False),
        clips_bucket=settings.clips_bucket,
        memory=Memory(settings.stream_memory_bytes, reused=settings.stream_part_bytes),
        part_bytes=settings.stream_part_bytes,
    )
    return copier, sources


@cache
def extrapolate_ports() -> ExtrapolatePorts:
    # Only this function's bundle has the Parquet library.
    from service.extrapolation.layer import extrapolate

    settings = ExtrapolateSettings.from_env()
    bind(settings.table_name)
    return ExtrapolatePorts(
        jobs=DynamoJobs(),
        clips=DynamoClips(),
        state=_state(settings.state_bucket),
        objects=_storage(settings.clips_bucket, connections=EXTRAPOLATIONS_AT_ONCE),
        results=S3Results(s3_client(connections=EXTRAPOLATIONS_AT_ONCE), settings.clips_bucket),
        extrapolate=extrapolate,
        clips_bucket=settings.clips_bucket,
        distance=settings.stationary_distance_cm / 100,
        concurrency=EXTRAPOLATIONS_AT_ONCE,
    )


@cache
def finish_ports() -> FinishPorts:
    settings = FinishSettings.from_env()
    return _finish_ports(settings.table_name, settings.state_bucket, settings.clips_bucket)


def _finish_ports(table_name: str, state_bucket: str, clips_bucket: str) -> FinishPorts:
    bind(table_name)
    return FinishPorts(
        jobs=DynamoJobs(),
        clips=DynamoClips(),
        state=_state(state_bucket),
        storage=_storage(clips_bucket, connections=STATE_CONNECTIONS),
        uploads=DynamoUploads(),
        large=DynamoLargeCopies(),
        clock=utc_now,
    )


@cache
def sweep_ports() -> SweepPorts:
    settings = SweepSettings.from_env()
    return SweepPorts(
        finish=_finish_ports(settings.table_name, settings.state_bucket, settings.clips_bucket),
        ends=DynamoEnds(),
        workflow=_workflow(settings.state_machine_arn),
        grace_seconds=settings.grace_seconds,
    )


@cache
def unsettled_integrations() -> tuple[DynamoIntegrations, IntegrationSecretsManager]:
    settings = SweepSettings.from_env()
    bind(settings.table_name)
    return DynamoIntegrations(), IntegrationSecretsManager(secrets_client(), settings.integration_secrets_prefix)


@cache
def upload_ports() -> UploadPorts:
    settings = UploadSettings.from_env()
    bind(settings.table_name)
    return UploadPorts(
        jobs=DynamoJobs(),
        uploads=DynamoUploads(),
        state=_state(settings.state_bucket),
        workflow=_workflow(settings.state_machine_arn),
        clock=utc_now,
        drop_bucket=settings.drop_bucket,
        default_project=settings.default_project,
        window_seconds=settings.upload_window_seconds,
        settings=_defaults(settings.default_on_existing, settings.default_content_validation),
        audit_days=settings.audit_retention_days,
    )
