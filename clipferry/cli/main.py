"""`clipferry`: the root of all verbs."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from clipferry.cli.app import complain
from clipferry.cli.audit import audit
from clipferry.cli.cancel import cancel
from clipferry.cli.clips import clips
from clipferry.cli.completion import completion
from clipferry.cli.delete import delete
from clipferry.cli.deployment import deployment, health
from clipferry.cli.doctor import doctor
from clipferry.cli.exits import INTERRUPTED, OK, REFUSED, USAGE
from clipferry.cli.find import find
from clipferry.cli.folders import folders
from clipferry.cli.ftx import ftx
from clipferry.cli.import_ import import_
from clipferry.cli.imports import imports, jobs
from clipferry.cli.integrations import integrations
from clipferry.cli.keys import keys
from clipferry.cli.login import login
from clipferry.cli.open import open_
from clipferry.cli.options import OPTIONS, wants_json
from clipferry.cli.output import Output
from clipferry.cli.presets import presets
from clipferry.cli.preview import preview
from clipferry.cli.profile import profile
from clipferry.cli.report import report
from clipferry.cli.retry import retry
from clipferry.cli.status import status
from clipferry.cli.text import clean
from clipferry.cli.upload import upload
from clipferry.cli.verbs import Noun
from clipferry.cli.watches import watches
from clipferry.cli.webhooks import webhooks
from clipferry.version import VERSION

SECTIONS: Mapping[str, Sequence[click.Command]] = {
    "Imports": (preview, import_, upload, status, clips, retry, cancel, report, delete, imports),
    "Finding": (find, audit),
    "Project": (watches, folders, presets, integrations, webhooks),
    "Access": (login, profile, keys),
    "Deployment": (health, deployment),
    "Tools": (doctor, open_, ftx, completion),
}


class Root(Noun):
    """The group of all verbs. It turns every error into a sentence and an exit code."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the verbs by subject."""
        for title, commands in SECTIONS.items():
            self.write_verbs(title, [one.name or "" for one in commands], formatter)

    def main(self, args: Sequence[str] | None = None, *more: Any, **given: Any) -> Any:
        """Run a command line and end the program."""
        arguments = list(sys.argv[1:] if args is None else args)
        _mend_streams()
        out = Output("jsonl" if wants_json(arguments) else None)
        code = OK
        try:
            _check_encoding(arguments)
            code = super().main(arguments, *more, **given | {"standalone_mode": False}) or OK
            sys.stdout.flush()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else REFUSED
        except click.ClickException as error:
            code = USAGE
            _explain(error, out)
        except click.Abort:
            code = INTERRUPTED
            out.note("interrupted")
        except OSError as error:
            code = REFUSED
            message = f"cannot write {error.filename or 'the output'}: {error.strerror}"
            complain(out, {"code": "CANNOT_WRITE", "message": message})
        _drop_unwritten()
        sys.exit(code)


def _explain(error: click.ClickException, out: Output) -> None:
    """Report a command line that is not valid."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "clipferry"
    message = error.format_message()
    if isinstance(error, click.MissingParameter) and error.param:
        message = " ".join([*message.split(), getattr(error.param.type, "about", "")]).rstrip()
    listed = "commands" if context is not None and isinstance(context.command, click.Group) else "options"
    said = {"code": "USAGE", "message": message, "next": f"`{path} --help` lists the {listed}"}
    complain(out, said)


def _check_encoding(arguments: Sequence[str]) -> None:
    """Refuse bytes that are no text in this locale: requests cannot contain them."""
    for one in arguments:
        if any("\ud800" <= character <= "\udfff" for character in one):
            raise click.UsageError(f"{clean(one)} is not UTF-8, or the locale is not (LC_ALL=C.UTF-8 is)")


def _mend_streams() -> None:
    """Make every text printable: no locale and no closed stream may end in a traceback."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  # open until the program ends
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_unwritten() -> None:
    """Drop text that cannot be written: Python would try again at its end, and print a traceback."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with Path(os.devnull).open("w") as nowhere, suppress(OSError, ValueError):
                os.dup2(nowhere.fileno(), stream.fileno())


cli = Root(
    name="clipferry",
    help="Import driving clips with Clipferry. Begin with `clipferry login`.",
    params=[*OPTIONS],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
click.version_option(VERSION)(cli)

for _commands in SECTIONS.values():
    for _one in _commands:
        cli.add_command(_one)
cli.add_command(jobs)
_settings = Noun("settings", commands=presets.commands, params=[*OPTIONS], help="Same as `presets`.", hidden=True)
cli.add_command(_settings)


def run() -> None:
    """Run the program."""
    cli(prog_name="clipferry")
