"""`clipferry folders`: names that imports land under."""

from typing import Any

import click

from clipferry.cli.app import App, verb
from clipferry.cli.output import Output
from clipferry.models.folders import CountedFolder, Folder


@click.group()
def folders() -> None:
    """Folders that clips land in. `import --folder NAME` makes none, and needs none."""


@folders.command("list")
@verb
def list_(app: App) -> None:
    """List them, oldest first."""
    app.out.rows(
        ("folder", "scope", "name", "created", "description"),
        (
            (one.raw, (one.id, one.scope, one.name, app.out.when(one.created_at), one.description))
            for one in app.client.folders.list()
        ),
    )


@folders.command()
@click.argument("name")
@click.option("--scope", type=click.Choice(["user", "org"]), default="user", show_default=True)
@click.option("--description")
@verb
def create(app: App, *, name: str, scope: Any, description: str | None) -> None:
    """Make one."""
    _tell(app.out, app.client.folders.create(name, scope=scope, description=description))


@folders.command()
@click.argument("folder_id", metavar="ID")
@verb
def show(app: App, *, folder_id: str) -> None:
    """Show one, and how many clips it has."""
    _tell(app.out, app.client.folders.get(folder_id))


def _tell(out: Output, one: Folder) -> None:
    if out.as_json:
        out.json(one.raw)
        return
    shown = {name: getattr(one, name) for name in ("name", "scope", "description", "created_at", "created_by")}
    clips = f"{one.clip_count:,}" if isinstance(one, CountedFolder) else None
    out.fields({"folder": one.id} | shown | {"clips": clips})
