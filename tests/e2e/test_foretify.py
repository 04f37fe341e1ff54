"""The scripts of Foretify's manual, unchanged, on the deployed stack."""

from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, Any

import pytest

from local.config import FORETIFY_BUCKET, ROOT
from local.stack import Stack
from tests.e2e.support import put_all, unique
from tests.e2e.terminal import CommandLine

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api

SCRIPTS = ROOT / "tests" / "data" / "foretify"
CLIPS = ("clips/clip1.zip", "clips/clip2.zip")
SAMPLE = ROOT / "samples" / "clipgt"


@pytest.fixture
def ftx(stack: Stack, tmp_path: Path) -> Callable[..., "CompletedProcess[str]"]:
    """Run a script against the stack, with the URL as an option and the key in the environment."""
    cli = CommandLine(stack, tmp_path)

    def run(script: str, *arguments: Any, project: str = stack.project, **environment: Any) -> "CompletedProcess[str]":
        where = ["--host", stack.base_url, "--user", "me@example.com", "--project_id", project]
        environment.setdefault("CLIPFERRY_BASE_URL", "")
        return cli("ftx", SCRIPTS / script, *where, *arguments, **environment)

    return run


@pytest.fixture
def bucket(s3: "S3Client") -> Iterator[str]:
    """The scripts' bucket. It is empty at first and deleted afterwards."""
    s3.create_bucket(Bucket=FORETIFY_BUCKET)
    yield FORETIFY_BUCKET
    for one in s3.list_objects_v2(Bucket=FORETIFY_BUCKET).get("Contents", []):
        s3.delete_object(Bucket=FORETIFY_BUCKET, Key=one["Key"])
    s3.delete_bucket(Bucket=FORETIFY_BUCKET)


@pytest.fixture
def two_clips(s3: "S3Client", bucket: str) -> None:
    files = sorted(SAMPLE.glob("*.zip"))
    put_all(s3, bucket, [(key, file.read_bytes()) for key, file in zip(CLIPS, files, strict=False)])


@pytest.mark.usefixtures("two_clips")
def test_a_complete_list_is_completed(ftx: Callable[..., "CompletedProcess[str]"], api: "Api") -> None:
    ran = ftx("uri_list.py")
    assert ran.returncode == 0, ran.stderr
    first, *_, before, last = ran.stdout.splitlines()
    execution = first.removeprefix("Flow execution id: ")
    assert before == f"Execution {execution} status: COMPLETED"
    assert last == "Flow execution completed successfully"
    assert api.get(f"/v1/imports/{execution}")[1]["counts"]["total"] == 2


def test_a_list_with_a_missing_clip_is_failed(
    ftx: Callable[..., "CompletedProcess[str]"], s3: "S3Client", bucket: str
) -> None:
    put_all(s3, bucket, [(CLIPS[0], unique("clip").encode())])
    ran = ftx("uri_list.py")
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (4, "Flow execution failed"), ran.stderr


@pytest.mark.usefixtures("two_clips")
def test_a_prefix_is_started_and_the_script_ends(ftx: Callable[..., "CompletedProcess[str]"]) -> None:
    ran = ftx("prefix.py")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_a_prefix_that_cannot_be_read(ftx: Callable[..., "CompletedProcess[str]"]) -> None:
    ran = ftx("prefix.py")
    text = "Pre-flight validation failed for root_path 's3://my-bucket/clips/': CANNOT_ACCESS"
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (1, f"ValueError: {text}")
    ran = ftx("validation_error.py")
    assert (ran.returncode, ran.stdout) == (0, f"{text}\n"), ran.stderr


@pytest.mark.usefixtures("two_clips")
def test_another_project_is_refused(ftx: Callable[..., "CompletedProcess[str]"]) -> None:
    ran = ftx("prefix.py", project="other")
    assert ran.returncode == 1
    assert "FmanagerServerException: the key is of the project" in ran.stderr


@pytest.mark.usefixtures("two_clips")
def test_without_options_the_profile_is_used(stack: Stack, tmp_path: Path) -> None:
    cli = CommandLine(stack, tmp_path)
    script = SCRIPTS / "prefix.py"
    ran = cli("ftx", script, logged_in=False)
    assert (ran.returncode, "clipferry login" in ran.stderr) == (1, True)
    assert cli("login", "--base-url", stack.base_url, stdin=stack.api_key, logged_in=False).returncode == 0
    assert cli("ftx", script, logged_in=False).returncode == 0
    host = ["--host", stack.base_url, "--project_id", stack.project]
    assert cli("ftx", script, *host, logged_in=False).returncode == 0


@pytest.mark.usefixtures("two_clips")
def test_labels_run_names_and_group_are_on_every_clip_and_find_it(stack: Stack, tmp_path: Path) -> None:
    cli = CommandLine(stack, tmp_path)
    group = unique("group")
    (tmp_path / "script.py").write_text(f"""
import time
from ftx.shell import flow_executions
made = flow_executions.launch_batch_import_clipgt_from_cloud_storage(
    project_id={stack.project!r}, root_path="s3://{FORETIFY_BUCKET}/clips/", labels=["night"], run_name_prefix="r-",
    test_run_group_name={group!r},
    environment_settings={{"content_validation": "structure", "on_existing": "overwrite"}},
)
while flow_executions.get_by_id(made["id"])["status"] not in ("COMPLETED", "FAILED"):
    time.sleep(0.2)
print(flow_executions.get_by_id(made["id"])["status"])
""")
    ran = cli("ftx", "script.py")
    assert ran.stdout == "COMPLETED\n", ran.stderr
    found = cli.json("find", "--group", group, "--label", "night")
    assert {clip["original_clipgt_url"] for clip in found} == {f"s3://{FORETIFY_BUCKET}/{key}" for key in CLIPS}
    assert {clip["run_name"] for clip in found} == {"r-clip1", "r-clip2"}
    assert {clip["clip_id"] for clip in found} == {file.stem for file in sorted(SAMPLE.glob("*.zip"))[:2]}
    [one] = cli.json("find", "--clip-id", found[0]["clip_id"], "--group", group)
    assert one["id"] == found[0]["id"]
