"""Each verb of the command line on the deployed stack, with pipes, as scripts see it."""

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from local.stack import Stack
from service.sources.s3 import client_config
from tests.e2e.faults import Pause
from tests.e2e.support import TERMINAL, all_clips, eventually, put_all, settled, unique
from tests.e2e.terminal import CommandLine, cells
from tests.servers.seaweed import ADMIN, READER, seaweed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api

CODES = {
    "refused": 1,
    "usage": 2,
    "no access": 3,
    "not all landed": 4,
    "timed out": 5,
    "unavailable": 6,
    "nothing found": 7,
}


@pytest.fixture
def cli(own: Stack, tmp_path: Path) -> CommandLine:
    """In a project of its own, so that the newest import is the test's."""
    return CommandLine(own, tmp_path)


@pytest.fixture
def clips(stack: Stack, s3: "S3Client") -> Callable[..., str]:
    """Put objects below a prefix of their own, and return its URI."""

    def put(*names: str) -> str:
        prefix = f"{unique('cli')}/"
        put_all(s3, stack.source_bucket, [(prefix + name, name.encode()) for name in names])
        return f"s3://{stack.source_bucket}/{prefix}"

    return put


def test_import_a_prefix_and_watch_it(cli: CommandLine, team: "Api", clips: Callable[..., str]) -> None:
    ran = cli("import", "--prefix", clips("a.zip", "b.zip", "c.txt"), "--include", "*.zip", "--label", "x", "--watch")
    assert ran.returncode == 0, ran.stderr
    first, *_, last = ran.stdout.splitlines()
    assert last.startswith("COMPLETED after ")
    assert last.endswith("2 copied, 10 bytes")
    assert "\x1b" not in ran.stdout + ran.stderr
    _, job = team.get(f"/v1/imports/{first.removeprefix('import ')}")
    assert (job["status"], job["labels"], job["filters"]["include"]) == ("COMPLETED", ["x"], ["*.zip"])


def test_import_uris_with_a_missing_one_and_watch_it(cli: CommandLine, clips: Callable[..., str]) -> None:
    root = clips("a.zip")
    ran = cli("import", f"{root}a.zip", f"{root}none.zip", "--watch", "--timeout", 60)
    assert ran.returncode == CODES["not all landed"], ran.stderr
    assert f"FAILED {root}none.zip: NOT_FOUND: " in ran.stdout
    assert "COMPLETED_WITH_ERRORS after" in ran.stdout
    assert "clipferry clips ij_" in ran.stderr
    assert "clipferry imports failures ij_" in ran.stderr
    assert "clipferry retry ij_" in ran.stderr


def test_import_json_watch_prints_a_line_per_change(cli: CommandLine, clips: Callable[..., str]) -> None:
    seen = cli.json("import", "--prefix", clips("a.zip"), "--watch")
    assert seen[-1]["status"] == "COMPLETED"
    assert all(one["id"] == seen[0]["id"] for one in seen)
    assert [one["status"] for one in seen if one["status"] in TERMINAL] == ["COMPLETED"]


def test_import_from_a_list_on_stdin_with_settings(
    cli: CommandLine, team: "Api", clips: Callable[..., str], tmp_path: Path
) -> None:
    root = clips("a b.zip", "ü.zip")
    (tmp_path / "settings.json").write_text(json.dumps({"on_existing": "fail", "keep_tags": False}))
    options = ["--settings", "settings.json", "--destination", "{stem}-{ordinal}{extension}", "--tolerate", "5%"]
    [job] = cli.json("import", "--from", "-", *options, stdin=f"{root}a b.zip\n\n{root}ü.zip\n")
    assert (job["source"]["count"], job["settings"]["on_existing"], job["settings"]["keep_tags"]) == (2, "fail", False)
    assert job["settings"]["tolerated_failures"]["percent"] == 5
    job = settled(team, job["id"])
    assert job["counts"]["copied"] == 2
    assert {clip["destination"].rpartition("/")[2] for clip in all_clips(team, job["id"])} == {"a b-0.zip", "ü-1.zip"}


