"""Files that the command line reads: any byte order mark, any locale, comments."""

import codecs
import json
from pathlib import Path

import pytest

from tests.unit.client.conftest import Run
from tests.unit.client.service import job

URIS = ["s3://clips/ü.zip", "s3://clips/a #1 .zip "]
LIST = f"# the drive of Monday\n\n{URIS[0]}\r\n  # another comment\n \n{URIS[1]}\n"
SETTINGS = {"on_existing": "fail"}
SAVED = {"id": "es_1", "name": "ü", "settings": SETTINGS, "created_at": "t", "updated_at": "t"}
SETS = [{"views": {"front": "s3://clips/ü.mp4"}}]
KEYS = {"access_key_id": "AKIA", "secret_access_key": "ü"}
INTEGRATION = {"id": "in_1", "name": "n", "type": "s3", "bucket": "b", "created_at": "t"}

READ = [
    ("import --from", LIST, job(), {"exact_paths": URIS}),
    (
        "import --prefix s3://a/ --clip-ids",
        "# two\nc1 \n\nc2\n",
        job(),
        {"root_path": "s3://a/", "clip_ids": ["c1", "c2"]},
    ),
    ("import --prefix s3://a/ --settings", json.dumps(SETTINGS), job(), {"settings": SETTINGS}),
    (
        "import --prefix s3://a/ --no-event --restore-days 3 --settings",
        '{"notify": null, "restore": {"tier": "bulk", "days": 1}}',
        job(),
        {"settings": {"notify": {"event": False}, "restore": {"tier": "bulk", "days": 3}}},
    ),
    ("import --sets", json.dumps(SETS, ensure_ascii=False), job(), {"sets": SETS}),
    ("presets save --name n", json.dumps(SETTINGS), SAVED, {"settings": SETTINGS}),
    ("presets replace es_1 --name n", json.dumps(SETTINGS), SAVED, {"settings": SETTINGS}),
    ("integrations add s3 --name n --bucket b --credentials", json.dumps(KEYS, ensure_ascii=False), INTEGRATION, KEYS),
]


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("piped", [True, False])
@pytest.mark.parametrize(("command", "text", "answer", "sent"), READ)
def test_utf8_is_read_with_and_without_a_byte_order_mark(
    run: Run, tmp_path: Path, mark: bytes, piped: bool, command: str, text: str, answer: object, sent: dict[str, object]
) -> None:
    content = mark + text.encode()
    path = tmp_path / "file"
    path.write_bytes(content)
    found = run([*command.split(), "-" if piped else str(path)], answer, stdin=content if piped else None)
    assert found.exit_code == 0, found.output
    assert found.service.body().items() >= sent.items()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LIST.encode("utf-16"), "UTF-16"),
        (LIST.encode("utf-16-le"), "UTF-16"),
        (LIST.encode("latin-1"), "line 3 is not UTF-8"),
    ],
)
@pytest.mark.parametrize("command", [command for command, *_ in READ])
def test_other_encodings_are_one_sentence(run: Run, tmp_path: Path, command: str, content: bytes, said: str) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(content)
    found = run([*command.split(), str(path)])
    assert (found.exit_code, found.stdout, found.service.requests) == (2, "", [])
    assert said in found.stderr
    assert f"cannot read {path}" in found.stderr
    assert "save it as UTF-8" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--from none.txt", "cannot read none.txt: No such file or directory"),
        ("--from .", "cannot read .: Is a directory"),
        ("--from - --settings -", "only one option can read stdin"),
        ("--prefix s3://a/ --settings -", "stdin is not valid JSON"),
    ],
)
def test_files_that_cannot_be_used_are_usage_errors(run: Run, arguments: str, said: str) -> None:
    found = run(f"import {arguments}", stdin="s3://a/b\n")
    assert (found.exit_code, said in found.stderr) == (2, True), found.stderr


@pytest.mark.parametrize("number", ["NaN", "1e999"])
def test_numbers_that_json_does_not_have_are_usage_errors(run: Run, number: str) -> None:
    found = run("import --prefix s3://a/ --settings -", stdin=f'{{"tolerated_failures": {{"percent": {number}}}}}')
    assert (found.exit_code, "stdin is not JSON that can be read" in found.stderr) == (2, True), found.stderr


def test_settings_that_options_change_must_be_objects(run: Run) -> None:
    found = run("import --prefix s3://a/ --restore-days 3 --settings -", stdin='{"restore": "bulk"}')
    assert (found.exit_code, "--settings: restore is not a JSON object" in found.stderr) == (2, True), found.stderr


def test_a_list_of_comments_names_nothing(run: Run) -> None:
    found = run("import --from -", stdin="# nothing\n")
    assert (found.exit_code, "stdin names no URI" in found.stderr, found.service.asked) == (2, True, [])


@pytest.mark.parametrize("text", [b"\xef\xbb\xbfcf_key\r\n", b"cf_key\n", b" cf_key"])
def test_a_key_on_stdin_may_have_a_byte_order_mark(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes
) -> None:
    profiles = tmp_path / "profiles.json"
    monkeypatch.setenv("CLIPFERRY_CONFIG", str(profiles))
    monkeypatch.delenv("CLIPFERRY_API_KEY", raising=False)
    found = run("login --base-url https://clips.example/prod", {"id": "key_1", "project": "demo"}, stdin=text)
    assert found.exit_code == 0, found.output
    assert json.loads(profiles.read_text())["profiles"]["default"]["api_key"] == "cf_key"
    profiles.write_bytes(codecs.BOM_UTF8 + profiles.read_bytes())
    assert run("profile list").stdout.startswith("default\t")
