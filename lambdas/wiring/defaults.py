from service.domain.requests import ContentValidation, ImportSettings, OnExisting


def import_settings(on_existing: str, content_validation: str) -> ImportSettings:
    """The deployment's defaults for settings that a request leaves out."""
    return ImportSettings(on_existing=OnExisting(on_existing), content_validation=ContentValidation(content_validation))