def test_import_a_manifest_and_sets(
    cli: CommandLine, stack: Stack, s3: "S3Client", clips: Callable[..., str], tmp_path: Path
) -> None:
    root = clips("front.mp4", "left.mp4")
    key = f"{unique('manifest')}.jsonl"
    put_all(s3, stack.source_bucket, [(key, json.dumps({"uri": f"{root}front.mp4"}).encode())])
    last = cli.json("import", "--manifest", f"s3://{stack.source_bucket}/{key}", "--watch")[-1]
    assert (last["source"]["kind"], last["counts"]["copied"]) == ("manifest", 1)
    views = {"front": f"{root}front.mp4", "left": f"{root}left.mp4"}
    (tmp_path / "sets.json").write_text(json.dumps([{"views": views, "name": "drive"}]))
    last = cli.json("import", "--sets", "sets.json", "--folder", unique("sets"), "--watch")[-1]
    assert (last["source"]["kind"], last["counts"]["copied"]) == ("sets", 2)


def test_one_idempotency_key_starts_one_import(cli: CommandLine, clips: Callable[..., str]) -> None:
    asked = ["import", "--prefix", clips("a.zip"), "--idempotency-key", unique("key")]
    [one], [two] = cli.json(*asked), cli.json(*asked)
    assert one["id"] == two["id"]
    ran = cli(*asked, "--folder", "f")
    assert (ran.returncode, "IDEMPOTENCY_CONFLICT" in ran.stderr) == (CODES["refused"], True)
    assert "next:  a new request needs a new --idempotency-key" in ran.stderr


def test_preview_shows_what_an_import_would_do(cli: CommandLine, clips: Callable[..., str]) -> None:
    root = clips("a.zip", "b.zip")
    ran = cli("preview", "--prefix", root, "--max-size", "1kB")
    assert ran.returncode == 0
    shown = dict(cells(ran.stdout.splitlines()))
    assert (shown["clips"], shown["to copy"], shown["to fail"]) == ("2, 10 bytes", "2, 10 bytes", "0")
    assert shown["cost"].startswith("$")
    [found] = cli.json("preview", f"{root}a.zip", f"{root}none.zip")
    assert found["outcome"]["to_fail"]["by_code"]["NOT_FOUND"]["count"] == 1


def test_jobs_status_and_clips(cli: CommandLine, clips: Callable[..., str]) -> None:
    root = clips("a.zip")
    job = cli("import", f"{root}a.zip", f"{root}none.zip", "--watch").stdout.split()[1]
    listed = cells(cli("jobs", "--limit", 1).stdout.splitlines())
    assert (listed[0][:2], listed[0][4]) == ([job, "COMPLETED_WITH_ERRORS"], "1 copied, 1 failed")
    assert cli.json("jobs", "--limit", 1)[0]["id"] == job
    shown = dict(cells(cli("status", job).stdout.splitlines()))
    assert (shown["status"], shown["clips"]) == ("COMPLETED_WITH_ERRORS", "2: 1 copied, 1 failed")
    assert cli.json("status", job)[0]["counts"]["failed"] == 1
    assert cli("status", job, "--watch").returncode == CODES["not all landed"]
    assert [row[1] for row in cells(cli("clips", job).stdout.splitlines())] == ["COPIED", "FAILED"]
    [failed] = cells(cli("clips", job, "--failed").stdout.splitlines())
    assert failed[1:4] == ["FAILED", f"{root}none.zip", "NOT_FOUND"]
    assert [clip["source_uri"] for clip in cli.json("clips", job, "--status", "copied")] == [f"{root}a.zip"]


def test_watch_an_import(cli: CommandLine, clips: Callable[..., str]) -> None:
    [job] = cli.json("import", "--prefix", clips("a.zip"))
    ran = cli("imports", "watch", job["id"])
    assert (ran.returncode, "COMPLETED after" in ran.stdout) == (0, True), ran.stderr


def test_count_the_failures_of_an_import(cli: CommandLine, clips: Callable[..., str]) -> None:
    root = clips("a.zip")
    job = cli("import", f"{root}a.zip", f"{root}x.zip", f"{root}y.zip", "--watch").stdout.split()[1]
    ran = cli("imports", "failures", job)
    [row] = cells(ran.stdout.splitlines())
    assert (ran.returncode, row[:4]) == (0, ["NOT_FOUND", "FAILED", "2", f"{root}x.zip"])
    assert f"clipferry retry {job} --watch" in ran.stderr
    [answer] = cli.json("imports", "failures", job)
    assert (answer["complete"], [one["count"] for one in answer["groups"]]) == (True, [2])


