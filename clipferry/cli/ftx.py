"""`clipferry ftx`"""

import os
from pathlib import Path

import click

from clipferry.cli import exits
from clipferry.cli.options import PROFILE as PROFILE_OPTION
from clipferry.cli.options import chosen
from clipferry.cli.verbs import Verb
from clipferry.config import PROFILE
from clipferry.scripts import run_script


@click.command(
    cls=Verb,
    params=[PROFILE_OPTION],
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("script", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
@click.pass_context
def ftx(context: click.Context, *, script: Path, arguments: tuple[str, ...]) -> None:
    """Run a Foretify script as it is, with its own exit code.

    Everything after SCRIPT is for the script: --host, --port, --https, --user, --project_id and its own options.
    """
    profile = chosen(context, "profile")
    if profile:
        os.environ[PROFILE] = profile
    try:
        code = run_script(script, arguments)
    except KeyboardInterrupt:
        click.echo("interrupted; an import that the script started goes on: `clipferry imports list`", err=True)
        code = exits.INTERRUPTED
    raise SystemExit(code)
