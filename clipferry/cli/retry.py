"""`clipferry retry`"""

import click

from clipferry.cli.app import App, verb
from clipferry.cli.follow import follow, watchable


@click.command()
@click.argument("import_id", metavar="IMPORT")
@click.option("--clip", "clip_ids", multiple=True, metavar="CLIP", help="Only this clip (may be repeated).")
@watchable
@verb
def retry(app: App, *, import_id: str, clip_ids: tuple[str, ...], watch: bool, timeout: float | None) -> None:
    """Run again what failed or was cancelled in an import that has ended."""
    job = app.client.imports.retry(import_id, clip_ids=clip_ids or None)
    if watch:
        follow(app, job, timeout=timeout)
    elif app.out.as_json:
        app.out.json(job.raw)
    else:
        app.out.say(f"import {job.id} runs again (run {job.run})")
        app.out.note(f"Watch it:  clipferry status {job.id} --watch")