def test_show_a_clip_and_read_its_copy_by_a_link(cli: CommandLine, clips: Callable[..., str]) -> None:
    root = clips("a.zip")
    job = cli("import", f"{root}a.zip", f"{root}none.zip", "--watch").stdout.split()[1]
    assert cli("clips", job).stdout == cli("clips", "list", job).stdout
    copied, missing = (row[0] for row in cells(cli("clips", "list", job).stdout.splitlines()))
    shown = dict(cells(cli("clips", "show", copied).stdout.splitlines()))
    assert (shown["status"], shown["source"], shown["import"]) == ("COPIED", f"{root}a.zip", job)
    with urllib.request.urlopen(cli("clips", "link", copied).stdout.strip()) as answer:
        assert answer.read() == b"a.zip"
    ran = cli("clips", "link", missing)
    assert (ran.returncode, "CLIP_NOT_THERE" in ran.stderr) == (CODES["refused"], True)


def test_show_and_replace_the_secret_of_webhooks(cli: CommandLine, stack: Stack) -> None:
    [made] = cli.json("keys", "create", unique("team"), "--name", "ci", key=stack.admin_key)
    [before] = cli.json("webhooks", "secret", key=made["key"])
    [after] = cli.json("webhooks", "rotate", "--overlap", 60, key=made["key"])
    assert before["secret"] != after["secret"]
    assert (before["previous_until"], bool(after["previous_until"])) == (None, True)
    assert cli("webhooks", "secret", "-q", key=made["key"]).stdout == f"{after['secret']}\n"
    assert cli.json("webhooks", "rotate", "--overlap", 0, key=made["key"])[0]["previous_until"] is None
    assert cli("keys", "revoke", made["id"], key=stack.admin_key).returncode == 0


def test_an_import_without_a_webhook_has_none_to_replay(cli: CommandLine, clips: Callable[..., str]) -> None:
    job = cli("import", "--prefix", clips("a.zip"), "--watch").stdout.split()[1]
    ran = cli("webhooks", "replay", job)
    assert (ran.returncode, "NO_WEBHOOK" in ran.stderr) == (CODES["refused"], True)


def test_former_names_and_nouns_are_the_same_verbs(cli: CommandLine, clips: Callable[..., str]) -> None:
    job = cli("import", "--prefix", clips("a.zip"), "--watch").stdout.split()[1]
    assert cli("imports", "list", "-n", 1).stdout == cli("jobs", "--limit", 1).stdout
    assert cli("imports", "show", job).stdout == cli("status", job).stdout
    assert cli("imports", "list", "-q", "-n", 1).stdout == f"{job}\n"
    assert cli.json("status", "latest")[0]["id"] == job
    assert cli("clips", "latest", "-o", "csv", "--columns", "status").stdout == "status\nCOPIED\n"


def test_nothing_to_import_says_why(cli: CommandLine, clips: Callable[..., str]) -> None:
    asked = ["--prefix", clips("a.txt", "b.txt"), "--include", "*.zip"]
    ran = cli("import", *asked, "--watch")
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "0 of 2 objects pass the filters")
    ran = cli("preview", *asked)
    assert (ran.returncode, "0 of 2 objects pass the filters" in ran.stderr) == (0, True)
    for verb in ("preview", "import"):
        ran = cli(verb, *asked, "--fail-if-empty")
        assert (ran.returncode, "error: 0 of 2 objects pass the filters" in ran.stderr) == (
            CODES["nothing found"],
            True,
        )


def test_find_clips_of_all_imports(cli: CommandLine, clips: Callable[..., str]) -> None:
    group, root = unique("group"), clips("a.zip")
    cli("import", "--prefix", root, "--group", group, "--watch")
    [found] = cli.json("find", "--group", group, "--source", f"{root}a.zip")
    assert (found["test_run_group_name"], found["status"]) == (group, "COPIED")
    assert cells(cli("find", "--clip-id", "a", "--group", group).stdout.splitlines())[0][2] == f"{root}a.zip"
    assert cli("find").returncode == CODES["usage"]


def test_retry_what_failed(cli: CommandLine, stack: Stack, s3: "S3Client", clips: Callable[..., str]) -> None:
    root = clips("a.zip")
    job = cli("import", f"{root}a.zip", f"{root}late.zip", "--watch").stdout.split()[1]
    put_all(s3, stack.source_bucket, [(f"{root}late.zip".removeprefix(f"s3://{stack.source_bucket}/"), b"late")])
    ran = cli("retry", job, "--watch")
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "COMPLETED: 2 copied, 9 bytes")
    ran = cli("retry", job)
    assert (ran.returncode, "NOTHING_TO_RETRY" in ran.stderr) == (CODES["refused"], True)


