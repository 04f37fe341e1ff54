"""`clipferry folders`: named places for clips."""

from typing import Any

import click

from clipferry.cli.app import App
from clipferry.cli.ids import FOLDER
from clipferry.cli.verbs import noun, verb
from clipferry.errors import NotFound
from clipferry.models.folders import CountedFolder, Folder

folders = noun("folders", "List and create folders. `import --folder NAME` does not need one.")

_SCOPES = click.Choice(["user", "org"])


@verb(folders, "list", lists=True)
def list_(app: App) -> None:
    """List the folders, oldest first."""
    app.out.rows(
        Folder,
        app.client.folders.list(),
        {
            "folder": "id",
            "scope": "scope",
            "name": "name",
            "created": lambda one: app.out.when(one.created_at),
            "description": "description",
        },
        shorten=("name", "description"),
    )


@verb(folders)
@click.argument("name", metavar="NAME")
@click.option(
    "--scope", type=_SCOPES, default="user", show_default=True, help="The folder's scope; both belong to the project."
)
@click.option("--description", metavar="TEXT", help="The folder's description.")
def create(app: App, *, name: str, scope: Any, description: str | None) -> None:
    """Create a folder."""
    _show(app, app.client.folders.create(name, scope=scope, description=description))


@verb(folders)
@click.argument("folder", type=FOLDER, metavar="FOLDER")
@click.option("--scope", type=_SCOPES, help="The scope of the name, if both scopes have it.")
def show(app: App, *, folder: str, scope: str | None) -> None:
    """Show a folder and the number of its clips. FOLDER is a name or an id."""
    if scope is None and folder.startswith("fd_"):
        try:
            _show(app, app.client.folders.get(folder))
            return
        except NotFound:  # a name may begin like an id
            pass
    _show(app, app.client.folders.get(_id_of(app, folder, scope)))


def _id_of(app: App, folder: str, scope: str | None) -> str:
    """Find the folder that has this name. Raises `click.UsageError` if there are two."""
    named = {one.scope: one.id for one in app.client.folders.list() if one.name == folder}
    if scope is not None:
        named = {one: found for one, found in named.items() if one == scope}
    if len(named) > 1:
        raise click.UsageError(f"two folders are called {folder}: choose one with --scope user or --scope org")
    return next(iter(named.values()), folder)


def _show(app: App, one: Folder) -> None:
    shown = {name: getattr(one, name) for name in ("name", "scope", "description")}
    clips = f"{one.clip_count:,}" if isinstance(one, CountedFolder) else None
    made = {"clips": clips, "created": one.created_at, "created by": one.created_by}
    app.out.show(one.raw, {"folder": one.id} | shown | made)
