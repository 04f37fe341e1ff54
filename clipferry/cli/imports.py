"""`clipferry imports`: the verbs of imports. The frequent ones also work without the noun."""

import click

from clipferry.cli.app import App
from clipferry.cli.cancel import cancel
from clipferry.cli.clips import clips
from clipferry.cli.delete import delete
from clipferry.cli.display import counted
from clipferry.cli.failures import failures
from clipferry.cli.ids import FOLDER, limit_option
from clipferry.cli.import_ import import_
from clipferry.cli.report import report
from clipferry.cli.retry import retry
from clipferry.cli.status import status
from clipferry.cli.verbs import noun, verb
from clipferry.cli.watch import watch
from clipferry.job import Import

STATUSES = ("PENDING", "PLANNING", "COPYING", "COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELLED")

imports = noun("imports", "List, start, watch, retry, cancel and delete imports.")


def _list(app: App, *, limit: int, everything: bool, **wanted: str | None) -> None:
    """List imports, newest first."""
    app.out.rows(
        Import,
        app.client.imports.list(limit=None if everything else limit, **wanted),
        {
            "import": "id",
            "status": "status",
            "created": lambda job: app.out.when(job.created_at),
            "source": lambda job: job.source.uri or job.source.kind,
            "clips": lambda job: counted(job.counts),
        },
        shorten=("source", "clips"),
    )


_FILTERS = (
    click.option(
        "--status",
        type=click.Choice(STATUSES, case_sensitive=False),
        metavar="STATUS",
        help=f"Only imports with this status: {', '.join(STATUSES[:-1])} or {STATUSES[-1]}.",
    ),
    click.option("--trigger", type=click.Choice(["api", "upload", "watch"]), help="Only imports started this way."),
    click.option("--folder", type=FOLDER, metavar="NAME", help="Only imports into this folder."),
    click.option("--label", metavar="TEXT", help="Only imports with this label."),
    click.option(
        "--after", "created_after", metavar="TIME", help="Only imports made since then: 2026-01-31T12:00:00Z."
    ),
    click.option("--before", "created_before", metavar="TIME", help="Only imports made before then."),
)
for _option in reversed(_FILTERS):
    _list = _option(_list)

_list_options = limit_option(20)(click.option("--all", "everything", is_flag=True, help="Print all imports.")(_list))
imports.add_command(verb(name="list", lists=True)(_list_options))
jobs = verb(name="jobs", lists=True, hidden=True)(_list_options)
"""The former name of `imports list`, for scripts."""
for _name, _one in {
    "start": import_,
    "show": status,
    "watch": watch,
    "failures": failures,
    "clips": clips.commands["list"],
    "retry": retry,
    "cancel": cancel,
    "report": report,
    "delete": delete,
}.items():
    imports.add_command(_one, _name)
