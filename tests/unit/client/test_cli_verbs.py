"""Single verbs: confirmations, reports, folders by name, tests of integrations, completion."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from clipferry.cli.main import cli
from tests.unit.client.conftest import Run
from tests.unit.client.service import FakeService, clip, job, page, refusal

GONE = httpx.Response(204)
FOLDER = {"id": "fd_1", "name": "Rig A", "scope": "user", "created_at": "t", "description": None, "created_by": None}
LINK = {
    "url": "https://state.example/r.csv?X-Amz-Signature=s",
    "uri": "s3://state/r.csv",
    "expires_at": "t",
    "bytes": 3,
}

DESTRUCTIVE = [
    ("delete ij_1", [GONE]),
    ("imports delete latest", [page("imports", [job()]), GONE]),
    ("presets delete es_1", [GONE]),
    ("watches delete wa_1", [GONE]),
    (
        "presets replace es_1 - --name n",
        [{"id": "es_1", "name": "n", "settings": {}, "created_at": "t", "updated_at": "t"}],
    ),
    ("integrations delete in_1", [GONE]),
    ("keys revoke key_1", [GONE]),
]


@pytest.mark.parametrize(("command", "answers"), DESTRUCTIVE)
def test_destructive_verbs_ask_at_a_terminal(run: Run, command: str, answers: list[Any]) -> None:
    if " - " not in command:
        found = run(command, *answers, stdin="n\n", asked=True)
        assert (found.exit_code, "nothing was changed" in found.stderr) == (130, True)
        assert {method for method, _ in found.service.asked} <= {"GET"}
        assert run(command, *answers, stdin="y\n", asked=True).exit_code == 0
    for option in ("--yes", "-y"):
        found = run(f"{command} {option}", *answers, stdin="{}", asked=True)
        assert (found.exit_code, "?" in found.stderr) == (0, False), found.output


def test_a_profile_is_removed_after_a_question(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "profiles.json"
    path.write_text('{"default": null, "profiles": {"a": {"base_url": "https://a.example", "api_key": "k"}}}')
    path.chmod(0o600)
    monkeypatch.setenv("CLIPFERRY_CONFIG", str(path))
    assert run("profile remove a", stdin="n\n", asked=True).exit_code == 130
    assert run("profile remove a", asked=False).exit_code == 0
    assert json.loads(path.read_text())["profiles"] == {}


def test_scripts_are_not_asked_except_by_delete(run: Run) -> None:
    assert run("keys revoke key_1", GONE).exit_code == 0
    assert run("delete ij_1", GONE, stdin="y\n").exit_code == 0
    assert run("delete ij_1", stdin="n\n").exit_code == 130
    silent = run("delete ij_1", stdin="")
    assert (silent.exit_code, "--yes" in silent.stderr) == (2, True)


def file(content: bytes = b"a,b") -> httpx.Response:
    return httpx.Response(200, content=content)


def test_a_report_goes_to_stdout(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for option in ("-o -", "--output -"):
        found = run(f"report ij_1 {option}", LINK, file(b"\xff,b\r\n"))
        assert (found.exit_code, found.bytes, found.stderr) == (0, b"\xff,b\r\n", "")
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_named_after_its_import(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("report ij_1", LINK, file()).stdout == "ij_1.csv (3 bytes)\n"
    assert run("report latest --format jsonl", page("imports", [job(id="ij_2")]), LINK, file()).exit_code == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["ij_1.csv", "ij_2.jsonl"]
    found = run("report ij_1")
    assert (found.exit_code, "--force replaces it" in found.stderr) == (2, True)


def test_wait_waits_for_the_end_and_the_report(run: Run) -> None:
    running, pending = refusal(409, "NOT_ENDED"), refusal(409, "REPORT_PENDING")
    found = run("report ij_1 --url --wait 60", running, running, pending, LINK)
    assert (found.exit_code, found.stdout) == (0, f"{LINK['url']}\n")
    found = run("report ij_1 --url", running)
    assert (found.exit_code, "clipferry status ij_1 --watch" in found.stderr) == (1, True)
    assert run("report ij_1 --url", pending, pending, LINK).exit_code == 0
    assert run("report ij_1 --url --wait 0", pending).exit_code == 1
    assert run("report ij_1 --wait --url", running, LINK).stdout == f"{LINK['url']}\n"


@pytest.mark.parametrize("name", ["Rig A", "fd_like"])
def test_a_folder_is_shown_by_its_name(run: Run, name: str) -> None:
    before = [refusal(404, "NOT_FOUND")] if name.startswith("fd_") else []
    answers = [
        page("folders", [FOLDER | {"id": "fd_2", "name": "other"}, FOLDER | {"name": name}]),
        FOLDER | {"clip_count": 7},
    ]
    found = run(["folders", "show", name], *before, *answers)
    assert found.exit_code == 0, found.stderr
    assert found.service.asked[-1] == ("GET", "/v1/folders/fd_1")
    assert "clips\t7" in found.stdout


def test_a_folder_is_shown_by_its_id(run: Run) -> None:
    found = run("folders show fd_1", FOLDER | {"clip_count": 7})
    assert (found.exit_code, found.service.asked) == (0, [("GET", "/v1/folders/fd_1")])


def test_a_name_in_both_scopes_needs_one(run: Run) -> None:
    both = page("folders", [FOLDER, FOLDER | {"id": "fd_2", "scope": "org"}])
    found = run(["folders", "show", "Rig A"], both)
    assert (found.exit_code, "--scope org" in found.stderr) == (2, True)
    found = run(["folders", "show", "Rig A", "--scope", "org"], both, FOLDER | {"id": "fd_2", "clip_count": 0})
    assert found.service.asked[-1] == ("GET", "/v1/folders/fd_2")


def test_an_integrations_test_prints_the_apis_answer_as_json(run: Run) -> None:
    checks = [{"action": "list", "ok": True, "code": None, "message": None}]
    checks.append({"action": "read", "ok": False, "code": "CANNOT_ACCESS", "message": "denied"})
    answer = {"ok": False, "checks": checks}
    found = run("integrations test in_1 --json", answer)
    assert (found.exit_code, json.loads(found.stdout)) == (1, answer)
    assert run("integrations test in_1", answer).stdout == "list\tyes\t\t\nread\tno\tCANNOT_ACCESS\tdenied\n"


def offered(words: list[str], incomplete: str) -> list[str]:
    """Return the shell completions after `clipferry WORDS`."""
    return [one.value for one in ShellComplete(cli, {}, "clipferry", "_X").get_completions(words, incomplete)]


@pytest.mark.parametrize(
    ("words", "incomplete", "answer", "values"),
    [
        (["status"], "", page("imports", [job(id="ij_1")]), ["latest", "ij_1"]),
        (["imports", "retry"], "ij", page("imports", [job(id="ij_1")]), ["ij_1"]),
        (["imports", "watch"], "ij", page("imports", [job(id="ij_1")]), ["ij_1"]),
        (["clips", "list"], "ij", page("imports", [job(id="ij_1")]), ["ij_1"]),
        (["clips"], "ij", page("imports", [job(id="ij_1")]), ["ij_1"]),
        (["webhooks", "replay"], "", page("imports", [job(id="ij_1")]), ["latest", "ij_1"]),
        (["folders", "show"], "", page("folders", [FOLDER]), ["Rig A"]),
        (["status"], "ij", refusal(401, "UNAUTHORIZED"), ["latest"][:0]),
        (["keys", "revoke"], "", httpx.ConnectError("refused"), []),
    ],
)
def test_ids_are_completed(
    monkeypatch: pytest.MonkeyPatch, words: list[str], incomplete: str, answer: Any, values: list[str]
) -> None:
    asked: list[dict[str, Any]] = []

    def client(**options: Any) -> Any:
        asked.append(options)
        return FakeService(answer).client(attempts=options["attempts"])

    monkeypatch.setattr("clipferry.cli.ids.Clipferry", client)
    assert offered(["--profile", "prod", *words], incomplete) == values
    assert (asked[0]["profile"], asked[0]["attempts"]) == ("prod", 1)


def test_clips_of_the_newest_import_are_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    service = FakeService(page("imports", [job(id="ij_1")]), page("clips", [clip(0), clip(1)]))
    monkeypatch.setattr("clipferry.cli.ids.Clipferry", lambda **options: service.client(attempts=options["attempts"]))
    assert offered(["clips", "show"], "") == ["ij_1-0", "ij_1-1"]


def test_the_verbs_of_clips_are_completed_before_ids() -> None:
    assert offered(["clips"], "") == ["list", "show", "link", "find"]
    assert "--failed" in offered(["clips", "ij_1"], "--f")


def test_profiles_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "profiles.json"
    one = {"base_url": "https://a.example", "api_key": "k"}
    path.write_text(json.dumps({"default": None, "profiles": {"prod": one, "test": one}}))
    path.chmod(0o600)
    monkeypatch.setenv("CLIPFERRY_CONFIG", str(path))
    assert offered(["profile", "use"], "") == ["prod", "test"]
    assert offered(["jobs", "--profile"], "t") == ["test"]
    path.write_text("damaged")
    assert offered(["jobs", "--profile"], "") == []


def test_the_scripts_of_shells_are_printed() -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_CLIPFERRY_COMPLETE" in CliRunner().invoke(cli, ["completion", shell]).output


def test_open_shows_the_dashboard_and_puts_no_key_into_its_url(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    found = run("open")
    assert found.exit_code == 0
    assert opened == [found.stdout.strip()]
    assert opened[0].endswith("/app/")
    assert "cf_" not in opened[0]


def test_imports_are_listed_by_status_and_folder(run: Run) -> None:
    found = run("imports list --status FAILED --folder f --trigger watch --json", page("imports", [job()]))
    assert found.exit_code == 0
    (sent,) = found.service.requests
    assert {name: sent.url.params[name] for name in ("status", "folder", "trigger")} == {
        "status": "FAILED",
        "folder": "f",
        "trigger": "watch",
    }


def test_a_shell_shows_the_whole_sentence_of_a_verb() -> None:
    def shown(words: list[str], incomplete: str) -> dict[str, str | None]:
        found = ShellComplete(cli, {}, "clipferry", "_X").get_completions(words, incomplete)
        return {one.value: one.help for one in found}

    assert shown(["imports"], "re") == {
        "retry": "Copy the failed and cancelled clips of an ended import again.",
        "report": "Download the report of an ended import.",
    }
    assert [about for about in shown([], "").values() if not about or about.endswith("...")] == []


def test_fish_keeps_a_description_that_has_commas() -> None:
    script = CliRunner().invoke(cli, ["completion", "fish"]).stdout
    assert 'string split --max 1 "," $completion' in script
