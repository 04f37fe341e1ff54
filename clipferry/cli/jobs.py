"""`clipferry jobs`"""

import click

from clipferry.cli.app import App, verb
from clipferry.cli.display import counted


@click.command()
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="So many, the newest.")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@verb
def jobs(app: App, *, limit: int, everything: bool) -> None:
    """List imports, newest first."""
    found = app.client.imports.list(limit=None if everything else limit)
    app.out.rows(
        ("import", "status", "created", "source", "clips"),
        (
            (
                job.raw,
                (
                    job.id,
                    job.status,
                    app.out.when(job.created_at),
                    job.source.uri or job.source.kind,
                    counted(job.counts),
                ),
            )
            for job in found
        ),
    )
