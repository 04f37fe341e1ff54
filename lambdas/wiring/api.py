from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from lambdas.wiring.access import service_buckets, source_access
from lambdas.wiring.defaults import import_settings, settings_limits
from lambdas.wiring.presets import preset_settings
from lambdas.wiring.sources import integration_sources
from lambdas.wiring.state import STATE_CONNECTIONS, state_files
from lambdas.wiring.storage import clips_storage
from lambdas.wiring.webhooks import webhook_secrets
from service.aws.clients import (
    A_CALLER_WAITS,
    cloudwatch_client,
    s3_client,
    secrets_client,
    sqs_client,
    workflow_client,
)
from service.aws.dynamodb.audit import DynamoAudit
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.ends import DynamoEnds
from service.aws.dynamodb.execution_settings import DynamoExecutionSettings
from service.aws.dynamodb.expiry import keep
from service.aws.dynamodb.folders import DynamoFolders
from service.aws.dynamodb.integrations import DynamoIntegrations
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.keys import DynamoKeys
from service.aws.dynamodb.table import bind
from service.aws.dynamodb.turns import BATCHES, DynamoTurns, slow_requests_of
from service.aws.dynamodb.watches import DynamoWatches
from service.aws.monitor import AwsMonitor
from service.aws.s3.bucket_events import S3BucketEvents
from service.aws.s3.clip_links import S3ClipLinks, origin_of
from service.aws.s3.inbox_uploads import S3InboxUploads
from service.aws.s3.report_files import S3ReportFiles
from service.aws.secrets import IntegrationSecretsManager
from service.aws.workflow import StepFunctionsWorkflow
from service.imports.access.again import Again
from service.imports.access.reach import SourceAccess
from service.imports.completion.report_links import EndedPorts
from service.imports.intake.inbox import InboxPorts
from service.imports.intake.submit import SubmitPorts
from service.imports.previews.preview import PreviewPorts
from service.imports.queries.delete_video import RemovePorts
from service.imports.queries.health import HealthPorts
from service.imports.queries.status import StatusPorts
from service.imports.watches.manage import WatchPorts
from service.ports.links import ClipLinks
from service.ports.projects import KeyStore
from service.projects.audit import AuditPorts
from service.projects.folders import FolderPorts
from service.projects.integrations.manage import IntegrationPorts
from service.projects.integrations.policies import Trusted
from service.projects.presets import ExecutionSettingsPorts
from service.projects.slow_requests import SlowRequests
from service.projects.webhook_secrets import WebhookSecretPorts
from service.support.clock import utc_now
from service.support.parallel import Once
from service.support.settings import ApiSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from service.sources.build import IntegrationSources


CALLER_SECONDS = 8.0
"""Total time of a request to another store while a caller waits: API Gateway gives up after 29 s."""


