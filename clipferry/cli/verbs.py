"""Build the commands: verbs, which run with an `App`, and nouns, which group verbs."""

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any

import click

from clipferry.cli import exits
from clipferry.cli.app import App
from clipferry.cli.options import COLUMNS, OPTIONS, OUTPUT, chosen
from clipferry.errors import ClipferryError

Rows = list[tuple[str, str]]


class _Summary(click.Command):
    """A command whose first sentence is shown whole, also by a shell that completes it."""

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002  # click would cut the sentence at 45 characters
        """The first sentence of the help."""
        return first_sentence(self)


class Verb(_Summary):
    """A command whose help lists the options that every verb has in a section of their own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Name the verb in the errors of click's parser that do not."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verb's own options first."""
        _write_options(self, ctx, formatter)


class Noun(_Summary, click.Group):
    """A group of verbs. Its help shows the first sentence of each verb, in the order of use."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without arguments print the help on stderr, and exit like after any wrong usage."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(exits.USAGE)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order in which the verbs were added."""
        return list(self.commands)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs, then the options."""
        self.format_commands(ctx, formatter)
        _write_options(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section with all verbs."""
        self.write_verbs("Commands", self.list_commands(ctx), formatter)

    def write_verbs(self, title: str, names: Sequence[str], formatter: click.HelpFormatter) -> None:
        """Write a section. click's own list would order the verbs by name."""
        shown = [(name, self.commands[name]) for name in names]
        with formatter.section(title):
            formatter.write_dl([(name, first_sentence(one)) for name, one in shown if not one.hidden])


def first_sentence(command: click.Command) -> str:
    """The first sentence of a command's help."""
    paragraph = " ".join((command.help or "").partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".") + "."


def noun(name: str, text: str) -> Noun:
    """Make a group of verbs with the options that every verb has."""
    return Noun(name, help=text, params=list(OPTIONS))


def verb(
    group: click.Group | None = None, name: str | None = None, *, lists: bool = False, hidden: bool = False
) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command of a function, which gets its `App` first. `lists`: it prints a list, so it has `--columns`.

    A verb with its own `--output` keeps it; the format is chosen before the verb then.
    """

    def build(function: Callable[..., None]) -> click.Command:
        @click.pass_context
        @functools.wraps(function)
        def run(context: click.Context, /, **given: Any) -> None:
            _run(context, function, given, lists=lists)

        own = {option for one in getattr(function, "__click_params__", []) for option in one.opts}
        shared = [
            one for one in OPTIONS if (one is not OUTPUT or "--output" not in own) and (one is not COLUMNS or lists)
        ]
        made = click.command(name, cls=Verb, params=shared, hidden=hidden)(run)
        if group is not None:
            group.add_command(made)
        return made

    return build


def _run(context: click.Context, function: Callable[..., None], given: dict[str, Any], *, lists: bool) -> None:
    if chosen(context, "columns") and not lists:
        raise click.UsageError("--columns is for lists")
    app = App(context)
    log = _log_to_stderr() if chosen(context, "debug") else None
    try:
        if "import_id" in given:
            given["import_id"] = app.import_id(given["import_id"])
        function(app, **given)
    except ClipferryError as error:
        app.fail(error)
    except (KeyboardInterrupt, click.Abort):
        app.out.note("interrupted")
        raise SystemExit(exits.INTERRUPTED) from None
    finally:
        if "client" in vars(app):
            app.client.close()
        if log is not None:
            logging.getLogger("clipferry").removeHandler(log)


def _log_to_stderr() -> logging.Handler:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("debug: %(message)s"))
    logger = logging.getLogger("clipferry")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    return handler


def _write_options(command: click.Command, context: click.Context, formatter: click.HelpFormatter) -> None:
    sections: dict[str, Rows] = {"Arguments": [], "Options": [], "Options of every command": []}
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Argument):
            about = getattr(parameter.type, "about", None)
            if about:
                sections["Arguments"].append((parameter.metavar or "", about))
        elif record := parameter.get_help_record(context):
            sections["Options of every command" if parameter in OPTIONS else "Options"].append(record)
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)
