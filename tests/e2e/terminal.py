"""Run the command line as scripts do, with pipes, and as people do, in a terminal whose screen can be read."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pexpect
import pyte

from local.config import ROOT
from local.stack import Stack
from tests.e2e.support import PATIENCE_SECONDS

COLUMNS, LINES = 110, 30
COMMAND = [sys.executable, "-m", "clipferry"]


class CommandLine:
    """`clipferry` with a config folder of its own. Its key is the project's, unless `key` is another one."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        self.profiles = folder / "config" / "profiles.json"

    def environment(self, *, key: str | None = None, logged_in: bool = True, **more: str) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("CLIPFERRY_", "AWS_"))}
        env |= {"PYTHONPATH": str(ROOT), "CLIPFERRY_CONFIG": str(self.profiles), "TERM": "xterm-256color"}
        if logged_in:
            env |= {"CLIPFERRY_BASE_URL": self.stack.base_url, "CLIPFERRY_API_KEY": key or self.stack.api_key}
        return env | more

    def __call__(self, *arguments: object, stdin: str = "", **environment: Any) -> "subprocess.CompletedProcess[str]":
        """Run it with pipes. Every exit code is fine."""
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            input=stdin,
            env=self.environment(**environment),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def json(self, *arguments: object, **options: Any) -> list[dict[str, Any]]:
        """Return the JSON lines of a run, which must succeed and print nothing else."""
        ran = self(*arguments, "--json", **options)
        assert ran.returncode == 0, ran.stderr
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def terminal(self, *arguments: object, columns: int = COLUMNS, **environment: Any) -> "Terminal":
        """Run it in a terminal."""
        return Terminal(list(map(str, arguments)), self.environment(**environment), self.folder, columns)


class Terminal:
    """One run of the command line in a pseudo-terminal. As a context it ends the program if it still runs."""

    def __init__(self, arguments: list[str], env: dict[str, str], folder: Path, columns: int) -> None:
        self._screen = pyte.Screen(columns, LINES)
        self._stream = pyte.Stream(self._screen)
        self._process = pexpect.spawn(
            COMMAND[0],
            [*COMMAND[1:], *arguments],
            env=env,
            cwd=str(folder),
            dimensions=(LINES, columns),
            encoding="utf-8",
            timeout=PATIENCE_SECONDS,
            preexec_fn=_heed_interrupts,
        )

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.close(force=True)

    def screen(self) -> str:
        """Return the present screen, without spaces at the ends of lines."""
        try:
            while True:
                self._stream.feed(self._process.read_nonblocking(size=65_536, timeout=0.05))
        except (pexpect.TIMEOUT, pexpect.EOF):
            pass
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def until(self, seen: str | Callable[[str], bool]) -> str:
        """Wait for a screen that has this text, or for which `seen` is true, and return it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            screen = self.screen()
            if seen in screen if isinstance(seen, str) else seen(screen):
                return screen
        raise AssertionError(f"never seen: {seen!r}; the screen is\n{self.screen()}")

    def type(self, line: str) -> None:
        """Type a line."""
        self._process.sendline(line)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.sendcontrol("c")

    def end(self) -> tuple[int, str]:
        """Wait for the program's end, and return its exit code and the last screen."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._process.isalive():
            assert time.monotonic() < deadline, self.screen()
            self.screen()
        screen = self.screen()
        self._process.close()
        return self._process.exitstatus if self._process.exitstatus is not None else -1, screen


def _heed_interrupts() -> None:
    """Heed Ctrl-C like a shell in a terminal does. Background programs may ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def cells(lines: Iterable[str]) -> list[list[str]]:
    """Split piped rows into their cells."""
    return [line.split("\t") for line in lines]