def test_cancel_an_import_and_stop_watching_after_a_timeout(
    cli: CommandLine, clips: Callable[..., str], paused_copies: Pause
) -> None:
    with paused_copies():
        [job] = cli.json("import", "--prefix", clips("a.zip"))
        ran = cli("status", job["id"], "--watch", "--timeout", 0)
        assert ran.returncode == CODES["timed out"]
        assert f"`clipferry status {job['id']} --watch` comes back to it" in ran.stderr
        assert cli("cancel", job["id"]).returncode == 0
    ran = cli("status", job["id"], "--watch")
    assert (ran.returncode, "CANCELLED" in ran.stdout) == (CODES["not all landed"], True)
    ran = cli("cancel", job["id"], "--json")
    refused = json.loads(ran.stderr)["error"]
    assert (ran.returncode, ran.stdout, refused["code"], refused["status"]) == (1, "", "ALREADY_ENDED", 409)
    assert refused["request_id"]


def test_download_a_report(cli: CommandLine, clips: Callable[..., str], tmp_path: Path) -> None:
    job = cli("import", "--prefix", clips("a.zip"), "--watch").stdout.split()[1]
    ran = cli("report", job)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / f"{job}.csv").read_text().count("\n") == 2
    assert cli("report", job).returncode == CODES["usage"]
    assert cli("report", job, "--force").returncode == 0
    [got] = cli.json("report", job, "--format", "summary", "-o", "s.json")
    assert json.loads((tmp_path / "s.json").read_text())["import_id"] == job or got["bytes"]
    assert cli("report", job, "--url").stdout.startswith("http")
    assert cli("report", job, "-o", "-").stdout == (tmp_path / f"{job}.csv").read_text()


def test_a_report_is_waited_for(cli: CommandLine, clips: Callable[..., str]) -> None:
    [job] = cli.json("import", "--prefix", clips("a.zip"))
    ran = cli("report", job["id"], "-o", "-", "--wait", 60)
    assert (ran.returncode, ran.stdout.count("\n")) == (0, 2), ran.stderr


def test_delete_a_record(cli: CommandLine, clips: Callable[..., str]) -> None:
    job = cli("import", "--prefix", clips("a.zip"), "--watch").stdout.split()[1]
    assert cli("delete", job, stdin="n\n").returncode == 130
    assert cli("delete", job, "--yes").returncode == 0
    ran = cli("status", job)
    assert (ran.returncode, "NOT_FOUND" in ran.stderr) == (CODES["refused"], True)


def test_presets(cli: CommandLine, clips: Callable[..., str]) -> None:
    [saved] = cli.json("presets", "save", "-", "--name", "strict", stdin='{"on_existing": "fail"}')
    assert saved["id"] in [row[0] for row in cells(cli("presets", "list").stdout.splitlines())]
    last = cli.json("import", "--prefix", clips("a.zip"), "--preset", saved["id"], "--watch")[-1]
    assert (last["execution_settings_id"], last["settings"]["on_existing"]) == (saved["id"], "fail")
    assert cli("presets", "replace", saved["id"], "-", "--name", "lax", stdin="{}").returncode == 0
    shown = dict(cells(cli("presets", "show", saved["id"]).stdout.splitlines()))
    assert (shown["name"], "on_existing" in shown) == ("lax", False)
    assert cli("presets", "delete", saved["id"]).returncode == 0
    assert cli("settings", "show", saved["id"]).returncode == CODES["refused"]


