"""Access to every source that an import may name."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from service.aws.dynamodb.integrations import DynamoIntegrations
from service.aws.dynamodb.jobs import DynamoJobs
from service.domain.projects import Integration
from service.imports.access.reach import SourceAccess
from service.ports.objects import Objects
from service.sources.routed import RoutedObjects

if TYPE_CHECKING:
    from service.sources.build import IntegrationSources


def source_access(
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
