"""The options that every verb has. They work before the verb and after it; the last one wins."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import click
from click.shell_completion import CompletionItem

from clipferry.cli.output import FORMATS
from clipferry.config import profiles_path, read_profiles
from clipferry.errors import ConfigError

_KEY = "clipferry."


def chosen(context: click.Context, name: str) -> Any:
    """The value of a global option; None if it was not given."""
    return context.meta.get(_KEY + name)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value:
        name, kept = ("output", "jsonl") if parameter.name == "as_json" else (parameter.name, value)
        context.meta[f"{_KEY}{name}"] = kept


def _names(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Sequence[str]:
    return [name.strip() for name in (value or "").split(",") if name.strip()]


def complete_profiles(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the saved profiles to a shell."""
    try:
        saved = read_profiles(profiles_path()).by_name
    except ConfigError:  # completion must not print errors
        return []
    return [CompletionItem(name, help=one.base_url) for name, one in saved.items() if name.startswith(incomplete)]


def _option(*names: str, **given: Any) -> click.Option:
    return click.Option(names, expose_value=False, callback=given.pop("callback", _keep), **given)


PROFILE = _option("--profile", metavar="NAME", shell_complete=complete_profiles, help="Use this saved profile.")
OUTPUT = _option(
    "-o", "--output", type=click.Choice(FORMATS), metavar="FORMAT", help=f"Print {', '.join(FORMATS[:-1])} or tsv."
)
JSON = _option("--json", "as_json", is_flag=True, help="Print one JSON object per line, like --output jsonl.")
COLUMNS = _option(
    "--columns",
    metavar="NAMES",
    callback=lambda context, parameter, value: _keep(context, parameter, _names(context, parameter, value)),
    help="Show only these columns or JSON fields: id,status.",
)
QUIET = _option("-q", "--quiet", is_flag=True, help="Print only the id; of a list, only the first column.")
DEBUG = _option("--debug", is_flag=True, help="Print each request to stderr, without keys and bodies.")

OPTIONS = (PROFILE, OUTPUT, JSON, COLUMNS, QUIET, DEBUG)


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether errors must be JSON, for a command line that may not be valid."""
    given = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    named = any(name in ("-o", "--output") and value in ("json", "jsonl") for name, value in pairwise(given))
    return named or any(one in ("--json", "--output=json", "--output=jsonl", "-ojson", "-ojsonl") for one in given)
