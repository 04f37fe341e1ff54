"""`clipferry settings`: saved settings of imports."""

from typing import Any, cast

import click

from clipferry.cli.app import App, verb
from clipferry.cli.asking import read_settings
from clipferry.cli.output import Output
from clipferry.models.imports import Preset
from clipferry.requests import Settings


@click.group()
def settings() -> None:
    """Settings of imports, saved under an id."""


@settings.command("list")
@verb
def list_(app: App) -> None:
    """List them, oldest first."""
    app.out.rows(
        ("settings", "name", "updated", "description"),
        (
            (one.raw, (one.id, one.name, app.out.when(one.updated_at), one.description))
            for one in app.client.settings.list()
        ),
    )


@settings.command()
@click.argument("settings_id", metavar="ID")
@verb
def show(app: App, *, settings_id: str) -> None:
    """Show them."""
    _tell(app.out, app.client.settings.get(settings_id))


@settings.command()
@click.argument("file", type=click.File())
@click.option("--name", required=True)
@click.option("--description")
@verb
def save(app: App, *, file: Any, name: str, description: str | None) -> None:
    """Save those of a JSON file (- is stdin) under a new id."""
    given = cast(Settings, read_settings(file))
    _tell(app.out, app.client.settings.create(name, given, description=description))


@settings.command()
@click.argument("settings_id", metavar="ID")
@click.argument("file", type=click.File())
@click.option("--name", required=True)
@click.option("--description")
@verb
def replace(app: App, *, settings_id: str, file: Any, name: str, description: str | None) -> None:
    """Replace name, description and settings, all three."""
    given = cast(Settings, read_settings(file))
    _tell(app.out, app.client.settings.replace(settings_id, name, given, description=description))


@settings.command()
@click.argument("settings_id", metavar="ID")
@verb
def delete(app: App, *, settings_id: str) -> None:
    """Delete them."""
    app.client.settings.delete(settings_id)
    if app.out.as_json:
        app.out.json({"id": settings_id, "deleted": True})
    else:
        app.out.say(f"settings {settings_id} are deleted")


def _tell(out: Output, saved: Preset) -> None:
    if out.as_json:
        out.json(saved.raw)
        return
    out.fields({"settings": saved.id, "name": saved.name, "description": saved.description, **dict(saved.settings)})
