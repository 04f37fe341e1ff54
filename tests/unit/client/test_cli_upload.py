"""`clipferry upload`: files in parallel, on after a break, and into an import."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from clipferry.cli.main import cli
from tests.unit.client.inbox import Inbox
from tests.unit.client.service import clip, counts, job, page, refusal

Upload = Callable[..., Result]
PART = "1kB"


@pytest.fixture
def inbox() -> Inbox:
    made = Inbox()
    made.others = lambda _request: page("imports", [])
    return made


@pytest.fixture
def upload(inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upload:
    monkeypatch.setattr("clipferry.cli.app.Clipferry", lambda **_options: inbox.client())
    monkeypatch.setattr("clipferry.cli.kept_uploads.user_cache_path", lambda _name: tmp_path / "cache")
    monkeypatch.setattr("clipferry.cli.joined.LOOK_SECONDS", 0.0)
    return lambda *arguments: CliRunner().invoke(cli, ["upload", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two small files, a large one and hidden ones."""
    night = tmp_path / "night"
    files = {"a.zip": b"a", "sub/b.zip": b"", "large.mp4": os.urandom(4_500), ".DS_Store": b"x", ".git/c": b"x"}
    for name, body in files.items():
        (night / name).parent.mkdir(parents=True, exist_ok=True)
        (night / name).write_bytes(body)
    return night


def remembered(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache").rglob("*.jsonl"))


def test_a_folder_keeps_its_name_and_leaves_out_hidden_files(
    inbox: Inbox, upload: Upload, folder: Path, tmp_path: Path
) -> None:
    ran = upload(folder, "--prefix", "2026/", "--part-size", PART)
    assert ran.exit_code == 0, ran.output
    assert "uploaded 3 of 3 files, 4.5 kB in all" in ran.stdout
    assert {name: len(body) for name, body in inbox.objects.items()} == {
        "2026/night/a.zip": 1,
        "2026/night/sub/b.zip": 0,
        "2026/night/large.mp4": 4_500,
    }
    assert inbox.objects["2026/night/large.mp4"] == (folder / "large.mp4").read_bytes()
    assert remembered(tmp_path) == []


def test_json_has_a_line_for_each_file(inbox: Inbox, upload: Upload, folder: Path) -> None:
    ran = upload(folder / "a.zip", folder / "large.mp4", "--json")
    assert sorted(json.loads(line)["uri"] for line in ran.stdout.splitlines()) == [
        "s3://drop/inbox/demo/a.zip",
        "s3://drop/inbox/demo/large.mp4",
    ]
    assert set(inbox.objects) == {"a.zip", "large.mp4"}


def test_the_same_command_goes_on_after_a_break(inbox: Inbox, upload: Upload, folder: Path, tmp_path: Path) -> None:
    inbox.refuse = lambda _place: httpx.Response(418) if len(inbox.puts) >= 4 else None
    ran = upload(folder, "--part-size", PART, "--jobs", "1")
    assert ran.exit_code == 1
    assert "goes on from there" in ran.stderr
    (kept,) = remembered(tmp_path)
    assert "cf_" not in kept.read_text()
    kept.write_text(kept.read_text() + '{"key": "cut')
    before = list(inbox.puts)
    inbox.refuse = lambda _place: None
    assert upload(folder, "--part-size", PART, "--jobs", "3").exit_code == 0
    assert len(inbox.puts) == len(set(inbox.puts)) == 7, f"nothing is sent twice: {before}, then {inbox.puts}"
    assert inbox.objects["night/large.mp4"] == (folder / "large.mp4").read_bytes()
    assert remembered(tmp_path) == []


def test_an_upload_that_is_gone_or_whose_file_is_another_begins_anew(
    inbox: Inbox, upload: Upload, folder: Path
) -> None:
    inbox.refuse = lambda _place: httpx.Response(418) if len(inbox.puts) >= 2 else None
    assert upload(folder / "large.mp4", "--part-size", PART).exit_code == 1
    inbox.refuse = lambda _place: None
    inbox.parts.clear()
    assert upload(folder / "large.mp4", "--part-size", PART).exit_code == 0
    assert inbox.objects["large.mp4"] == (folder / "large.mp4").read_bytes()


def test_a_file_that_changes_is_an_error_and_the_others_go_on(inbox: Inbox, upload: Upload, folder: Path) -> None:
    def change(place: str) -> None:
        if place.startswith("upload-"):
            (folder / "large.mp4").write_bytes(b"other")

    inbox.refuse = change
    ran = upload(folder, "--part-size", PART, "--json")
    assert ran.exit_code == 1
    assert json.loads(ran.stderr.splitlines()[0])["error"]["code"] == "FILE_CHANGED"
    assert set(inbox.objects) == {"night/a.zip", "night/sub/b.zip"}


def test_files_with_one_key_are_wrong_usage(inbox: Inbox, upload: Upload, tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.zip").write_bytes(name.encode())
    ran = upload(tmp_path / "x" / "a.zip", tmp_path / "y" / "a.zip")
    assert (ran.exit_code, inbox.asked) == (2, [])
    assert "the same key a.zip" in ran.stderr


def test_an_empty_folder_is_said(inbox: Inbox, upload: Upload, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert upload(tmp_path / "empty").exit_code == 7
    assert inbox.asked == []


@pytest.mark.parametrize(("status", "code"), [("COMPLETED", 0), ("COMPLETED_WITH_ERRORS", 4)])
def test_watch_follows_the_import_that_has_the_files(
    inbox: Inbox, upload: Upload, folder: Path, status: str, code: int
) -> None:
    """Neither an import of before, nor one that has other clips, nor one that is not planned yet."""
    old = job(id="ij_old", completed_at="2026-01-01T00:00:00.000Z", trigger="upload")
    looks = 0

    def others(request: httpx.Request) -> httpx.Response:
        nonlocal looks
        path = request.url.path.partition("/v1")[2]
        if path == "/imports":
            assert request.url.params["trigger"] == "upload"
            looks += 1
            mine = job("PLANNING" if looks == 2 else "COPYING", id="ij_mine", counts=counts(pending=1))
            other = job("COPYING", id="ij_other", counts=counts(pending=1))
            return page("imports", [old] if looks == 1 else [mine, other, old])
        if path.endswith("/clips"):
            assert "ij_old" not in path
            uri = "s3://drop/inbox/demo/a.zip" if "ij_mine" in path else "s3://drop/inbox/demo/z.zip"
            return page("clips", [clip(source_uri=uri)])
        return httpx.Response(200, json=job(status, id="ij_mine", counts=counts(copied=1, bytes=1)))

    inbox.others = others
    ran = upload(folder / "a.zip", "--watch")
    assert ran.exit_code == code, ran.output
    assert "import ij_mine" in ran.stdout
    assert "ij_other" not in ran.stdout


def test_uploads_that_no_import_has_in_time_are_an_error(upload: Upload, folder: Path) -> None:
    ran = upload(folder / "a.zip", "--watch", "--timeout", "0", "--json")
    assert ran.exit_code == 5
    assert json.loads(ran.stderr)["error"]["code"] == "NOT_IMPORTED"


def test_the_same_command_is_not_advised_after_a_refused_key(
    inbox: Inbox, upload: Upload, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "_begin", lambda _body: refusal(422, "INVALID_REQUEST"))
    ran = upload(folder / "a.zip")
    assert (ran.exit_code, "goes on from there" in ran.stderr) == (1, False)
