"""`clipferry presets`: saved settings of imports."""

from typing import cast

import click

from clipferry.cli.app import App
from clipferry.cli.files import Document, Utf8File
from clipferry.cli.ids import PRESET, confirmed
from clipferry.cli.verbs import noun, verb
from clipferry.models.presets import Preset
from clipferry.requests import Settings

presets = noun("presets", "Save settings of imports. Use them with `import --preset ID`.")

_id = click.argument("settings_id", type=PRESET, metavar="PRESET")
_file = click.argument("file", type=Utf8File(), metavar="FILE")
_name = click.option("--name", required=True, metavar="NAME", help="The preset's name.")
_description = click.option("--description", metavar="TEXT", help="The preset's description.")


@verb(presets, "list", lists=True)
def list_(app: App) -> None:
    """List the presets, oldest first."""
    app.out.rows(
        Preset,
        app.client.presets.list(),
        {
            "preset": "id",
            "name": "name",
            "updated": lambda one: app.out.when(one.updated_at),
            "description": "description",
        },
        shorten=("name", "description"),
    )


@verb(presets)
@_id
def show(app: App, *, settings_id: str) -> None:
    """Show a preset."""
    _show(app, app.client.presets.get(settings_id))


@verb(presets)
@_file
@_name
@_description
def save(app: App, *, file: Document, name: str, description: str | None) -> None:
    """Save the settings in a JSON file (- is stdin) as a new preset."""
    _show(app, app.client.presets.create(name, _settings(file), description=description))


@verb(presets)
@_id
@_file
@_name
@_description
@confirmed
def replace(app: App, *, settings_id: str, file: Document, name: str, description: str | None, yes: bool) -> None:
    """Replace a preset's name, description and settings."""
    given = _settings(file)
    app.confirm(f"Replace preset {settings_id}? Its present settings are lost.", yes=yes)
    _show(app, app.client.presets.replace(settings_id, name, given, description=description))


@verb(presets)
@_id
@confirmed
def delete(app: App, *, settings_id: str, yes: bool) -> None:
    """Delete a preset. Imports that used it keep their settings."""
    app.confirm(f"Delete preset {settings_id}? This cannot be undone.", yes=yes)
    app.client.presets.delete(settings_id)
    app.out.done({"id": settings_id, "deleted": True}, f"preset {settings_id} is deleted", subject=settings_id)


def _settings(file: Document) -> Settings:
    return cast(Settings, file.json(dict, "object of settings"))


def _show(app: App, saved: Preset) -> None:
    shown = {"preset": saved.id, "name": saved.name, "description": saved.description, **dict(saved.settings)}
    app.out.show(saved.raw, shown)
