"""The command line in a terminal, as people see it."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.stack import Stack
from tests.e2e.faults import Pause
from tests.e2e.support import eventually, put_all, settled, start, unique
from tests.e2e.terminal import COLUMNS, CommandLine

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


@pytest.fixture
def cli(own: Stack, tmp_path: Path) -> CommandLine:
    """In a project of its own, so that the newest import is the test's."""
    return CommandLine(own, tmp_path)


@pytest.fixture
def drive(stack: Stack, s3: "S3Client") -> Callable[[int], str]:
    """Put `count` objects below a prefix, and return its URI."""

    def put(count: int) -> str:
        prefix = f"{unique('drive')}/"
        put_all(s3, stack.source_bucket, [(f"{prefix}{n:03d}.zip", b"clip") for n in range(count)])
        return f"s3://{stack.source_bucket}/{prefix}"

    return put


def test_a_watched_import_shows_a_bar_and_then_its_end(
    cli: CommandLine, drive: Callable[[int], str], paused_copies: Pause
) -> None:
    with ExitStack() as paused:
        paused.enter_context(paused_copies())
        with cli.terminal("import", "--prefix", drive(120), "--watch") as terminal:
            screen = terminal.until(lambda seen: re.search(r"COPYING .*[━╸]+.* \d+/120 +\d+%", seen) is not None)
            assert re.search(r"\d+ copied, .*\d+ pending", screen)
            paused.close()
            code, last = terminal.end()
    assert code == 0
    assert "120 copied" in last
    assert "COPYING" not in last
    assert all(len(line) < COLUMNS for line in last.splitlines())


def test_failures_are_shown_while_it_runs(
    cli: CommandLine, team: "Api", drive: Callable[[int], str], paused_copies: Pause
) -> None:
    root = drive(900)
    job = start(team, exact_paths=[f"{root}none.zip", *(f"{root}{n:03d}.zip" for n in range(900))])

    def failed() -> Any:
        return team.get(f"/v1/imports/{job['id']}")[1]["counts"]["failed"]

    eventually(failed, what="the first batch")
    with paused_copies(), cli.terminal("status", job["id"], "--watch") as terminal:
        screen = terminal.until("last failures")
        assert "COPYING" in screen
        assert f"NOT_FOUND  {root}none.zip" in screen
        terminal.interrupt()
        terminal.end()
    with cli.terminal("status", job["id"], "--watch") as terminal:
        code, screen = terminal.end()
    assert (code, "900 copied, 1 failed" in screen, "last failures" in screen) == (4, True, False)


def test_ctrl_c_leaves_the_import_running_and_says_how_to_come_back(
    cli: CommandLine, team: "Api", drive: Callable[[int], str], paused_copies: Pause
) -> None:
    with paused_copies(), cli.terminal("import", "--prefix", drive(2), "--watch") as terminal:
        terminal.until("0/2")
        terminal.interrupt()
        code, screen = terminal.end()
        assert code == 130
        told = re.search(r"clipferry status (ij_\w+) --watch", screen)
        assert told
        job = told[1]
        assert f"clipferry cancel {job}" in screen
        assert "Traceback" not in screen
        _, found = team.get(f"/v1/imports/{job}")
        assert (found["status"], found["cancel_requested"]) == ("COPYING", False)
    with cli.terminal("status", job, "--watch") as terminal:
        code, screen = terminal.end()
    assert (code, "COMPLETED" in screen) == (0, True)
    assert settled(team, job)["counts"]["copied"] == 2


def test_cancel_watches_the_import_to_its_end(
    cli: CommandLine, drive: Callable[[int], str], paused_copies: Pause
) -> None:
    with ExitStack() as paused:
        paused.enter_context(paused_copies())
        [job] = cli.json("import", "--prefix", drive(2))
        with cli.terminal("cancel", job["id"], "--watch") as terminal:
            terminal.until("CANCEL")
            paused.close()  # Throttled copies wait for their turn; only then do they see the cancel.
            code, screen = terminal.end()
    assert (code, "CANCELLED" in screen) == (4, True)


def test_login_asks_for_the_key_without_showing_it(cli: CommandLine, own: Stack) -> None:
    with cli.terminal("login", logged_in=False) as terminal:
        terminal.until("Base URL")
        terminal.type(own.base_url)
        terminal.until("API key")
        terminal.type(own.api_key)
        code, screen = terminal.end()
    assert (code, f"project {own.project}" in screen.replace("\n", "")) == (0, True)
    assert own.api_key not in screen.replace("\n", "")
    with cli.terminal("jobs", "--limit", "1", logged_in=False) as terminal:
        assert terminal.end()[0] == 0


def test_an_integrations_secret_is_asked_for_without_showing_it(cli: CommandLine) -> None:
    secret = unique("hidden")
    with cli.terminal(
        "integrations", "add", "s3", "--name", "n", "--bucket", "clips", "--region", "eu-west-1"
    ) as terminal:
        terminal.until("access_key_id")
        terminal.type("AKIAEXAMPLE")
        terminal.until("secret_access_key")
        terminal.type(secret)
        code, screen = terminal.end()
    assert (code, secret in screen) == (0, False)
    made = re.search(r"int?_\w+", screen)
    assert made
    assert cli("integrations", "delete", made[0]).returncode == 0


def test_lists_are_tables_with_escaped_control_characters(cli: CommandLine, stack: Stack, s3: "S3Client") -> None:
    prefix = unique("odd")
    put_all(s3, stack.source_bucket, [(f"{prefix}/\x1b[2J\x1b]0;owned\x07.zip", b"clip")])
    job = cli("import", "--prefix", f"s3://{stack.source_bucket}/{prefix}/", "--watch").stdout.split()[1]
    with cli.terminal("clips", job) as terminal:
        code, screen = terminal.end()
    assert code == 0
    assert screen.splitlines()[0].split() == ["clip", "status", "source", "code", "why", "content"]
    with cli.terminal("clips", job, "--columns", "source") as terminal:
        code, screen = terminal.end()
    assert (code, r"\x1b[2J\x1b]0;owned\x07.zip" in screen) == (0, True)


def test_a_table_of_80_columns_has_one_line_an_import(cli: CommandLine, drive: Callable[[int], str]) -> None:
    jobs = [cli("import", "--prefix", drive(1), "--watch").stdout.split()[1] for _ in range(2)]
    with cli.terminal("imports", "list", "-n", 2, columns=80) as terminal:
        code, screen = terminal.end()
    header, *rows = screen.splitlines()[:3]
    assert (code, header.split()[:4]) == (0, ["import", "status", "created", "source"])
    assert [row.split()[0] for row in rows] == jobs[::-1]
    assert "ago" in rows[0] or "just now" in rows[0]


def test_a_key_is_revoked_after_a_question(cli: CommandLine, stack: Stack) -> None:
    [made] = cli.json("keys", "create", unique("team"), "--name", "ci", key=stack.admin_key)
    for answer, code in (("n", 130), ("y", 0)):
        with cli.terminal("keys", "revoke", made["id"], key=stack.admin_key) as terminal:
            terminal.until(f"Revoke key {made['id']}?")
            terminal.type(answer)
            assert terminal.end()[0] == code


def test_errors_have_a_hint(cli: CommandLine) -> None:
    with cli.terminal("status", "ij_none") as terminal:
        code, screen = terminal.end()
    assert (code, "next:  `clipferry imports list`" in screen) == (1, True)