def test_integrations_take_their_secrets_from_files_and_the_environment_only(cli: CommandLine, tmp_path: Path) -> None:
    secret = unique("never-shown")
    keys = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": secret}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    add = ["integrations", "add", "s3", "--name", "store", "--bucket", "clips", "--region", "eu-west-1"]
    ran = cli(*add, "--credentials", "keys.json")
    assert ran.returncode == 0, ran.stderr
    made = dict(cells(ran.stdout.splitlines()))["integration"]
    source = {"CLIPFERRY_SOURCE_ACCESS_KEY_ID": "AKIAEXAMPLE", "CLIPFERRY_SOURCE_SECRET_ACCESS_KEY": secret}
    [other] = cli.json(*add, **source)
    [third] = cli.json(*add, "--credentials", "-", stdin=json.dumps(keys))
    listed = {row[0] for row in cells(cli("integrations", "list").stdout.splitlines())}
    assert {made, other["id"], third["id"]} <= listed
    for given in ({}, {"CLIPFERRY_SOURCE_ACCESS_KEY_ID": "AKIAEXAMPLE"}):
        ran = cli(*add, **given)
        assert (ran.returncode, "CLIPFERRY_SOURCE_" in ran.stderr) == (CODES["usage"], True)
    for refused in ("--secret-access-key", "--token"):
        assert cli(*add, refused, secret).returncode == CODES["usage"]
    assert secret not in cli("integrations", "show", made).stdout + str(cli.json("integrations", "show", made))
    for one in (made, other["id"], third["id"]):
        assert cli("integrations", "delete", one).returncode == 0


def test_an_integration_is_tested_and_opens_a_store_of_others(cli: CommandLine, tmp_path: Path) -> None:
    with seaweed(tmp_path / "seaweed") as url:
        store = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            config=client_config(connections=2, path_style=True),
            aws_access_key_id=ADMIN.access_key_id,
            aws_secret_access_key=ADMIN.secret_access_key,
        )
        store.create_bucket(Bucket="clips")
        store.put_object(Bucket="clips", Key="a/clip.zip", Body=b"clip")
        (tmp_path / "keys.json").write_text(
            json.dumps({"access_key_id": READER.access_key_id, "secret_access_key": READER.secret_access_key})
        )
        add = ["integrations", "add", "s3", "--name", "theirs", "--endpoint-url", url, "--credentials", "keys.json"]
        [made] = cli.json(*add, "--bucket", "clips")
        ran = cli("integrations", "test", made["id"])
        assert (ran.returncode, [row[:2] for row in cells(ran.stdout.splitlines())][:2]) == (
            0,
            [["list", "yes"], ["read", "yes"]],
        )
        last = cli.json("import", "--prefix", "s3://clips/a/", "--integration", made["id"], "--watch")[-1]
        assert (last["status"], last["counts"]["copied"], last["integration_id"]) == ("COMPLETED", 1, made["id"])
        [none] = cli.json(*add, "--bucket", "none")
        ran = cli("integrations", "test", none["id"])
        assert (ran.returncode, cells(ran.stdout.splitlines())[0][:2]) == (CODES["refused"], ["list", "no"])
    for one in (made, none):
        assert cli("integrations", "delete", one["id"]).returncode == 0


def test_an_integration_of_a_role_shows_its_policies_and_its_test_fails_until_it_is_there(cli: CommandLine) -> None:
    add = ["integrations", "add", "s3_role", "--name", "theirs", "--bucket", "clips"]
    assert cli(*add).returncode == CODES["usage"]
    ran = cli(*add, "--role-arn", "arn:aws:iam::123456789012:role/clipferry-reader")
    assert ran.returncode == 0, ran.stderr
    made = dict(cells(line for line in ran.stdout.splitlines() if "\t" in line))
    assert "trust policy:" in ran.stdout
    assert '"sts:AssumeRole"' in ran.stdout
    assert made["external id"] in ran.stdout.partition("trust policy:")[2]
    assert cli("integrations", "delete", made["integration"]).returncode == 0


def test_the_admin_manages_keys(cli: CommandLine, stack: Stack) -> None:
    project = unique("team")
    [made] = cli.json("keys", "create", project, "--name", "ci", key=stack.admin_key)
    assert [made["id"], project] in [
        row[:2] for row in cells(cli("keys", "list", key=stack.admin_key).stdout.splitlines())
    ]
    shown = dict(cells(cli("keys", "current", key=made["key"]).stdout.splitlines()))
    assert (shown["key"], shown["project"]) == (made["id"], project)
    assert cli("keys", "revoke", made["id"], key=stack.admin_key).returncode == 0
    ran = cli("keys", "current", key=made["key"])
    assert (ran.returncode, "clipferry login" in ran.stderr) == (CODES["no access"], True)
    ran = cli("keys", "list")
    assert (ran.returncode, "FORBIDDEN" in ran.stderr) == (CODES["no access"], True)