class ApiContainer:
    @cached_property
    def settings(self) -> ApiSettings:
        settings = ApiSettings.from_env()
        bind(settings.table_name)
        keep(settings)
        return settings

    @cached_property
    def _workflow(self) -> StepFunctionsWorkflow:
        return StepFunctionsWorkflow(workflow_client(), self.settings.state_machine_arn)

    @cached_property
    def keys(self) -> KeyStore:
        bind(self.settings.table_name)
        return DynamoKeys()

    @cached_property
    def _access(self) -> SourceAccess:
        settings = self.settings
        own = clips_storage(
            settings.clips_bucket,
            connections=settings.stat_concurrency,
            patience=A_CALLER_WAITS,
            requester_pays=settings.requester_pays_buckets,
        )
        return source_access(settings, own, self._sources)

    @cached_property
    def _sources(self) -> "Once[IntegrationSources]":
        return Once(self._built_sources)

    def _built_sources(self) -> "IntegrationSources":
        from service.sources.patience import Patience

        settings = self.settings
        return integration_sources(
            settings.integration_secrets_prefix,
            allow_private=settings.allow_private_urls,
            connections=settings.stat_concurrency,
            patience=Patience(
                attempts=2, longest_wait=2.0, request_seconds=CALLER_SECONDS, part_seconds=CALLER_SECONDS
            ),
        )

    @cached_property
    def submit(self) -> SubmitPorts:
        settings = self.settings
        return SubmitPorts(
            jobs=DynamoJobs(),
            state=state_files(settings.state_bucket),
            workflow=self._workflow,
            clock=utc_now,
            access=self._access,
            max_clips=settings.max_clips_per_import,
            max_clip_ids=settings.max_clip_ids,
            limits=settings_limits(settings),
            again=Again(seconds=settings.preview_seconds),
            defaults=import_settings(settings.default_on_existing, settings.default_content_validation),
            audit_days=settings.audit_retention_days,
            max_active=settings.max_active_imports,
            delete_buckets=settings.delete_source_buckets,
            slow=self._slow,
        )

    @cached_property
    def audit(self) -> AuditPorts:
        settings = self.settings
        return AuditPorts(log=DynamoAudit(), clock=utc_now, retention_days=settings.audit_retention_days)

    @cached_property
    def presets(self) -> ExecutionSettingsPorts:
        settings = self.settings
        return ExecutionSettingsPorts(
            store=DynamoExecutionSettings(),
            clock=utc_now,
            audit_days=settings.audit_retention_days,
            limits=settings_limits(settings),
        )

    @cached_property
    def integrations(self) -> IntegrationPorts:
        settings = self.settings
        return IntegrationPorts(
            store=DynamoIntegrations(),
            secrets=IntegrationSecretsManager(secrets_client(), settings.integration_secrets_prefix),
            sources=self._sources(),
            clock=utc_now,
            audit_days=settings.audit_retention_days,
            service=service_buckets(settings),
            slow=self._slow,
        )

    @cached_property
    def _slow(self) -> SlowRequests:
        return SlowRequests(turns=slow_requests_of, limit=self.settings.max_slow_requests)

    @cached_property
    def watches(self) -> WatchPorts:
        settings = self.settings
        client = s3_client(connections=1, patience=A_CALLER_WAITS)
        return WatchPorts(
            store=DynamoWatches(),
            submit=replace(self.submit, slow=None),
            saved_settings=preset_settings(self.submit.defaults),
            slow=self._slow,
            events=S3BucketEvents(client, account=settings.trusted_account.split(":")[4]),
            event_buckets=[bucket for bucket in settings.source_buckets if bucket != settings.drop_bucket],
        )

    @cached_property
    def trusted(self) -> Trusted:
        settings = self.settings
        return Trusted(
            account=settings.trusted_account,
            roles=settings.trusted_roles,
            clips_bucket=settings.clips_bucket,
            copy_roles=settings.copy_roles,
        )

    @cached_property
    def preview(self) -> PreviewPorts:
        settings = self.settings
        return PreviewPorts(
            clock=utc_now,
            access=self._access,
            clips_bucket=settings.clips_bucket,
            limits=settings_limits(settings),
            max_clips=settings.max_clips_per_import,
            max_clip_ids=settings.max_clip_ids,
            seconds=settings.preview_seconds,
            deployment=settings,
            copy_roles=settings.copy_roles,
            delete_buckets=settings.delete_source_buckets,
            slow=self._slow,
            defaults=import_settings(settings.default_on_existing, settings.default_content_validation),
        )

    @cached_property
    def status(self) -> StatusPorts:
        settings = self.settings
        return StatusPorts(
            jobs=DynamoJobs(),
            clips=DynamoClips(),
            state=state_files(settings.state_bucket),
            clips_bucket=settings.clips_bucket,
        )

    @cached_property
    def folders(self) -> FolderPorts:
        settings = self.settings
        return FolderPorts(
            store=DynamoFolders(), jobs=DynamoJobs(), clock=utc_now, audit_days=settings.audit_retention_days
        )

    @cached_property
    def remove(self) -> RemovePorts:
        clips = clips_storage(self.settings.clips_bucket, connections=STATE_CONNECTIONS, patience=A_CALLER_WAITS)
        return RemovePorts(status=self.status, storage=clips, clock=utc_now)

    @cached_property
    def ended(self) -> EndedPorts:
        settings = self.settings
        return EndedPorts(
            jobs=DynamoJobs(),
            ends=DynamoEnds(),
            files=S3ReportFiles(s3_client(connections=STATE_CONNECTIONS, virtual_hosts=True), settings.state_bucket),
            workflow=self._workflow,
            clock=utc_now,
            url_seconds=settings.report_url_seconds,
        )

    @cached_property
    def links(self) -> ClipLinks:
        return S3ClipLinks(self._signer, self.settings.clips_bucket)

    @cached_property
    def _signer(self) -> "S3Client":
        """Signs links for the buckets' own hosts."""
        return s3_client(connections=STATE_CONNECTIONS, patience=A_CALLER_WAITS, virtual_hosts=True)

    @cached_property
    def upload_origin(self) -> str:
        """Scheme, host and port of the links by which callers upload."""
        return origin_of(self._signer, self.settings.drop_bucket)

    @cached_property
    def inbox(self) -> InboxPorts:
        settings = self.settings
        return InboxPorts(
            store=S3InboxUploads(self._signer, settings.drop_bucket),
            clock=utc_now,
            url_seconds=settings.upload_url_seconds,
            max_bytes=settings.max_upload_bytes,
        )

    @cached_property
    def health(self) -> HealthPorts:
        settings = self.settings
        return HealthPorts(
            jobs=DynamoJobs(),
            watches=DynamoWatches(),
            turns=DynamoTurns(BATCHES),
            monitor=AwsMonitor(sqs_client(A_CALLER_WAITS), cloudwatch_client(A_CALLER_WAITS), settings.stack_name),
            clock=utc_now,
            slots=settings.copy_slots,
        )

    @cached_property
    def webhook_secrets(self) -> WebhookSecretPorts:
        return webhook_secrets(self.settings)
