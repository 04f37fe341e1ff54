from collections.abc import Collection
from functools import cached_property
from typing import TYPE_CHECKING

from lambdas.wiring.sources import integration_sources
from lambdas.wiring.state import state_files
from lambdas.wiring.storage import clips_storage
from service.aws.clients import s3_client
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.ends import DynamoEnds
from service.aws.dynamodb.expiry import keep
from service.aws.dynamodb.integrations import DynamoIntegrations
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.table import bind
from service.aws.dynamodb.turns import deletions_of
from service.domain.projects import Integration
from service.domain.source_terms import NO_TERMS, SourceTerms
from service.domain.uris import Location
from service.imports.completion.delete_sources import AT_ONCE, LONGEST_SECONDS, DeletePorts
from service.projects.slow_requests import SlowRequests
from service.support.clock import utc_now
from service.support.parallel import Once
from service.support.settings import DeleteSourcesSettings

if TYPE_CHECKING:
    from service.sources.build import IntegrationSources
    from service.sources.port import Pin
    from service.sources.removals import Removable, RoutedRemovals


class DeleteSourcesContainer:
    def __init__(self) -> None:
        self._sources = Once(self._made_sources)

    @cached_property
    def settings(self) -> DeleteSourcesSettings:
        return DeleteSourcesSettings.from_env()

    @cached_property
    def ports(self) -> DeletePorts:
        settings = self.settings
        bind(settings.table_name)
        keep(settings)
        return DeletePorts(
            jobs=DynamoJobs(),
            ends=DynamoEnds(),
            clips=DynamoClips(),
            state=state_files(settings.state_bucket),
            clips_bucket=settings.clips_bucket,
            copies=clips_storage(settings.clips_bucket, connections=settings.stat_concurrency),
            removals=self._removals,
            at_once=settings.stat_concurrency,
            clock=utc_now,
            deleting=SlowRequests(turns=deletions_of, limit=AT_ONCE, lasts=LONGEST_SECONDS),
        )

    def _removals(self, project: str) -> "RoutedRemovals":
        from service.sources.removals import RoutedRemovals

        return RoutedRemovals(
            project=project,
            own=self._own,
            through=self._through,
            saved=DynamoIntegrations(),
            buckets=self.settings.delete_source_buckets,
        )

    @cached_property
    def _own(self) -> "_OwnBuckets":
        return _OwnBuckets(self.settings.requester_pays_buckets, self.settings.stat_concurrency)

    def _through(self, integration: Integration | None) -> "Removable":
        return self._sources().opened_by(integration)

    def _made_sources(self) -> "IntegrationSources":
        from service.sources.patience import Patience

        settings = self.settings
        return integration_sources(
            settings.integration_secrets_prefix,
            allow_private=settings.allow_private_urls,
            connections=settings.stat_concurrency,
            patience=Patience(request_seconds=settings.source_request_seconds),
        )


class _OwnBuckets:
    """The deployment's source buckets, by the function's own role. The client retries transient errors itself."""

    def __init__(self, requester_pays: Collection[str], connections: int) -> None:
        self._client, self._requester_pays = s3_client(connections=connections), requester_pays

    def remove(self, location: Location, pin: "Pin") -> None:
        from service.sources.s3 import S3Adapter

        terms = SourceTerms(requester_pays=True) if location.bucket in self._requester_pays else NO_TERMS
        S3Adapter(self._client, terms).remove(location, pin)
