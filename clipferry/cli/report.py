"""`clipferry report`"""

import shutil
import sys
import tempfile
from pathlib import Path

import click

from clipferry.cli.app import App
from clipferry.cli.ids import import_argument
from clipferry.cli.text import size
from clipferry.cli.values import Seconds
from clipferry.cli.verbs import verb
from clipferry.errors import ClipferryError, Conflict
from clipferry.models.imports import Report

SUFFIXES = {"csv": "csv", "jsonl": "jsonl", "summary": "summary.json", "failures": "failures.jsonl"}
WAIT_SECONDS = 600.0
"""How long to wait for the report of an import that has ended, without `--wait`."""
STDOUT = Path("-")


@verb()
@import_argument
@click.option(
    "--format", "form", type=click.Choice(list(SUFFIXES)), default="csv", show_default=True, help="Which file."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write to this file; - is stdout. Default: IMPORT.csv, IMPORT.jsonl and so on.",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("--url", "only_url", is_flag=True, help="Print a link to the file, which works without a key.")
@click.option(
    "--wait",
    type=Seconds(min=0),
    is_flag=False,
    flag_value=WAIT_SECONDS,
    metavar="[SECONDS]",
    help=f"Wait for the import's end and its report, {WAIT_SECONDS:.0f} s by default.",
)
def report(
    app: App, *, import_id: str, form: str, output: Path | None, force: bool, only_url: bool, wait: float | None
) -> None:
    """Download the report of an ended import."""
    path = output or Path(f"{Path(import_id).name}.{SUFFIXES[form]}")
    if not only_url and path != STDOUT:
        if path.is_file() and not force:
            raise click.UsageError(f"{path} exists: --force replaces it, --output names another file")
        if not path.parent.is_dir():
            raise click.UsageError(f"there is no folder {path.parent}")
    link = _link(app, import_id, form, wait)
    if only_url:
        app.out.done(link.raw, link.url, subject=link.url)
    elif path == STDOUT:
        _print(app, link)
    else:
        _save(app, link, path)
        app.out.done(
            {"path": str(path), "bytes": link.bytes, "uri": link.uri},
            f"{path} ({size(link.bytes)})",
            subject=str(path),
        )


def _link(app: App, import_id: str, form: str, wait: float | None) -> Report:
    try:
        return app.client.imports.report(import_id, format=form, wait=wait or 0)
    except Conflict as refusal:
        if wait is not None or refusal.code != "REPORT_PENDING":
            raise
    return app.client.imports.report(import_id, format=form, wait=WAIT_SECONDS)


def _save(app: App, link: Report, path: Path) -> None:
    try:
        app.client.imports.download(link, path)
    except OSError as error:
        raise ClipferryError(f"cannot write {path}: {error.strerror}") from error


def _print(app: App, link: Report) -> None:
    """Download the whole file first, so that a broken connection can be repaired without printing anything twice."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        _save(app, link, path)
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.flush()
