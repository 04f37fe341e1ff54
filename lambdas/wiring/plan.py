from functools import cached_property
from typing import TYPE_CHECKING

from lambdas.wiring.access import source_access
from lambdas.wiring.restorers import restorer_of
from lambdas.wiring.sources import integration_sources
from lambdas.wiring.state import state_files
from lambdas.wiring.storage import clips_storage
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.expiry import keep
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.table import bind
from service.aws.dynamodb.uploads import DynamoUploads
from service.aws.s3.drop_bucket import S3DropBucket
from service.imports.planning.context import PlanPorts
from service.support.clock import utc_now
from service.support.parallel import Once
from service.support.settings import PlanSettings

if TYPE_CHECKING:
    from service.sources.build import IntegrationSources


class PlanContainer:
    @cached_property
    def settings(self) -> PlanSettings:
        return PlanSettings.from_env()

    @cached_property
    def ports(self) -> PlanPorts:
        settings = self.settings
        bind(settings.table_name)
        keep(settings)
        sources = Once(self._sources)
        own = clips_storage(
            settings.clips_bucket,
            connections=settings.stat_concurrency,
            requester_pays=settings.requester_pays_buckets,
        )
        return PlanPorts(
            jobs=DynamoJobs(),
            clips=DynamoClips(),
            state=state_files(settings.state_bucket),
            storage=own,
            uploads=DynamoUploads(),
            drop=S3DropBucket(own.own, settings.drop_bucket),
            clock=utc_now,
            access=source_access(settings, own, sources),
            restorer=restorer_of(own, sources),
            restore_wait_hours=settings.restore_wait_hours,
            clips_bucket=settings.clips_bucket,
            max_clips=settings.max_clips_per_import,
            batch_clips=settings.batch_clips,
            batch_bytes=settings.batch_bytes,
            stat_concurrency=settings.stat_concurrency,
        )

    def _sources(self) -> "IntegrationSources":
        from service.sources.patience import Patience

        settings = self.settings
        return integration_sources(
            settings.integration_secrets_prefix,
            allow_private=settings.allow_private_urls,
            connections=settings.stat_concurrency,
            patience=Patience(request_seconds=settings.source_request_seconds),
        )
