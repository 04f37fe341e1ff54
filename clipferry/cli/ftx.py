"""`clipferry ftx`"""

import os
from pathlib import Path

import click

from clipferry.cli import exits
from clipferry.config import PROFILE
from clipferry.scripts import run_script


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--profile", metavar="NAME", help="Use this saved profile.")
@click.argument("script", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
def ftx(*, profile: str | None, script: Path, arguments: tuple[str, ...]) -> None:
    """Run a Foretify import script as it is; it ends with the script's own exit code.

    Whatever follows SCRIPT is the script's: --host, --port, --https, --user, --project_id and its own.
    """
    if profile:
        os.environ[PROFILE] = profile
    try:
        code = run_script(script, arguments)
    except KeyboardInterrupt:
        click.echo("interrupted; an import that the script has started goes on: `clipferry jobs`", err=True)
        code = exits.INTERRUPTED
    raise SystemExit(code)
