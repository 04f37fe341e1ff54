"""`clipferry audit`"""

import click

from clipferry.cli.app import App
from clipferry.cli.ids import limit_option
from clipferry.cli.verbs import verb
from clipferry.models.trail import AuditEntry


@verb(lists=True)
@click.argument("subject", required=False, metavar="[ID]")
@limit_option(100)
def audit(app: App, *, subject: str | None, limit: int) -> None:
    """List who changed what, newest first. ID selects the changes of one thing."""
    subject = app.import_id(subject) if subject else None
    app.out.rows(
        AuditEntry,
        app.client.audit.list(subject=subject, limit=limit),
        {
            "time": lambda one: app.out.when(one.time),
            "action": "action",
            "subject": "subject",
            "door": "door",
            "key": "key_id",
        },
        subject="subject",
    )
