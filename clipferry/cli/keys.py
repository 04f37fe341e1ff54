"""`clipferry keys`"""

import click

from clipferry.cli.app import App, verb


@click.group()
def keys() -> None:
    """API keys of projects. All but `current` need the admin key."""


@keys.command()
@verb
def current(app: App) -> None:
    """Say what the key is that is used now."""
    caller = app.client.keys.current()
    if app.out.as_json:
        app.out.json(caller.raw)
        return
    project = caller.project or "none: the admin key manages keys only"
    app.out.fields({"service": app.client.where.base_url, "key": caller.id, "project": project})


@keys.command()
@click.argument("project")
@click.option("--name", required=True, help="Says whose key it is.")
@verb
def create(app: App, *, project: str, name: str) -> None:
    """Make a key for a project. It is shown this once."""
    made = app.client.keys.create(project, name)
    if app.out.as_json:
        app.out.json(made.raw)
        return
    app.out.fields({"id": made.id, "project": made.project, "name": made.name, "key": made.key})
    app.out.note("Keep the key now: the service has only its hash.")


@keys.command("list")
@verb
def list_(app: App) -> None:
    """List keys, oldest first."""
    app.out.rows(
        ("key", "project", "name", "created"),
        ((one.raw, (one.id, one.project, one.name, app.out.when(one.created_at))) for one in app.client.keys.list()),
    )


@keys.command()
@click.argument("key_id", metavar="ID")
@verb
def revoke(app: App, *, key_id: str) -> None:
    """Revoke a key, at once and for good."""
    app.client.keys.revoke(key_id)
    if app.out.as_json:
        app.out.json({"id": key_id, "revoked": True})
    else:
        app.out.say(f"key {key_id} is revoked")
