from functools import cache
from typing import TYPE_CHECKING

from lambdas.wiring.access import source_access
from lambdas.wiring.defaults import import_settings
from lambdas.wiring.sources import integration_sources
from lambdas.wiring.state import STATE_CONNECTIONS, state_files
from lambdas.wiring.storage import clips_storage
from service.aws.clients import (
    A_CALLER_WAITS,
    s3_client,
    secrets_client,
    workflow_client,
)
from service.aws.dynamodb.audit import DynamoAudit
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.ends import DynamoEnds
from service.aws.dynamodb.execution_settings import DynamoExecutionSettings
from service.aws.dynamodb.folders import DynamoFolders
from service.aws.dynamodb.integrations import DynamoIntegrations
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.keys import DynamoKeys
from service.aws.dynamodb.table import bind
from service.aws.s3.report_files import S3ReportFiles
from service.aws.secrets import IntegrationSecretsManager, SecretsManager
from service.aws.workflow import StepFunctionsWorkflow
from service.imports.access.reach import SourceAccess
from service.imports.completion.report_links import EndedPorts
from service.imports.intake.submit import SubmitPorts
from service.imports.previews.estimate import Deployment
from service.imports.previews.preview import PreviewPorts
from service.imports.queries.delete_video import RemovePorts
from service.imports.queries.status import StatusPorts
from service.projects.audit import AuditPorts
from service.projects.folders import FolderPorts
from service.projects.integrations.manage import IntegrationPorts
from service.projects.integrations.policies import Trusted
from service.projects.presets import ExecutionSettingsPorts
from service.support.clock import utc_now
from service.support.parallel import Once
from service.support.settings import ApiSettings

if TYPE_CHECKING:
    from service.sources.build import IntegrationSources


CALLER_SECONDS = 8.0
"""Total time of a request to another store while a caller waits: API Gateway gives up after 29 s."""


@Once
def api_settings() -> ApiSettings:
    return ApiSettings.from_env()


@cache
def _workflow(state_machine_arn: str) -> StepFunctionsWorkflow:
    return StepFunctionsWorkflow(workflow_client(), state_machine_arn)


@Once
def key_store() -> DynamoKeys:
    bind(api_settings().table_name)
    return DynamoKeys()


@Once
def _hurried_access() -> SourceAccess:
    settings = api_settings()
    own = clips_storage(settings.clips_bucket, connections=settings.stat_concurrency, patience=A_CALLER_WAITS)
    return source_access(settings.source_buckets, settings.state_bucket, own, _hurried_sources)


@Once
def _hurried_sources() -> "IntegrationSources":
    from service.sources.patience import Patience

    settings = api_settings()
    return integration_sources(
        settings.integration_secrets_prefix,
        allow_private=settings.allow_private_urls,
        connections=settings.stat_concurrency,
        patience=Patience(attempts=2, longest_wait=2.0, request_seconds=CALLER_SECONDS, part_seconds=CALLER_SECONDS),
    )


@Once
def submit_ports() -> SubmitPorts:
    settings = api_settings()
    bind(settings.table_name)
    return SubmitPorts(
        jobs=DynamoJobs(),
        state=state_files(settings.state_bucket),
        workflow=_workflow(settings.state_machine_arn),
        clock=utc_now,
        access=_hurried_access(),
        max_clips=settings.max_clips_per_import,
        max_concurrency=settings.map_concurrency,
        preview_seconds=settings.preview_seconds,
        defaults=import_settings(settings.default_on_existing, settings.default_content_validation),
        audit_days=settings.audit_retention_days,
        allow_private_urls=settings.allow_private_urls,
    )


@Once
def audit_ports() -> AuditPorts:
    settings = api_settings()
    bind(settings.table_name)
    return AuditPorts(log=DynamoAudit(), clock=utc_now, retention_days=settings.audit_retention_days)


@Once
def execution_settings_ports() -> ExecutionSettingsPorts:
    settings = api_settings()
    bind(settings.table_name)
    return ExecutionSettingsPorts(
        store=DynamoExecutionSettings(), clock=utc_now, audit_days=settings.audit_retention_days
    )


@Once
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


@Once
def trusted() -> Trusted:
    settings = api_settings()
    return Trusted(
        account=settings.trusted_account,
        roles=settings.trusted_roles,
        clips_bucket=settings.clips_bucket,
        copy_roles=settings.copy_roles,
    )


@Once
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
            copy_threads=settings.copy_threads,
            stat_concurrency=settings.stat_concurrency,
            multipart_threshold_bytes=settings.multipart_threshold_bytes,
            part_bytes=settings.part_bytes,
            stream_part_bytes=settings.stream_part_bytes,
        ),
        copy_roles=settings.copy_roles,
        defaults=import_settings(settings.default_on_existing, settings.default_content_validation),
    )


@Once
def status_ports() -> StatusPorts:
    settings = api_settings()
    bind(settings.table_name)
    return StatusPorts(
        jobs=DynamoJobs(),
        clips=DynamoClips(),
        state=state_files(settings.state_bucket),
        clips_bucket=settings.clips_bucket,
    )


@Once
def folder_ports() -> FolderPorts:
    settings = api_settings()
    bind(settings.table_name)
    return FolderPorts(
        store=DynamoFolders(), jobs=DynamoJobs(), clock=utc_now, audit_days=settings.audit_retention_days
    )


@Once
def remove_ports() -> RemovePorts:
    clips = clips_storage(api_settings().clips_bucket, connections=STATE_CONNECTIONS, patience=A_CALLER_WAITS)
    return RemovePorts(status=status_ports(), storage=clips, clock=utc_now)


@Once
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
