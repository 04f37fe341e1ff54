"""Imports that delete their sources, on the local stack."""

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local.config import FORETIFY_BUCKET
from local.stack import Stack
from tests.e2e.conftest import Api
from tests.e2e.support import all_clips, all_rows, imported, landed, put_all, report, unique, versioned_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOVE = {"delete_source": "after_verified"}


def moved(api: Api, **request: object) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Import, and wait for the report, which comes after the sources are deleted."""
    job = imported(api, settings=MOVE, **request)
    report(api, job, "summary")
    return job, all_clips(api, job["id"])


def is_there(s3: "S3Client", bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError:
        return False
    return True


def test_the_sources_of_copied_clips_go_and_the_others_stay(api: Api, s3: "S3Client", stack: Stack) -> None:
    bucket, name = stack.source_bucket, unique("moves")
    bodies = {f"{name}/{n}.zip": f"clip {n}".encode() for n in range(3)}
    put_all(s3, bucket, bodies.items())
    first = f"{name}/0.zip"
    imported(api, exact_paths=[f"s3://{bucket}/{first}"])
    job, clips = moved(api, root_path=f"s3://{bucket}/{name}/")
    assert (job["counts"]["copied"], job["counts"]["skipped"]) == (2, 1)
    fates = [(clip["status"], clip["source_deleted"], clip["source_kept_code"]) for clip in clips]
    assert fates == [("SKIPPED", False, "NOT_COPIED")] + [("COPIED", True, None)] * 2
    assert [key for key in bodies if is_there(s3, bucket, key)] == [first]
    assert [landed(s3, clip) for clip in clips] == list(bodies.values())
    assert b"source_deleted" in report(api, job, "csv").splitlines()[0]
    started = all_rows(api, f"/v1/imports/{job['id']}/audit", "entries")
    assert [(one["action"], one["details"]) for one in started] == [("import.start", MOVE)]


def test_of_a_bucket_with_versions_the_copied_one_goes_and_no_older_one_shows(api: Api, s3: "S3Client") -> None:
    key = f"{unique('versions')}/clip.zip"
    with versioned_bucket(s3, FORETIFY_BUCKET) as bucket:
        older, copied = (s3.put_object(Bucket=bucket, Key=key, Body=body) for body in (b"older", b"newer"))
        _, [clip] = moved(api, exact_paths=[f"s3://{bucket}/{key}"])
        assert (clip["source_deleted"], landed(s3, clip)) == (True, b"newer")
        assert not is_there(s3, bucket, key)
        listed = s3.list_object_versions(Bucket=bucket, Prefix=key)
        assert [one["VersionId"] for one in listed["Versions"]] == [older["VersionId"]]
        assert copied["VersionId"] != older["VersionId"]


def test_an_integration_must_allow_it(api: Api, s3: "S3Client", stack: Stack) -> None:
    bucket = unique("store")
    s3.create_bucket(Bucket=bucket)
    put_all(s3, bucket, [("a/clip.zip", b"clip")])
    keys = {"access_key_id": "test", "secret_access_key": "test", "endpoint_url": stack.aws_endpoint_url}
    _, made = api.post("/v1/integrations", {"name": "store", "type": "s3", "bucket": bucket, **keys})
    assert made["allow_delete"] is False
    request = {"root_path": f"s3://{bucket}/", "settings": MOVE}
    watch = {"name": "moves", "schedule": {"every": "1d"}, **request}
    for path, body in (("/v1/imports", request), ("/v1/previews", request), ("/v1/watches", watch)):
        status, refusal = api.post(path, body)
        assert (status, refusal["code"]) == (422, "DELETE_SOURCE_REFUSED"), refusal
    status, changed = api("PATCH", f"/v1/integrations/{made['id']}", {"allow_delete": True})
    assert (status, changed["allow_delete"]) == (200, True)
    _, [clip] = moved(api, root_path=f"s3://{bucket}/")
    assert (clip["source_deleted"], landed(s3, clip)) == (True, b"clip")
    assert not is_there(s3, bucket, "a/clip.zip")


@pytest.mark.parametrize("uri", ["hf://datasets/maker/clips/a.zip", "s3://{drop}/inbox/a.zip"])
def test_other_sources_are_refused(api: Api, stack: Stack, uri: str) -> None:
    uris = [uri.format(drop=stack.drop_bucket)]
    status, refusal = api.post("/v1/imports", {"exact_paths": uris, "settings": MOVE})
    assert (status, refusal["code"]) == (422, "DELETE_SOURCE_REFUSED"), refusal
