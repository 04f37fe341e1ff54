"""For any kind of stdout, stderr and stdin, the program prints a message instead of a traceback."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from local.config import ROOT

COMMAND = f"{shlex.quote(sys.executable)} -m clipferry"
PROFILE = {"base_url": "https://clips.example/prod", "api_key": "cf_key", "project": "日本-ü"}


@pytest.fixture
def shell(tmp_path: Path) -> "Shell":
    path = tmp_path / "profiles.json"
    path.write_text(json.dumps({"default": "p0", "profiles": {f"p{n}": PROFILE for n in range(3_000)}}))
    path.chmod(0o600)
    return Shell(path)


class Shell:
    """Runs lines in which `clipferry` is the program, with 3,000 saved profiles."""

    def __init__(self, profiles: Path) -> None:
        self._profiles = profiles

    def __call__(self, line: str, **variables: str) -> "subprocess.CompletedProcess[bytes]":
        env = {
            name: value for name, value in os.environ.items() if not name.startswith(("CLIPFERRY_", "LC_", "PYTHON"))
        }
        env |= {"CLIPFERRY_CONFIG": str(self._profiles), "PYTHONPATH": str(ROOT)} | variables
        script = f'clipferry() {{ {COMMAND} "$@"; }}; {line}'
        return subprocess.run(["bash", "-c", script], env=env, cwd=ROOT, capture_output=True, check=False)


C_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@pytest.mark.parametrize("variables", [{"PYTHONIOENCODING": "latin-1"}, {"PYTHONIOENCODING": "ascii"}, C_LOCALE])
@pytest.mark.parametrize("options", ["", "-o table"])
def test_characters_that_the_encoding_lacks_are_escaped(shell: Shell, variables: dict[str, str], options: str) -> None:
    ran = shell(f"clipferry profile list {options}", **variables)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert rb"\u65e5\u672c-" in ran.stdout


def test_arguments_that_are_no_text_are_usage_errors(shell: Shell) -> None:
    ran = shell(r"clipferry status $'\xff'")
    assert (ran.returncode, ran.stderr.splitlines()[0][:30]) == (2, rb"error: \udcff is not UTF-8, or")


def test_help_and_errors_are_printed_in_any_encoding(shell: Shell) -> None:
    assert shell("clipferry import --help", PYTHONIOENCODING="ascii").returncode == 0
    ran = shell("clipferry profile use ü", PYTHONIOENCODING="ascii")
    assert (ran.returncode, b"error: there is no profile" in ran.stderr) == (3, True)


@pytest.mark.parametrize(
    "line",
    ["profile list", "profile list --json", "profile list -o csv", "profile list -q", "--help", "completion bash"],
)
def test_a_full_disk_is_an_error_of_one_line(shell: Shell, line: str) -> None:
    ran = shell(f"clipferry {line} > /dev/full")
    said = json.loads(ran.stderr)["error"]["message"] if "--json" in line else ran.stderr.decode()[7:-1]
    assert (ran.returncode, said) == (1, "cannot write the output: No space left on device")


def test_errors_that_cannot_be_printed_keep_their_exit_code(shell: Shell) -> None:
    ran = shell("clipferry profile use none 2> /dev/full")
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, b"", b"")
    assert shell("clipferry profile --bogus 2> /dev/full").returncode == 2


@pytest.mark.parametrize(
    "line", ["profile list", "profile list --json", "profile list -o csv", "profile list -o table"]
)
def test_a_closed_pipe_prints_no_error(shell: Shell, line: str) -> None:
    ran = shell(f"clipferry {line} | head -c 1")
    assert (ran.returncode, len(ran.stdout), ran.stderr) == (0, 1, b"")


@pytest.mark.parametrize(
    ("line", "code"), [("profile list >&-", 0), ("profile list <&- >&- 2>&-", 0), ("login <&-", 3)]
)
def test_closed_streams_print_no_traceback(shell: Shell, line: str, code: int) -> None:
    ran = shell(f"clipferry {line}")
    assert (ran.returncode, b"Traceback" in ran.stderr) == (code, False)
