"""Watch an import to its end."""

from datetime import datetime

import click

from clipferry.cli import exits
from clipferry.cli.app import App
from clipferry.cli.display import counted, display_for
from clipferry.cli.output import COLOURS, duration, size
from clipferry.errors import ClipferryError
from clipferry.models.imports import Clip, Import

LOOKED_AT = 100
"""Failed clips that are read while an import runs: the first ones in its order."""

watch_options = (
    click.option("--watch", is_flag=True, help="Show its progress until it has ended."),
    click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Watch no longer than that."),
)


def watchable(function: click.decorators.FC) -> click.decorators.FC:
    """Adds `--watch` and `--timeout`."""
    for option in reversed(watch_options):
        function = option(function)
    return function


def follow(app: App, job: Import, *, timeout: float | None) -> None:
    """Show the import until it has ended; ends the program with what that means.

    Ctrl-C leaves the import running, and says how to come back to it. Raises `WaitTimeout` and what looking raises.
    """
    try:
        with display_for(app.out) as display:
            seen: set[str] = set()

            def show(now: Import) -> None:
                display.update(now, _newly_failed(app, now, seen))

            job = app.client.imports.wait(job.id, progress=show, timeout=timeout)
    except KeyboardInterrupt:
        app.out.note(f"The import goes on. Come back:  clipferry status {job.id} --watch")
        app.out.note(f"                    Cancel it:  clipferry cancel {job.id}")
        raise SystemExit(exits.INTERRUPTED) from None
    except ClipferryError:
        app.out.note(f"The import {job.id} goes on, whatever happens here.")
        raise
    tell_end(app, job)
    raise SystemExit(exits.OK if job.succeeded else exits.NOT_ALL_LANDED)


def tell_end(app: App, job: Import) -> None:
    """How it ended, and what can be done about what did not land."""
    if app.out.as_json:
        return
    seconds = _seconds(job)
    took = f" after {duration(seconds)}" if seconds is not None else ""
    app.out.say(f"{job.status}{took}: {counted(job.counts)}, {size(job.counts.bytes)}", COLOURS.get(job.status))
    if job.message:
        app.out.say(f"{job.message} ({job.code})" if job.code else job.message)
    if not job.succeeded:
        app.out.note(f"Which, and why:  clipferry clips {job.id} --failed")
        app.out.note(f"Run them again:  clipferry retry {job.id} --watch")


def _newly_failed(app: App, job: Import, seen: set[str]) -> list[Clip]:
    """Of the first failed clips, those that `seen` does not have; it has them then. Nothing is read without need."""
    if app.out.as_json or job.counts.failed <= len(seen) or len(seen) >= LOOKED_AT:
        return []
    found = [clip for clip in app.client.imports.clips(job.id, status="FAILED", limit=LOOKED_AT) if clip.id not in seen]
    seen.update(clip.id for clip in found)
    return found


def _seconds(job: Import) -> float | None:
    """How long it took; None of a retry, whose beginning is not told."""
    if job.completed_at is None or job.run:
        return None
    return (datetime.fromisoformat(job.completed_at) - datetime.fromisoformat(job.created_at)).total_seconds()
