"""`clipferry watches`: keep prefixes imported, by a schedule, by events, or both."""

from typing import Any, cast

import click

from clipferry.cli import exits
from clipferry.cli.app import App
from clipferry.cli.display import counted
from clipferry.cli.files import Document, Utf8File
from clipferry.cli.ids import FOLDER, INTEGRATION, PRESET, WATCH, confirmed
from clipferry.cli.verbs import noun, verb
from clipferry.models.access import Check
from clipferry.models.watches import Schedule, Watch, WatchRun, WatchWebhook
from clipferry.requests import Filters, Settings, WatchChanges, WatchRequest, WatchSchedule, body_of

watches = noun("watches", "Keep prefixes imported, by a schedule or by events.")

_EMPTY: dict[str, tuple[str, object]] = {
    "schedule": ("schedule", None),
    "filters": ("filters", None),
    "folder": ("folder", None),
    "integration": ("integration_id", None),
    "labels": ("labels", []),
    "preset": ("execution_settings_id", None),
}
"""Fields of the API without a value, by their names for `change --clear`."""

_id = click.argument("watch_id", type=WATCH, metavar="WATCH")
_options = (
    click.option("--cron", metavar="FIELDS", help="Run at these times: '0 2 * * *' is daily at 2:00."),
    click.option("--time-zone", metavar="ZONE", help="Time zone of --cron, such as Europe/Berlin; UTC by default."),
    click.option("--every", metavar="TIME", help="Run in this interval: 1m, 15m, 6h, 1d."),
    click.option("--events/--no-events", default=None, help="Import objects when they appear in the bucket."),
    click.option("--integration", type=INTEGRATION, metavar="ID", help="Open the source with this integration."),
    click.option(
        "--include", multiple=True, metavar="PATTERN", help="Only keys that match this .gitignore pattern; repeatable."
    ),
    click.option("--exclude", multiple=True, metavar="PATTERN", help="No keys that match this pattern; repeatable."),
    click.option("--folder", type=FOLDER, metavar="NAME", help="Put the clips into this folder."),
    click.option("--label", "labels", multiple=True, metavar="TEXT", help="Add a label to every import; repeatable."),
    click.option(
        "--settings",
        "settings_file",
        type=Utf8File(),
        metavar="FILE",
        help="Read the imports' settings from a JSON file; - is stdin.",
    ),
    click.option("--preset", type=PRESET, metavar="ID", help="Use the settings of this preset."),
)


def _fields(function: Any) -> Any:
    for option in reversed(_options):
        function = option(function)
    return function


@verb(watches)
@click.argument("root_path", metavar="URI")
@click.option("--name", required=True, metavar="NAME", help="The watch's name.")
@_fields
def add(app: App, *, root_path: str, name: str, **given: Any) -> None:
    """Watch a prefix, and import what is there now.

    Give --every, --cron, --events, or --events with one of the others.
    """
    if not (given["cron"] or given["every"] or given["events"]):
        raise click.UsageError("say when to import: --every, --cron, --events, or --events with one of the others")
    request: WatchRequest = {"root_path": root_path, "name": name}
    request.update(cast(WatchRequest, _changes(**given)))
    made = app.client.watches.create(**request)
    _show(app, made)
    if made.events_setup:
        app.out.hint(made.events_setup)
    if made.last_run:
        app.out.hint(f"Follow the first import:  clipferry status {made.last_run} --watch")


@verb(watches, "list", lists=True)
def list_(app: App) -> None:
    """List the watches, oldest first."""
    app.out.rows(
        Watch,
        app.client.watches.list(),
        {
            "watch": "id",
            "name": "name",
            "status": "status",
            "when": lambda one: _when(one.schedule, one.events),
            "next": lambda one: app.out.when(one.next_run_at),
            "source": "root_path",
        },
        shorten=("name", "when", "source"),
    )


@verb(watches)
@_id
def show(app: App, *, watch_id: str) -> None:
    """Show a watch, its last imports and how far it is behind."""
    _show(app, app.client.watches.get(watch_id))


@verb(watches)
@_id
@click.option("--name", metavar="NAME", help="The new name.")
@click.option(
    "--clear",
    "cleared",
    multiple=True,
    type=click.Choice(sorted(_EMPTY)),
    help="Remove the schedule, the filters, the folder, the labels, the preset, or the choice of an integration.",
)
@_fields
def change(app: App, *, watch_id: str, name: str | None, cleared: tuple[str, ...], **given: Any) -> None:
    """Change a watch. Options that are left out change nothing."""
    changes = _changes(**given)
    if name is not None:
        changes["name"] = name
    empty = cast(WatchChanges, dict(_EMPTY[one] for one in cleared))
    if both := sorted(empty.keys() & changes.keys()):
        raise click.UsageError(f"--clear takes the place of a new {both[0]}: leave one of them out")
    changes.update(empty)
    if not changes:
        raise click.UsageError("say what to change: --name, --every, --cron, --events, ...")
    _show(app, app.client.watches.change(watch_id, **changes))


