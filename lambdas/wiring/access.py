"""Build the access to every source that an import may have."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from service.aws.dynamodb.integrations import DynamoIntegrations
from service.aws.dynamodb.jobs import DynamoJobs
from service.domain.projects import Integration
from service.domain.service_buckets import ServiceBuckets
from service.imports.access.reach import SourceAccess
from service.ports.objects import Objects
from service.sources.routed import RoutedObjects
from service.support.settings import ApiSettings, PlanSettings, WatchSettings

if TYPE_CHECKING:
    from service.sources.build import IntegrationSources


def source_access(
    settings: ApiSettings | PlanSettings | WatchSettings, own: Objects, sources: "Callable[[], IntegrationSources]"
) -> SourceAccess:
    saved = DynamoIntegrations()

    def through(integration: Integration | None) -> Objects:
        from service.sources.objects import SourceObjects

        return SourceObjects(source=sources().opened_by(integration))

    def storage(project: str) -> RoutedObjects:
        return RoutedObjects(project=project, own=own, through=through, saved=saved)

    return SourceAccess(
        buckets=settings.source_buckets,
        service=service_buckets(settings),
        jobs=DynamoJobs(),
        integrations=saved,
        storage=storage,
    )


def service_buckets(settings: ApiSettings | PlanSettings | WatchSettings) -> ServiceBuckets:
    return ServiceBuckets(
        drop=settings.drop_bucket,
        clips=settings.clips_bucket,
        state=settings.state_bucket,
        default_project=settings.default_project,
    )
