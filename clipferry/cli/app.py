"""One run of a verb: its client, its output, its questions and its errors."""

import functools
import json
import sys
from collections.abc import Mapping
from typing import NoReturn

import click

from clipferry.cli import exits
from clipferry.cli.hints import what_next
from clipferry.cli.options import chosen
from clipferry.cli.output import Output
from clipferry.cli.text import clean
from clipferry.client import Clipferry
from clipferry.errors import ApiError, ClipferryError

LATEST = "latest"
"""Stands for the id of the project's newest import."""


class App:
    """One run of a verb."""

    def __init__(self, context: click.Context) -> None:
        self.context = context
        self.profile: str | None = chosen(context, "profile")
        self.base_url: str | None = None
        """The URL of the service, once it is known."""
        self.idempotency_key: str | None = None
        """The key of a request whose answer was lost."""
        self.out = Output(
            chosen(context, "output"),
            columns=chosen(context, "columns") or (),
            quiet=bool(chosen(context, "quiet")),
        )

    @functools.cached_property
    def client(self) -> Clipferry:
        """The client of the chosen profile. Raises `ConfigError`."""
        client = Clipferry(profile=self.profile)
        self.base_url = client.where.base_url
        return client

    def import_id(self, text: str) -> str:
        """The id itself, or the newest import's for `latest`. Raises `ClipferryError` if there is no import."""
        if text != LATEST:
            return text
        newest = next(self.client.imports.list(limit=1), None)
        if newest is None:
            raise ClipferryError("there is no latest import: the project has no imports")
        self.context.params["import_id"] = newest.id
        return newest.id

    def confirm(self, question: str, *, yes: bool, always: bool = False) -> None:
        """Ask before something is lost; end the program unless the answer is yes.

        Scripts are not asked (stdin is not a terminal), unless `always`: then they answer on stdin or give `--yes`.
        """
        if yes or not (always or interactive()):
            return
        try:
            sure = click.confirm(clean(question), err=True)
        except click.Abort:
            if interactive():
                raise
            raise click.UsageError("there is no answer on stdin: --yes confirms it") from None
        if not sure:
            self.out.note("nothing was changed")
            raise SystemExit(exits.INTERRUPTED)

    def fail(self, error: ClipferryError) -> NoReturn:
        """Print the error and what to do next on stderr, and end with the error's exit code."""
        said: dict[str, object] = {"code": error.code, "message": str(error)}
        about = ""
        if isinstance(error, ApiError):
            said |= {"message": error.message, "status": error.status, "request_id": error.request_id}
            request = f"request {error.request_id}" if error.request_id else None
            about = ", ".join(part for part in (error.code, request) if part)
        said["next"] = what_next(error, self.context, self.base_url)
        if self.idempotency_key:
            said["idempotency_key"] = self.idempotency_key
        complain(self.out, said, about)
        raise SystemExit(exits.exit_code(error))


def complain(out: Output, said: Mapping[str, object], about: str = "") -> None:
    """Print an error on stderr: as JSON if results are JSON, else as a sentence and a hint."""
    if out.as_json:
        empty = dict.fromkeys(("code", "message", "status", "request_id", "next"))
        out.error(json.dumps({"error": {**empty, **said}}))
        return
    out.error(f"error: {said['message']}" + (f" ({about})" if about else ""), "bold red")
    if said.get("next"):
        out.error(f"next:  {said['next']}")


def interactive() -> bool:
    """Whether a person can answer questions."""
    return sys.stdin.isatty()
