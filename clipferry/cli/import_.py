"""`clipferry import`"""

from typing import Any

import click

from clipferry.cli.app import App
from clipferry.cli.empty import refuse_empty
from clipferry.cli.follow import follow, watchable
from clipferry.cli.preview import show_preview
from clipferry.cli.request import fail_if_empty_option, request_of, request_options
from clipferry.cli.verbs import verb
from clipferry.errors import ConnectionFailed, ServerError
from clipferry.wire import new_key


@verb(name="import")
@request_options
@click.option("--idempotency-key", metavar="KEY", help="Start only one import for the same key and request.")
@click.option("--dry-run", is_flag=True, help="Change nothing: show what `preview` shows.")
@fail_if_empty_option
@watchable
def import_(
    app: App,
    *,
    idempotency_key: str | None,
    dry_run: bool,
    fail_if_empty: bool,
    watch: bool,
    timeout: float | None,
    **asked: Any,
) -> None:
    """Import clips: a list of URIs, a prefix, a manifest or sets."""
    request = request_of(**asked)
    if dry_run:
        show_preview(app, request, fail_if_empty=fail_if_empty)
        return
    if fail_if_empty:
        refuse_empty(app.client, request)
    key = idempotency_key or new_key()
    try:
        job = app.client.imports.create(idempotency_key=key, **request)
    except (KeyboardInterrupt, ConnectionFailed, ServerError):
        app.idempotency_key = key
        app.out.note("The service may have accepted the import: `clipferry imports list` shows it then.")
        app.out.note(f"The same command with --idempotency-key {key} does not start it twice.")
        raise
    sentence = f"import {job.id}"
    if watch:
        if app.out.quiet:
            app.out.done(job.raw, sentence, subject=job.id)
        app.out.say(sentence)
        follow(app, job, timeout=timeout, fail_if_empty=fail_if_empty)
    app.out.done(job.raw, sentence, subject=job.id)
    app.out.hint(f"Watch it:  clipferry status {job.id} --watch")
