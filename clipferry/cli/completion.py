"""`clipferry completion`"""

import click
from click.shell_completion import get_completion_class

from clipferry.cli.exits import USAGE
from clipferry.cli.verbs import Verb


@click.command(cls=Verb)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of bash, zsh or fish, for its start-up file.

    \b
    bash:  eval "$(clipferry completion bash)"
    zsh:   eval "$(clipferry completion zsh)"
    fish:  clipferry completion fish | source

    The shell then completes verbs, options, ids and profiles.
    """
    found = get_completion_class(shell)
    if found is None:
        raise SystemExit(USAGE)
    root = context.find_root()
    source = found(root.command, {}, "clipferry", "_CLIPFERRY_COMPLETE").source()
    # click's script for fish splits at every comma, and so loses the rest of a description.
    click.echo(source.replace('string split ","', 'string split --max 1 ","'))