@verb(watches)
@_id
def pause(app: App, *, watch_id: str) -> None:
    """Pause a watch: it starts no more imports. One that runs continues."""
    _show(app, app.client.watches.pause(watch_id))


@verb(watches)
@_id
def resume(app: App, *, watch_id: str) -> None:
    """Resume a watch, with one run that catches up."""
    _show(app, app.client.watches.resume(watch_id))


@verb(watches)
@_id
def run(app: App, *, watch_id: str) -> None:
    """Run a watch now, unless a run goes on."""
    _show(app, app.client.watches.run(watch_id))


@verb(watches)
@_id
def test(app: App, *, watch_id: str) -> None:
    """Test a watch: list its source, and look for the bucket's events. Exit code 1 if that fails."""
    found = app.client.watches.test(watch_id)
    if app.out.as_json:
        app.out.json(found.raw)
    else:
        app.out.rows(
            Check,
            found.checks,
            {"check": "action", "worked": lambda one: "yes" if one.ok else "no", "code": "code", "why": "message"},
            shorten=("why",),
        )
    if not found.ok:
        raise SystemExit(exits.REFUSED)


@verb(watches)
@_id
@confirmed
def delete(app: App, *, watch_id: str, yes: bool) -> None:
    """Delete a watch. Its imports stay."""
    app.confirm(f"Delete watch {watch_id}? Its imports stay.", yes=yes)
    app.client.watches.delete(watch_id)
    app.out.done({"id": watch_id, "deleted": True}, f"watch {watch_id} is deleted", subject=watch_id)


def _changes(
    *,
    cron: str | None,
    time_zone: str | None,
    every: str | None,
    events: bool | None,
    integration: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    folder: str | None,
    labels: tuple[str, ...],
    settings_file: Document | None,
    preset: str | None,
) -> WatchChanges:
    """The fields that the options name. Raises `click.UsageError` for options that exclude each other."""
    if cron and every:
        raise click.UsageError("give --cron or --every, not both")
    if time_zone and not cron:
        raise click.UsageError("--time-zone belongs to --cron")
    if settings_file and preset:
        raise click.UsageError("--preset takes the place of --settings: leave it out")
    schedule = cast(WatchSchedule, body_of({"cron": cron, "time_zone": time_zone, "every": every}))
    filters = cast(Filters, body_of({"include": list(include) or None, "exclude": list(exclude) or None}))
    settings = cast(Settings, settings_file.json(dict, "object of settings")) if settings_file else None
    changes = {
        "schedule": schedule or None,
        "events": events,
        "integration_id": integration,
        "filters": filters or None,
        "folder": folder,
        "labels": list(labels) or None,
        "settings": settings,
        "execution_settings_id": preset,
    }
    return cast(WatchChanges, body_of(changes))


def _when(schedule: Schedule | None, events: bool) -> str:
    """`every 15m, events`."""
    parts = ["events"] if events else []
    if schedule is not None:
        parts.insert(0, f"every {schedule.every}" if schedule.every else f"{schedule.cron} {schedule.time_zone}")
    return ", ".join(parts)


def _clips(run: WatchRun) -> str:
    left = f" ({run.failed_before:,} failed before)" if run.failed_before else ""
    return counted(run.counts) + left


def _show(app: App, watch: Watch) -> None:
    failure = watch.failure
    app.out.show(
        watch.raw,
        {
            "watch": watch.id,
            "name": watch.name,
            "source": watch.root_path,
            "status": watch.status,
            "why": f"{failure.message} ({failure.code}), since {failure.since}" if failure else None,
            "when": _when(watch.schedule, watch.events),
            "next run": watch.next_run_at,
            "behind": f"{watch.lag_seconds} s" if watch.lag_seconds is not None else None,
            "complete until": watch.complete_until,
            "missed by events": watch.missed_by_events,
        },
    )
    if watch.webhooks and app.out.for_people:
        app.out.rows(
            WatchWebhook,
            watch.webhooks,
            {
                "webhook": lambda one: one.type.rpartition(".")[2],
                "at": lambda one: app.out.when(one.at),
                "status": "status",
                "attempts": "attempts",
                "event": "event_id",
                "why": "last_error",
            },
            shorten=("why",),
        )
    if watch.runs and app.out.for_people:
        app.out.rows(
            WatchRun,
            watch.runs,
            {
                "import": "id",
                "cause": "cause",
                "status": "status",
                "created": lambda one: app.out.when(one.created_at),
                "clips": _clips,
            },
            shorten=("clips",),
        )
