"""`clipferry completion`"""

import click
from click.shell_completion import get_completion_class

from clipferry.cli.exits import USAGE


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a shell's completion script, for its start-up file.

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
    click.echo(found(root.command, {}, "clipferry", "_CLIPFERRY_COMPLETE").source())
