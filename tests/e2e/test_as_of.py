"""Imports of a bucket with versions as it was at a time, on the local stack."""

import io
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from local.config import FORETIFY_BUCKET
from local.stack import Stack
from tests.e2e.conftest import Api
from tests.e2e.support import all_clips, imported, landed, put_all, unique, versioned_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

History = tuple[str, str, dict[str, bytes]]


@pytest.fixture(scope="module")
def history(s3: "S3Client") -> Iterator[History]:
    """A prefix, a time, and what stood there then; since then a clip changed, one was deleted and one came."""
    name = unique("as-of")
    then = {f"{name}/{key}.zip": f"first {key}".encode() for key in ("changed", "deleted", "kept")}
    with versioned_bucket(s3, FORETIFY_BUCKET) as bucket:
        first = {**then, f"{name}-zips/chunk.zip": zipped(c1=b"first c1")}
        put_all(s3, bucket, first.items())
        written = max(s3.head_object(Bucket=bucket, Key=key)["LastModified"] for key in first)
        while datetime.now(UTC) < written + timedelta(seconds=2):  # versions have whole seconds
            time.sleep(0.1)
        put_all(s3, bucket, [(f"{name}/changed.zip", b"second"), (f"{name}/later.zip", b"later")])
        s3.put_object(Bucket=bucket, Key=f"{name}-zips/chunk.zip", Body=zipped(c1=b"second c1", c2=b"second c2"))
        s3.delete_object(Bucket=bucket, Key=f"{name}/deleted.zip")
        yield f"s3://{bucket}/{name}/", (written + timedelta(seconds=1)).isoformat(), then


def zipped(**files: bytes) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"{name}.front.mp4", data)
    return body.getvalue()


def copies(api: Api, s3: "S3Client", job: dict[str, Any]) -> list[bytes]:
    return [landed(s3, clip) for clip in all_clips(api, job["id"], status="COPIED")]


def test_a_prefix_is_imported_as_it_was(api: Api, s3: "S3Client", history: History) -> None:
    prefix, moment, then = history
    _, preview = api.post("/v1/previews", {"root_path": prefix, "as_of": moment})
    assert (preview["count"], preview["complete"]) == (3, True)
    job = imported(api, root_path=prefix, as_of=moment, folder=unique("then"))
    assert (job["status"], job["source"]["as_of"] is not None) == ("COMPLETED", True)
    assert copies(api, s3, job) == list(then.values())
    now = imported(api, root_path=prefix, folder=unique("now"))
    assert copies(api, s3, now) == [b"second", b"first kept", b"later"]


def test_a_list_is_imported_as_it_was(api: Api, s3: "S3Client", history: History) -> None:
    prefix, moment, then = history
    uris = [f"{prefix}{name}.zip" for name in ("changed", "deleted", "later")]
    job = imported(api, exact_paths=uris, as_of=moment, folder=unique("then"))
    assert copies(api, s3, job) == list(then.values())[:2]
    (late,) = all_clips(api, job["id"], status="FAILED")
    assert (late["source_uri"], late["code"]) == (uris[2], "NOT_FOUND")


def test_a_bucket_without_versions_is_refused(api: Api, stack: Stack) -> None:
    request = {"root_path": f"s3://{stack.source_bucket}/samples/", "as_of": "2026-01-01T00:00:00Z"}
    for path in ("/v1/imports", "/v1/previews"):
        status, refusal = api.post(path, request)
        assert (status, refusal["code"]) == (422, "NOT_VERSIONED"), refusal


def test_a_set_is_imported_as_it_was(api: Api, s3: "S3Client", history: History) -> None:
    prefix, moment, then = history
    sets = [{"views": {"front": f"{prefix}changed.zip", "rear": f"{prefix}deleted.zip"}}]
    job = imported(api, sets=sets, as_of=moment, folder=unique("then"))
    assert (job["status"], copies(api, s3, job)) == ("COMPLETED", list(then.values())[:2])


def test_members_of_a_zip_are_imported_as_they_were(api: Api, s3: "S3Client", history: History) -> None:
    prefix, moment, _ = history
    below = f"{prefix.removesuffix('/')}-zips/"
    job = imported(api, root_path=f"{below}chunk.zip!/", as_of=moment, folder=unique("then"))
    assert (job["status"], copies(api, s3, job)) == ("COMPLETED", [b"first c1"])
    job = imported(api, root_path=below, clip_ids=["c1", "c2"], as_of=moment, folder=unique("then"))
    assert copies(api, s3, job) == [b"first c1"]
    (late,) = all_clips(api, job["id"], status="FAILED")
    assert late["code"] == "NO_SUCH_CLIP"
