"""Build what requests restores of archived objects. Copying imports no more of planning than this."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from service.aws.dynamodb.integrations import DynamoIntegrations
from service.domain.projects import Integration
from service.ports.objects import Restorer
from service.sources.routed import RoutedRestorer

if TYPE_CHECKING:
    from service.sources.build import IntegrationSources


def restorer_of(own: Restorer, sources: "Callable[[], IntegrationSources]") -> Callable[[str], Restorer]:
    """Return what restores archived objects of a project's sources."""
    saved = DynamoIntegrations()

    def through(integration: Integration | None) -> Restorer:
        from service.sources.objects import SourceObjects

        return SourceObjects(source=sources().opened_by(integration))

    return lambda project: RoutedRestorer(project=project, own=own, through=through, saved=saved)
