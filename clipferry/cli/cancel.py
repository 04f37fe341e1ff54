"""`clipferry cancel`"""

import click

from clipferry.cli.app import App, verb
from clipferry.cli.follow import follow, watchable


@click.command()
@click.argument("import_id", metavar="IMPORT")
@watchable
@verb
def cancel(app: App, *, import_id: str, watch: bool, timeout: float | None) -> None:
    """Cancel an import: nothing more is copied within seconds, what was copied stays."""
    job = app.client.imports.cancel(import_id)
    if watch:
        follow(app, job, timeout=timeout)
    elif app.out.as_json:
        app.out.json(job.raw)
    else:
        app.out.say(f"import {job.id} is being cancelled")
        app.out.note(f"Watch it:  clipferry status {job.id} --watch")
