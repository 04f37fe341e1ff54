"""`clipferry webhooks`: notifications of completed imports and of watches."""

import click

from clipferry.cli.app import App
from clipferry.cli.ids import IMPORT, confirmed
from clipferry.cli.values import Count
from clipferry.cli.verbs import noun, verb
from clipferry.models.webhooks import WebhookSecret

webhooks = noun("webhooks", "Show and replace the secret that signs webhooks, and send one again.")


@verb(webhooks)
def secret(app: App) -> None:
    """Show the secret that signs the project's webhooks. Receivers verify them with it."""
    _show(app, app.client.webhooks.get())


@verb(webhooks)
@click.option(
    "--overlap",
    type=Count(min=0),
    metavar="SECONDS",
    help="The replaced secret signs for this time, too; 0 ends all replaced ones at once. Default: a day.",
)
@confirmed
def rotate(app: App, *, overlap: int | None, yes: bool) -> None:
    """Replace the secret, and show the new one."""
    if overlap == 0:
        app.confirm("End all replaced secrets at once? Receivers refuse webhooks until they have the new one.", yes=yes)
    _show(app, app.client.webhooks.rotate(overlap_seconds=overlap))
    app.out.hint("Give the new secret to all receivers.")


@verb(webhooks)
@click.argument("import_id", type=IMPORT, metavar="ID")
@click.option("--event", "event_id", metavar="EVENT", help="Of a watch: this webhook, instead of the last one.")
def replay(app: App, *, import_id: str, event_id: str | None) -> None:
    """Send the last webhook of an ended import, or of a watch, again."""
    if import_id.startswith("wa_"):
        watch = app.client.watches.replay_webhook(import_id, event_id=event_id)
        app.out.done(watch.raw, f"the webhook of watch {watch.id} is sent again within a minute", subject=watch.id)
        app.out.hint(f"See whether it arrived:  clipferry watches show {watch.id}")
        return
    if event_id is not None:
        raise click.UsageError("--event belongs to the webhooks of watches")
    job = app.client.imports.replay_webhook(import_id)
    app.out.done(job.raw, f"the webhook of import {job.id} is sent again", subject=job.id)
    app.out.hint(f"See whether it arrived:  clipferry status {job.id}")


def _show(app: App, one: WebhookSecret) -> None:
    fields = {"secret": one.secret, "replaced ones sign until": one.previous_until}
    app.out.show(one.raw, fields, subject=one.secret)
