"""`clipferry keys`: API keys."""

import click

from clipferry.cli.app import App
from clipferry.cli.ids import KEY, confirmed
from clipferry.cli.verbs import noun, verb
from clipferry.models.access import ApiKey

keys = noun("keys", "Create, list and revoke API keys, with the admin key.")


@verb(keys)
def current(app: App) -> None:
    """Describe the key that is used now. Works with every key."""
    caller = app.client.keys.current()
    project = caller.project or "none: the admin key imports nothing"
    app.out.show(caller.raw, {"service": app.base_url, "key": caller.id, "project": project}, subject=caller.id)


@verb(keys)
@click.argument("project", metavar="PROJECT")
@click.option("--name", required=True, metavar="NAME", help="A name that says who uses the key.")
def create(app: App, *, project: str, name: str) -> None:
    """Create a key for a project. It is shown only now."""
    made = app.client.keys.create(project, name)
    app.out.show(
        made.raw, {"id": made.id, "project": made.project, "name": made.name, "key": made.key}, subject=made.key
    )
    app.out.hint("Save the key now: the service has only its hash.")


@verb(keys, "list", lists=True)
def list_(app: App) -> None:
    """List the keys of all projects, oldest first."""
    app.out.rows(
        ApiKey,
        app.client.keys.list(),
        {"key": "id", "project": "project", "name": "name", "created": lambda one: app.out.when(one.created_at)},
        shorten=("project", "name"),
    )


@verb(keys)
@click.argument("key_id", type=KEY, metavar="KEY")
@confirmed
def revoke(app: App, *, key_id: str, yes: bool) -> None:
    """Revoke a key, at once."""
    app.confirm(f"Revoke key {key_id}? This cannot be undone.", yes=yes)
    app.client.keys.revoke(key_id)
    app.out.done({"id": key_id, "revoked": True}, f"key {key_id} is revoked", subject=key_id)
