"""`clipferry retry`"""

from typing import Any

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
    help="Retry only this clip, by the id in the first column of `clipferry clips`; repeatable.",
)
@click.option(
    "--code",
    "codes",
    multiple=True,
    metavar="CODE",
    help="Retry only clips with this code, as `clipferry imports failures` shows it; repeatable.",
)
@click.option(
    "--content-validation",
    type=click.Choice(["none", "structure", "deep"]),
    help="Check clips this way in this attempt. Without --clip: retry all clips that failed their check, no others.",
)
@watchable
def retry(
    app: App,
    *,
    import_id: str,
    clip_ids: tuple[str, ...],
    codes: tuple[str, ...],
    content_validation: Any,
    watch: bool,
    timeout: float | None,
) -> None:
    """Copy the failed and cancelled clips of an ended import again."""
    if clip_ids and codes:
        raise click.UsageError("--clip and --code exclude each other: give one of them.")
    job = app.client.imports.retry(
        import_id, clip_ids=clip_ids or None, codes=codes or None, content_validation=content_validation
    )
    started(app, job, f"import {job.id} runs again (attempt {job.run + 1})", watch=watch, timeout=timeout)
