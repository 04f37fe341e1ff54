"""Build the sources that integrations open."""

from typing import TYPE_CHECKING

from service.aws.clients import secrets_client, sts_client
from service.aws.secrets import IntegrationSecretsManager

if TYPE_CHECKING:
    from service.sources.build import IntegrationSources
    from service.sources.patience import Patience


def integration_sources(
    secrets_prefix: str, *, allow_private: bool, connections: int, patience: "Patience"
) -> "IntegrationSources":
    # Imported here so that functions that only meet S3 start without the clients of all providers.
    from service.sources.build import IntegrationSources
    from service.web.addresses import AddressRule

    return IntegrationSources(
        secrets=IntegrationSecretsManager(secrets_client(), secrets_prefix),
        rule=AddressRule(allow_private=allow_private),
        sts=sts_client,
        patience=patience,
        connections=connections,
    )
