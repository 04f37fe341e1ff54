"""The command line on a service without a network."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from clipferry.cli.main import cli
from tests.unit.client.service import FakeService

Run = Callable[..., "Ran"]


class Ran:
    """The result of a command line, and the service that answered it."""

    def __init__(self, result: Result, service: FakeService) -> None:
        self.service = service
        self.exit_code = result.exit_code
        self.stdout = result.stdout
        self.stderr = result.stderr
        self.output = result.output
        self.bytes = result.stdout_bytes


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line on a service that gives these answers. `asked`: a person sits at the terminal."""

    def go(arguments: str | list[str], *answers: Any, stdin: str | bytes | None = None, asked: bool = False) -> Ran:
        service = FakeService(*answers)
        monkeypatch.setattr("clipferry.cli.app.Clipferry", lambda **_options: service.client(attempts=1))
        monkeypatch.setattr("clipferry.cli.login.Clipferry", lambda *_where: service.client(attempts=1))
        monkeypatch.setattr("clipferry.cli.app.interactive", lambda: asked)
        given = arguments.split() if isinstance(arguments, str) else arguments
        return Ran(CliRunner().invoke(cli, given, input=stdin), service)

    return go
