"""`clipferry retry`"""

import click

from clipferry.cli.app import App
from clipferry.cli.follow import started, watchable
from clipferry.cli.ids import import_argument
from clipferry.cli.verbs import verb


@verb()
@import_argument
@click.option(
    "--clip",
    "clip_ids",
    multiple=True,
    metavar="CLIP",
    help="Retry only this clip (repeatable): the first column of `clipferry clips`.",
)
@watchable
def retry(app: App, *, import_id: str, clip_ids: tuple[str, ...], watch: bool, timeout: float | None) -> None:
    """Copy the failed and cancelled clips of an ended import again."""
    job = app.client.imports.retry(import_id, clip_ids=clip_ids or None)
    started(app, job, f"import {job.id} runs again (attempt {job.run + 1})", watch=watch, timeout=timeout)
