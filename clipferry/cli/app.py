"""What every verb has: `--profile`, `--json`, a client when it asks for one, and errors that end it with their code."""

import functools
import json
from collections.abc import Callable
from typing import Any, NoReturn

import click

from clipferry.cli import exits
from clipferry.cli.output import Output
from clipferry.client import Clipferry
from clipferry.errors import ApiError, ClipferryError


class App:
    """One run of a verb."""

    def __init__(self, *, profile: str | None, as_json: bool) -> None:
        self.profile = profile
        self.out = Output(as_json=as_json)

    @functools.cached_property
    def client(self) -> Clipferry:
        """Raises `ConfigError`."""
        return Clipferry(profile=self.profile)

    def fail(self, error: ClipferryError) -> NoReturn:
        """Say what is wrong and what to do next, on stderr, and end with the error's exit code."""
        following = exits.what_next(error)
        said: dict[str, object] = {"code": None, "message": str(error), "status": None, "request_id": None}
        if isinstance(error, ApiError):
            said |= {"code": error.code, "message": error.message, "status": error.status}
            said["request_id"] = error.request_id
        if self.out.as_json:
            click.echo(_line({"error": said | {"next": following}}), err=True)
        else:
            about = ", ".join(str(part) for part in (said["code"], _request(said["request_id"])) if part)
            self.out.note(f"error: {said['message']}" + (f" ({about})" if about else ""), "bold red")
            if following:
                self.out.note(f"next:  {following}")
        raise SystemExit(exits.exit_code(error))


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """A command's function, which gets its `App` first. Goes below `@click.command`."""

    @click.option("--profile", metavar="NAME", help="Use this saved profile.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
    @functools.wraps(function)
    def run(*, profile: str | None, as_json: bool, **given: Any) -> None:
        app = App(profile=profile, as_json=as_json)
        try:
            function(app, **given)
        except ClipferryError as error:
            app.fail(error)
        except (KeyboardInterrupt, click.Abort):
            app.out.note("interrupted")
            raise SystemExit(exits.INTERRUPTED) from None
        finally:
            if "client" in vars(app):
                app.client.close()

    return run


def _request(request_id: object) -> str | None:
    return f"request {request_id}" if request_id else None


def _line(document: object) -> str:
    return json.dumps(document)
