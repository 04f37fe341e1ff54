"""`clipferry audit`"""

import click

from clipferry.cli.app import App, verb


@click.command()
@click.argument("subject", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True)
@verb
def audit(app: App, *, subject: str | None, limit: int) -> None:
    """List who asked for which change, newest first; of one thing where SUBJECT is its id."""
    app.out.rows(
        ("time", "action", "subject", "door", "key"),
        (
            (one.raw, (app.out.when(one.time), one.action, one.subject, one.door, one.key_id))
            for one in app.client.audit.list(subject=subject, limit=limit)
        ),
    )
