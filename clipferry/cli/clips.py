"""`clipferry clips`"""

import click

from clipferry.cli.app import App
from clipferry.cli.ids import import_argument, limit_option
from clipferry.cli.verbs import verb
from clipferry.models.clips import Clip

STATUSES = ["PENDING", "COPIED", "SKIPPED", "FAILED", "CANCELLED"]


@verb(lists=True)
@import_argument
@click.option("--failed", is_flag=True, help="Print only failed clips.")
@click.option("--status", type=click.Choice(STATUSES, case_sensitive=False), help="Print only clips of this status.")
@limit_option()
def clips(app: App, *, import_id: str, failed: bool, status: str | None, limit: int | None) -> None:
    """List an import's clips, with status and reason."""
    if failed and status:
        raise click.UsageError("--failed is --status FAILED: give one of them")
    app.out.rows(
        Clip,
        app.client.imports.clips(import_id, status="FAILED" if failed else status, limit=limit),
        {
            "clip": "id",
            "status": "status",
            "source": "source_uri",
            "code": "code",
            "why": "message",
            "content": "content",
        },
        shorten=("source", "why"),
    )
