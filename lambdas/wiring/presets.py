"""Read presets where no request validated them: for the runs of watches."""

from collections.abc import Callable

from service.aws.dynamodb.execution_settings import DynamoExecutionSettings
from service.domain.requests import ImportSettings
from service.projects.presets import saved_for_import


def preset_settings(defaults: ImportSettings) -> Callable[[str, str], ImportSettings]:
    """Return a function of project and id. It raises `UnknownExecutionSettings`."""

    def read(project: str, settings_id: str) -> ImportSettings:
        # Imported here, because few watches have a preset, and the models take long to import.
        from lambdas.schemas.settings import SettingsBody

        found = saved_for_import(settings_id, project=project, store=DynamoExecutionSettings())
        return SettingsBody.model_validate(found.settings).to_settings(defaults)

    return read
