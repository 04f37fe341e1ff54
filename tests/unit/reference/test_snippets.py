"""Commands and snippets of the pages: commands of `clipferry` exist with their options, code compiles, JSON parses."""

import base64
import io
import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
from standardwebhooks import Webhook

from clipferry.cli.main import SECTIONS
from local.config import ROOT
from tests.documented import NEEDS, PAGES, blocks, name_of

COMMANDS = {one.name: one for section in SECTIONS.values() for one in section}


def commands(page: Path) -> Iterator[list[str]]:
    """The arguments of each `clipferry` in the shell's blocks."""
    for _, _, text in blocks(page, "sh"):
        for line in text.replace("\\\n", " ").splitlines():
            for command in line.split("&&") if "clipferry " in line else ():
                words = shlex.split(command, comments=True)
                if words[:3] == ["python", "-m", "clipferry"]:
                    words = words[2:]
                if words[:1] == ["clipferry"]:
                    yield words[1:]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_documented_commands_are_valid(page: Path) -> None:
    for given in commands(page):
        command, words = COMMANDS[given[0]], given[1:]
        while isinstance(command, click.Group):
            named = words[0] if words[0] in command.commands or command.name != "clips" else "list"
            command, words = command.commands[named], words[1:]
        if command.name == "ftx":
            continue  # its options are the script's
        options = {name: one for one in command.params for name in (*one.opts, *one.secondary_opts)}
        used = [word.partition("=")[0] for word in words if word.startswith("--")]
        assert [name for name in used if name not in options] == [], given


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_code_compiles_and_json_parses(page: Path) -> None:
    for _, _, code in blocks(page, "python"):
        compile(code, str(page), "exec")
    for _, _, text in blocks(page, "json"):
        json.loads(text)


SECRET = f"whsec_{base64.b64encode(b'a secret of this test').decode()}"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("CLIPFERRY_WEBHOOK_SECRET", SECRET)
    ((_, _, code),) = blocks(ROOT / "docs" / "how-to" / "webhooks.md", "python")
    made: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(code, "receiver", "exec"), made)
    return made


def answer(receiver: dict[str, Any], body: bytes, signature: str) -> str:
    said: list[str] = []
    environ = {
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_WEBHOOK_ID": "ij_1-1",
        "HTTP_WEBHOOK_TIMESTAMP": str(int(datetime.now(UTC).timestamp())),
        "HTTP_WEBHOOK_SIGNATURE": signature,
        "wsgi.input": io.BytesIO(body),
    }
    receiver["receive"](environ, lambda status, _headers: said.append(status))
    return said[0]


def test_the_documented_receiver_takes_signed_webhooks_once_and_refuses_others(
    receiver: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    document = {"type": "clipferry.import.ended", "event_id": "ij_1-1", "import_id": "ij_1", "status": "COMPLETED"}
    body = json.dumps(document).encode()
    signature = Webhook(SECRET).sign("ij_1-1", datetime.now(UTC), body.decode())
    assert answer(receiver, body, signature) == "204 No Content"
    assert answer(receiver, body, signature) == "204 No Content"
    assert capsys.readouterr().out == "clipferry.import.ended ij_1 COMPLETED\n"
    assert answer(receiver, body + b" ", signature) == "400 Bad Request"


def test_the_documented_verification_takes_a_signed_webhook() -> None:
    [(_, _, code)] = blocks(ROOT / "docs" / "events.md", "python")
    body = json.dumps({"event_id": "ij_1-1"})
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "ij_1-1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("ij_1-1", now, body),
    }
    found: dict[str, Any] = {"body": body, "headers": headers}
    exec(compile(code.replace("whsec_...", SECRET), "events", "exec"), found)
    assert found["document"] == {"event_id": "ij_1-1"}


def test_every_shell_block_runs_somewhere_or_says_what_it_needs() -> None:
    """`tests/e2e/test_as_deployed.py` runs the untitled ones of `PAGES`; a title says what the others need."""
    titles = {title for page in PAGES for _, title, _ in blocks(page, "sh")}
    assert [title for title in titles if title and not title.startswith(NEEDS)] == []
    elsewhere = set((ROOT / "docs").rglob("*.md")) - set(PAGES) - set((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page for page in elsewhere if list(blocks(page, "sh", "bash", "console"))] == []
