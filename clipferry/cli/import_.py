"""`clipferry import`"""

from typing import Any

import click

from clipferry.cli.app import App, verb
from clipferry.cli.asking import asks, request_of
from clipferry.cli.follow import follow, watchable
from clipferry.errors import ConnectionFailed, ServerError
from clipferry.resources.base import new_key


@click.command("import")
@asks
@click.option("--idempotency-key", metavar="KEY", help="The same key and request give the same import.")
@watchable
@verb
def import_(app: App, *, idempotency_key: str | None, watch: bool, timeout: float | None, **asked: Any) -> None:
    """Start an import: of URIs, a prefix, a manifest or multi-view sets."""
    request = request_of(**asked)
    key = idempotency_key or new_key()
    try:
        job = app.client.imports.create(idempotency_key=key, **request)
    except (KeyboardInterrupt, ConnectionFailed, ServerError):
        app.out.note("It is not known whether the import was accepted: `clipferry jobs` shows it if it was.")
        app.out.note(f"The same command with --idempotency-key {key} does not start it twice.")
        raise
    if not app.out.as_json:
        app.out.say(f"import {job.id}")
    if watch:
        follow(app, job, timeout=timeout)
    elif app.out.as_json:
        app.out.json(job.raw)
    else:
        app.out.note(f"Watch it:  clipferry status {job.id} --watch")
