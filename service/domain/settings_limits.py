"""Check settings of imports by what a deployment allows."""

from dataclasses import dataclass

from service.domain.destination_template import check_template
from service.domain.errors import InvalidRequest
from service.domain.requests import ImportSettings
from service.domain.webhooks import check_url


@dataclass(frozen=True, kw_only=True)
class SettingsLimits:
    max_concurrency: int
    """Upper limit of `settings.max_concurrency`."""
    allow_private_urls: bool = False
    """Whether webhooks may use http and private addresses."""

    def check(self, settings: ImportSettings) -> None:
        """Check the settings of a request or of a preset. Raises `InvalidRequest`."""
        wanted = settings.max_concurrency
        if wanted is not None and not 1 <= wanted <= self.max_concurrency:
            allowed = f"this deployment allows 1 to {self.max_concurrency:,}"
            raise InvalidRequest(f"settings.max_concurrency is {wanted:,}, {allowed}")
        if settings.notify.webhook_url is not None:
            check_url(settings.notify.webhook_url, allow_private=self.allow_private_urls)
        if settings.destination is not None:
            check_template(settings.destination)
