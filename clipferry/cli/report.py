"""`clipferry report`"""

from pathlib import Path

import click

from clipferry.cli.app import App, verb
from clipferry.cli.output import size
from clipferry.errors import ClipferryError

SUFFIXES = {"csv": "csv", "jsonl": "jsonl", "summary": "summary.json", "failures": "failures.jsonl"}
WAIT_SECONDS = 600.0


@click.command()
@click.argument("import_id", metavar="IMPORT")
@click.option("--format", "form", type=click.Choice(list(SUFFIXES)), default="csv", show_default=True)
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="[default: IMPORT.FORMAT]")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.option("--url", "only_url", is_flag=True, help="Print a link that works without a key, download nothing.")
@click.option("--wait", type=click.FloatRange(min=0), default=WAIT_SECONDS, show_default=True, metavar="SECONDS")
@verb
def report(
    app: App, *, import_id: str, form: str, output: Path | None, force: bool, only_url: bool, wait: float
) -> None:
    """Download an ended import's report."""
    if only_url:
        link = app.client.imports.report(import_id, format=form, wait=wait)
        if app.out.as_json:
            app.out.json(link.raw)
        else:
            app.out.say(link.url)
        return
    path = output or Path(f"{Path(import_id).name}.{SUFFIXES[form]}")
    if path.exists() and not force:
        raise click.UsageError(f"{path} is there already: --force replaces it, --output names another")
    if not path.parent.is_dir():
        raise click.UsageError(f"there is no folder {path.parent}")
    try:
        got = app.client.imports.download_report(import_id, path, format=form, wait=wait)
    except OSError as error:
        raise ClipferryError(f"cannot write {path}: {error.strerror}") from error
    if app.out.as_json:
        app.out.json({"path": str(path), "bytes": got.bytes, "uri": got.uri})
    else:
        app.out.say(f"{path} ({size(got.bytes)})")
