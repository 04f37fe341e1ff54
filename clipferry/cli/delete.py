"""`clipferry delete`"""

import click

from clipferry.cli.app import App, verb


@click.command()
@click.argument("import_id", metavar="IMPORT")
@click.option("--yes", is_flag=True, help="Do not ask.")
@verb
def delete(app: App, *, import_id: str, yes: bool) -> None:
    """Delete an ended import's record. Its clips stay where they are."""
    if not yes:
        click.confirm(f"Delete the record of {import_id}, for good?", abort=True, err=True)
    app.client.imports.delete(import_id)
    if app.out.as_json:
        app.out.json({"id": import_id, "deleted": True})
    else:
        app.out.say(f"import {import_id} is deleted")
