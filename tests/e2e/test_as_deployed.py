"""A deployment as it comes: it refuses broken clips unless a user overrules that, and the pages' commands run."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from local import aws
from local.config import FORETIFY_BUCKET, ROOT, StateDir
from local.down import bring_down
from local.stack import Stack
from local.up import bring_up, end_on_sigterm
from tests.documented import NEEDS, PAGES, blocks, name_of
from tests.e2e.conftest import Api, with_new_project
from tests.e2e.documentedpages import PREFIX, reader_files, run, with_own_names
from tests.e2e.orchestrators import Operator, provide_module, run_deferred, stand_in
from tests.e2e.sdks import environment_of, python_of
from tests.e2e.support import all_clips, imported, landed, put_all, settled, unique
from tests.paths import DATA

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@contextmanager
def _silently(_title: str) -> Iterator[None]:
    yield


@pytest.fixture(scope="module")
def plain() -> Iterator[Stack]:
    """A stack of this file's own, with the settings that `make local` has."""
    state = StateDir(ROOT / ".local" / f"default{os.environ.get('PYTEST_XDIST_WORKER', '')}")
    end_on_sigterm()
    try:
        yield bring_up(state, _silently)
    finally:
        bring_down(state)


def test_broken_clips_are_refused_unless_a_retry_overrules_their_check(plain: Stack) -> None:
    api, s3 = Api(plain.base_url, plain.api_key), aws.s3(plain.aws_endpoint_url)
    film = (DATA / "video" / "set01" / "front.mp4").read_bytes()
    prefix = f"{unique('default')}/"
    objects = {"cut.mp4": film[: len(film) // 2], "film.mp4": film, "page.zip": b"<html>"}
    put_all(s3, plain.source_bucket, [(prefix + name, body) for name, body in objects.items()])
    job = imported(api, root_path=f"s3://{plain.source_bucket}/{prefix}")
    assert job["settings"]["content_validation"] == "structure"
    clips = all_clips(api, job["id"])
    assert [(clip["status"], clip["content"]) for clip in clips] == [
        ("FAILED", "invalid"),
        ("COPIED", "valid"),
        ("FAILED", "invalid"),
    ]
    assert [clip["code"] for clip in clips] == ["MP4_TRUNCATED", None, "NOT_A_ZIP"]

    status, _ = api.post(f"/v1/imports/{job['id']}/retry", {"content_validation": "none"})
    assert status == 202
    assert settled(api, job["id"])["status"] == "COMPLETED"
    overruled = all_clips(api, job["id"])
    assert [clip["content"] for clip in overruled] == ["invalid", "valid", "invalid"]
    assert [clip["overruled"] and clip["overruled"]["code"] for clip in overruled] == [
        "MP4_TRUNCATED",
        None,
        "NOT_A_ZIP",
    ]
    assert landed(s3, overruled[2]) == b"<html>"
    _, trail = api.get(f"/v1/imports/{job['id']}/audit")
    assert trail["entries"][0]["details"]["content_validation"] == "none"


def test_the_nomadicml_door_checks_too(plain: Stack) -> None:
    s3: S3Client = aws.s3(plain.aws_endpoint_url)
    api, key = Api(plain.base_url, plain.api_key), f"{unique('door')}/page.mp4"
    s3.put_object(Bucket=plain.source_bucket, Key=key, Body=b"<html>")
    status, accepted = api.post("/api/s3/upload", {"bucket": plain.source_bucket, "keys": [key]})
    assert status < 300, accepted
    settled(api, accepted["import_job_id"])
    _, page = api.get(f"/api/import-jobs/{accepted['import_job_id']}/videos")
    assert [(row["status"], row["code"]) for row in page["videos"]] == [("UPLOADING_FAILED", "NOT_AN_MP4")]
    assert page["videos"][0]["message"]


def runs_locally(page: Path) -> bool:
    return any(not title.startswith(NEEDS) for _, title, _ in blocks(page, "sh"))


@pytest.fixture(scope="module")
def failed_import(plain: Stack) -> str:
    """The id of an import with a failed clip. It also puts the clips there that the pages name."""
    api, s3 = Api(plain.base_url, plain.api_key), aws.s3(plain.aws_endpoint_url)
    clip = next((ROOT / "samples" / "clipgt").glob("*.zip")).read_bytes()
    film = (DATA / "video" / "set01" / "front.mp4").read_bytes()
    s3.create_bucket(Bucket=FORETIFY_BUCKET)
    put_all(s3, FORETIFY_BUCKET, [("clips/clip1.zip", clip), ("clips/clip2.zip", clip)])
    root = f"s3://{plain.source_bucket}/{PREFIX}"
    objects = {
        "2026/a.zip": clip,
        "2026/front.mp4": film,
        "2026/left.mp4": film,
        "a.mp4": film,
        "b.mp4": film,
        "broken/cut.zip": clip[:1000],
    }
    objects["lists/week-48.jsonl"] = f'{{"uri": "{root}2026/a.zip"}}\n'.encode()
    put_all(s3, plain.source_bucket, [(PREFIX + name, body) for name, body in objects.items()])
    notify = {"webhook_url": "https://hooks.example.com/clipferry"}
    job = imported(api, root_path=f"{root}broken/", settings={"notify": notify})
    assert job["counts"]["failed"] == 1
    found: str = job["id"]
    return found


@pytest.mark.parametrize("page", [page for page in PAGES if runs_locally(page)], ids=name_of)
def test_the_commands_of_a_page_run(page: Path, plain: Stack, failed_import: str, tmp_path: Path) -> None:
    reader_files(tmp_path, plain)
    ran = run(page, plain, tmp_path, failed_import)
    assert ran.returncode == 0, ran.stdout[-3_000:] + ran.stderr[-3_000:]


def test_the_orchestrators_tasks_import(plain: Stack, failed_import: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow, Dagster and Prefect call the tasks; here stand-ins of their classes and decorators do."""
    assert failed_import
    # Without the imports of the pages' watches and dropped files.
    own = with_new_project(plain, Api(plain.base_url, plain.admin_key))
    monkeypatch.setenv("CLIPFERRY_BASE_URL", own.base_url)
    monkeypatch.setenv("CLIPFERRY_API_KEY", own.api_key)
    stand_in(monkeypatch)
    page = ROOT / "docs" / "how-to" / "orchestrators.md"
    airflow, operator, deferred, dagster, prefect = (with_own_names(code, own) for _, _, code in blocks(page, "python"))
    exec(compile(airflow, "airflow", "exec"), {})
    provide_module(monkeypatch, "clipferry_operator", operator)
    exec(compile(deferred, "deferred", "exec"), {})
    (task,) = Operator.made
    assert run_deferred(task).startswith("ij_")
    made: dict[str, Any] = {}
    exec(compile(dagster, "dagster", "exec"), made)
    found = made["imported_clips"](SimpleNamespace(run=SimpleNamespace(run_id="run-1")))
    assert found.metadata["import"].startswith("ij_")
    exec(compile(prefect, "prefect", "exec"), made)
    asyncio.run(made["imports"]())
    _, after = Api(own.base_url, own.api_key).get("/v1/imports")
    assert [job["status"] for job in after["imports"]] == ["COMPLETED"] * 4


def test_the_documented_lines_of_the_nomadicml_sdk_upload(plain: Stack, failed_import: str) -> None:
    assert failed_import
    [(_, _, code)] = blocks(ROOT / "docs" / "nomadicml.md", "python")
    code = (
        with_own_names(code, plain)
        .replace("cf_...", plain.api_key)
        .replace("https://....amazonaws.com/prod", plain.base_url)
    )
    program = code + "\nprint(job)\n"
    ran = subprocess.run(
        [python_of("nomadicml"), "-c", program],
        env=environment_of({}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "import_job_id" in ran.stdout
