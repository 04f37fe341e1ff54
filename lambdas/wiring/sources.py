"""Build the sources that integrations open."""

from typing import TYPE_CHECKING

from service.aws.clients import secrets_client, sts_client
from service.aws.secrets import IntegrationSecretsManager

if TYPE_CHECKING:
    from service.sources.build import IntegrationSources


def integration_sources(
    secrets_prefix: str, *, allow_private: bool, connections: int, attempts: int, longest_wait: float
) -> "IntegrationSources":
    # Here and not above: whoever meets no other source than S3 starts faster without the clients of all providers.
    from service.sources.build import IntegrationSources
    from service.sources.patience import Patience
    from service.web.addresses import AddressRule

    return IntegrationSources(
        secrets=IntegrationSecretsManager(secrets_client(), secrets_prefix),
        rule=AddressRule(allow_private=allow_private),
        sts=sts_client,
        patience=Patience(attempts=attempts, longest_wait=longest_wait),
        connections=connections,
    )
