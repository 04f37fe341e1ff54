"""`clipferry clips`"""

import click

from clipferry.cli.app import App, verb
from clipferry.models.imports import Clip

STATUSES = ["PENDING", "COPIED", "SKIPPED", "FAILED", "CANCELLED"]


@click.command()
@click.argument("import_id", metavar="IMPORT")
@click.option("--failed", is_flag=True, help="Only those that failed.")
@click.option("--status", type=click.Choice(STATUSES, case_sensitive=False), help="Only those of this status.")
@click.option("--limit", type=click.IntRange(min=1), help="So many, the first.")
@verb
def clips(app: App, *, import_id: str, failed: bool, status: str | None, limit: int | None) -> None:
    """List an import's clips: each with its fate, and why."""
    if failed and status:
        raise click.UsageError("--failed is --status FAILED: give one of them")
    if status is None and failed:
        status = "FAILED"
    found = app.client.imports.clips(import_id, status=status, limit=limit)
    app.out.rows(("clip", "status", "source", "code", "why"), ((clip.raw, _cells(clip)) for clip in found))


def _cells(clip: Clip) -> tuple[str | None, ...]:
    return clip.id, clip.status, clip.source_uri, clip.code, clip.message