def test_the_audit_lists_changes(cli: CommandLine, clips: Callable[..., str]) -> None:
    job = cli("import", "--prefix", clips("a.zip"), "--watch").stdout.split()[1]
    assert "import.start" in [row[1] for row in cells(cli("audit", job).stdout.splitlines())]
    assert cli.json("audit", "--limit", 1)[0]["action"]


def test_login_saves_a_profile_that_works_and_a_wrong_key_is_not_saved(cli: CommandLine, own: Stack) -> None:
    login = ["login", "--base-url", own.base_url]
    assert cli("jobs", logged_in=False).returncode == CODES["no access"]
    ran = cli(*login, stdin="cf_000000000000_wrong\n", logged_in=False)
    assert (ran.returncode, cli.profiles.exists()) == (CODES["no access"], False)
    ran = cli(*login, stdin=f"{own.api_key}\n", logged_in=False)
    assert ran.returncode == 0, ran.stderr
    assert own.api_key not in ran.stdout + ran.stderr
    assert cli.profiles.stat().st_mode & 0o777 == 0o600
    assert cli("login", "--base-url", own.base_url, "--profile", "admin", stdin=own.admin_key, logged_in=False)
    assert cli("jobs", logged_in=False).returncode == 0
    assert cli("keys", "list", "--profile", "admin", logged_in=False).returncode == 0
    ran = cli("profile", "list", logged_in=False)
    assert [row[::2] for row in cells(ran.stdout.splitlines())] == [["admin", ""], ["default", own.project]]
    assert own.api_key not in ran.stdout
    assert cli("profile", "use", "admin", logged_in=False).returncode == 0
    assert cli("jobs", logged_in=False).returncode == CODES["no access"]
    assert cli("profile", "remove", "admin", logged_in=False).returncode == 0
    assert cli("profile", "use", "admin", logged_in=False).returncode == CODES["no access"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say what to import"),
        (["s3://a/b", "--prefix", "s3://a/"], "say what to import"),
        (["s3://a/folder/"], "--prefix s3://a/folder/"),
        (["--prefix", "s3://a/", "--settings-id", "es_1", "--no-tags"], "--settings-id takes the place"),
        (["--prefix", "s3://a/", "--min-size", "many"], "10MB"),
        (["--prefix", "s3://a/", "--tolerate", "x%"], "percentage"),
        (["--sets", "-"], "not valid JSON"),
    ],
)
def test_wrong_options_are_refused_before_a_request(cli: CommandLine, arguments: list[str], said: str) -> None:
    ran = cli("import", *arguments)
    assert (ran.returncode, said in ran.stderr) == (CODES["usage"], True), ran.stderr


def test_a_service_that_does_not_answer(cli: CommandLine) -> None:
    ran = cli("jobs", CLIPFERRY_BASE_URL="http://127.0.0.1:9")
    assert ran.returncode == CODES["unavailable"]
    assert "no answer from http://127.0.0.1:9" in ran.stderr


def test_a_list_that_is_too_long_advises_a_manifest(cli: CommandLine, stack: Stack) -> None:
    uris = "".join(f"s3://{stack.source_bucket}/{'x' * 500}\n" for _ in range(11_000))
    ran = cli("import", "--from", "-", stdin=uris)
    assert (ran.returncode, "BODY_TOO_LARGE" in ran.stderr, "--manifest" in ran.stderr) == (1, True, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_completion_script(cli: CommandLine, shell: str) -> None:
    ran = cli("completion", shell, logged_in=False)
    assert (ran.returncode, "_CLIPFERRY_COMPLETE" in ran.stdout) == (0, True)


def test_verbs_are_completed(cli: CommandLine) -> None:
    env = {"_CLIPFERRY_COMPLETE": "bash_complete", "COMP_WORDS": "clipferry pre", "COMP_CWORD": "1"}
    assert cli(logged_in=False, **env).stdout == "plain,preview\nplain,presets\n"


def test_ids_are_completed(cli: CommandLine, clips: Callable[..., str]) -> None:
    [job] = cli.json("import", "--prefix", clips("a.zip"))
    env = {"_CLIPFERRY_COMPLETE": "bash_complete", "COMP_WORDS": f"clipferry status {job['id']}", "COMP_CWORD": "2"}
    # A completion gives up after a few seconds.
    eventually(lambda: cli(**env).stdout == f"plain,{job['id']}\n", what="the id")
