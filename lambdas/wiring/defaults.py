from service.domain.requests import ContentValidation, ImportSettings, OnExisting
from service.domain.settings_limits import SettingsLimits
from service.support.settings import ApiSettings, WatchSettings


def import_settings(on_existing: str, content_validation: str) -> ImportSettings:
    """The deployment's defaults for settings that a request leaves out."""
    return ImportSettings(on_existing=OnExisting(on_existing), content_validation=ContentValidation(content_validation))


def settings_limits(settings: ApiSettings | WatchSettings) -> SettingsLimits:
    """Return what the deployment allows in settings."""
    return SettingsLimits(max_concurrency=settings.map_concurrency, allow_private_urls=settings.allow_private_urls)
