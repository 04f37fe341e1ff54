from service.domain.requests import ContentValidation, ImportSettings, OnExisting


def import_settings(on_existing: str, content_validation: str) -> ImportSettings:
    """Of imports that say nothing else, by the deploy settings."""
    return ImportSettings(on_existing=OnExisting(on_existing), content_validation=ContentValidation(content_validation))
