from functools import cached_property
from typing import TYPE_CHECKING

from lambdas.wiring.access import source_access
from lambdas.wiring.defaults import import_settings, settings_limits
from lambdas.wiring.presets import preset_settings
from lambdas.wiring.sources import integration_sources
from lambdas.wiring.state import state_files
from lambdas.wiring.storage import clips_storage
from lambdas.wiring.webhooks import webhook_secrets
from service.aws.bus import DefaultEventBus
from service.aws.clients import A_CALLER_WAITS, events_client, workflow_client
from service.aws.dynamodb.expiry import keep
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.table import bind
from service.aws.dynamodb.watches import DynamoWatches
from service.aws.workflow import StepFunctionsWorkflow
from service.imports.access.again import Again
from service.imports.intake.submit import SubmitPorts
from service.imports.watches.runs import quick
from service.imports.watches.tick import TickPorts
from service.support.clock import utc_now
from service.support.parallel import Once
from service.support.settings import WatchSettings
from service.web.post import HttpSender

if TYPE_CHECKING:
    from service.sources.build import IntegrationSources

LIST_SECONDS = 8.0
"""Total time of a request to another store, so that one store that hangs does not use up a tick."""


class WatchContainer:
    @cached_property
    def settings(self) -> WatchSettings:
        settings = WatchSettings.from_env()
        bind(settings.table_name)
        keep(settings)
        return settings

    @cached_property
    def ports(self) -> TickPorts:
        settings = self.settings
        submit = SubmitPorts(
            jobs=DynamoJobs(),
            state=state_files(settings.state_bucket),
            workflow=StepFunctionsWorkflow(workflow_client(), settings.state_machine_arn),
            clock=utc_now,
            access=source_access(
                settings,
                clips_storage(settings.clips_bucket, connections=settings.stat_concurrency, patience=A_CALLER_WAITS),
                Once(self._sources),
            ),
            max_clips=settings.max_clips_per_import,
            limits=settings_limits(settings),
            again=Again(seconds=0),
            defaults=import_settings(settings.default_on_existing, settings.default_content_validation),
            audit_days=settings.audit_retention_days,
            max_active=settings.max_active_imports,
            delete_buckets=settings.delete_source_buckets,
        )
        return TickPorts(
            store=DynamoWatches(),
            submit=quick(submit),
            saved_settings=preset_settings(submit.defaults),
            bus=DefaultEventBus(events_client()),
            sender=HttpSender(settings.allow_private_urls),
            webhook_secrets=webhook_secrets(settings),
            webhook_attempts=settings.webhook_attempts,
            webhook_retry_seconds=settings.webhook_retry_seconds,
        )

    def _sources(self) -> "IntegrationSources":
        from service.sources.patience import Patience

        return integration_sources(
            self.settings.integration_secrets_prefix,
            allow_private=self.settings.allow_private_urls,
            connections=self.settings.stat_concurrency,
            patience=Patience(attempts=2, longest_wait=2.0, request_seconds=LIST_SECONDS, part_seconds=LIST_SECONDS),
        )
