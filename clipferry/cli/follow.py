"""Follow an import to its end."""

from typing import NoReturn

import click

from clipferry.cli import exits
from clipferry.cli.app import App
from clipferry.cli.display import counted, display_for
from clipferry.cli.empty import why_empty
from clipferry.cli.output import COLOURS
from clipferry.cli.text import duration, moment, size
from clipferry.cli.values import Seconds
from clipferry.errors import ClipferryError
from clipferry.job import Import
from clipferry.models.clips import Clip

SHOWN_FAILURES = 100
"""Maximum failed clips that are read while an import runs: the first ones in its order."""


timeout_option = click.option(
    "--timeout", type=Seconds(min=0), metavar="SECONDS", help="Stop watching after this time."
)


def watchable(function: click.decorators.FC) -> click.decorators.FC:
    """Add `--watch` and `--timeout`."""
    return click.option("--watch", is_flag=True, help="Show the progress until the import has ended.")(
        timeout_option(function)
    )


def started(app: App, job: Import, sentence: str, *, watch: bool, timeout: float | None) -> None:
    """Report that a verb has changed an import's course, and follow it with `--watch`."""
    if watch:
        follow(app, job, timeout=timeout)
    app.out.done(job.raw, sentence, subject=job.id)
    app.out.hint(f"Watch it:  clipferry status {job.id} --watch")


def follow(app: App, job: Import, *, timeout: float | None, fail_if_empty: bool = False) -> NoReturn:
    """Show the import until it has ended, and end the program with the exit code of its status.

    Ctrl-C leaves the import running, and says how to return to it. Raises `WaitTimeout` and the errors of requests.
    """
    try:
        with display_for(app.out) as display:
            seen: set[str] = set()

            def show(now: Import) -> None:
                display.update(now, _new_failures(app, now, seen))

            job = app.client.imports.wait(job.id, progress=show, timeout=timeout)
    except KeyboardInterrupt:
        app.out.note(f"The import goes on. Come back:  clipferry status {job.id} --watch")
        app.out.note(f"                     Cancel it:  clipferry cancel {job.id}")
        raise SystemExit(exits.INTERRUPTED) from None
    except ClipferryError:
        app.out.note(f"The import {job.id} goes on.")
        raise
    _print_end(app, job)
    if fail_if_empty and job.counts.total == 0 and job.succeeded:
        raise exits.NothingFound(job.message or "there is nothing to import")
    raise SystemExit(exits.OK if job.succeeded else exits.NOT_ALL_LANDED)


def _print_end(app: App, job: Import) -> None:
    """Print how the import ended, and what can be done about the clips that were not copied."""
    if not app.out.for_people:
        if app.out.form not in (None, "table", "jsonl"):
            app.out.show(job.raw, {})
        return
    seconds = _seconds(job)
    took = f" after {duration(seconds)}" if seconds is not None else ""
    app.out.say(f"{job.status}{took}: {counted(job.counts)}, {size(job.counts.bytes)}", COLOURS.get(job.status))
    if job.message:
        app.out.say(f"{job.message} ({job.code})" if job.code else job.message)
    if job.code == "NO_CLIPS":
        app.out.say(why_empty(app.client, job))
    elif not job.succeeded:
        _print_hints(app, job)


def _print_hints(app: App, job: Import) -> None:
    if job.counts.failed:
        app.out.note(f"Why, and what to do:   clipferry imports failures {job.id}")
        app.out.note(f"Which clips:           clipferry clips {job.id} --failed")
    if job.counts.cancelled:
        app.out.note(f"What was not copied:   clipferry clips {job.id} --status CANCELLED")
    if job.counts.failed or job.counts.cancelled or not job.counts.total:
        what = "Copy the rest" if job.status == "CANCELLED" and job.counts.total else "Try again"
        app.out.note(f"{f'{what}:':<23}clipferry retry {job.id} --watch")


def _new_failures(app: App, job: Import, seen: set[str]) -> list[Clip]:
    """Read the failed clips that are not in `seen`, and add them to it. Reads nothing if there are no new ones."""
    if not app.out.for_people or job.counts.failed <= len(seen) or len(seen) >= SHOWN_FAILURES:
        return []
    failed = app.client.imports.clips(job.id, status="FAILED", limit=SHOWN_FAILURES)
    found = [clip for clip in failed if clip.id not in seen]
    seen.update(clip.id for clip in found)
    return found


def _seconds(job: Import) -> float | None:
    """How long the import took. None for a retry: the API does not say when it began."""
    if job.completed_at is None or job.run:
        return None
    return (moment(job.completed_at) - moment(job.created_at)).total_seconds()
