"""A deployment as it comes: broken clips are refused, and the last word is the user's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from local import aws
from local.config import ROOT, StateDir
from local.down import bring_down
from local.stack import Stack
from local.up import bring_up, end_on_sigterm
from tests.e2e.conftest import Api
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
