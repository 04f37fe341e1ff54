"""Two projects on one deployment: neither opens the other's objects in the service's own buckets."""

import json
from typing import TYPE_CHECKING

import pytest

from local.stack import Stack
from tests.e2e.conftest import Api
from tests.e2e.support import all_clips, imported, settled, start, unique

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def rival(api: Api, admin: Api) -> Api:
    _, made = admin.post("/v1/keys", {"project": unique("rival"), "name": "test"})
    return api.with_key(made["key"])


@pytest.fixture
def secrets(stack: Stack, s3: "S3Client") -> list[str]:
    """URIs of another project's objects: one that it dropped, and its copy."""
    name = unique("secret")
    dropped = f"inbox/{stack.project}/{name}/clip.zip"
    s3.put_object(Bucket=stack.drop_bucket, Key=dropped, Body=b"secret")
    s3.put_object(Bucket=stack.clips_bucket, Key=f"{stack.project}/-/{name}.zip", Body=b"secret")
    return [f"s3://{stack.drop_bucket}/{dropped}", f"s3://{stack.clips_bucket}/{stack.project}/-/{name}.zip"]


def test_no_list_manifest_or_set_opens_another_projects_objects(
    rival: Api, stack: Stack, s3: "S3Client", secrets: list[str]
) -> None:
    lines = "".join(json.dumps({"uri": uri}) + "\n" for uri in secrets)
    manifest = f"{unique('list')}.jsonl"
    s3.put_object(Bucket=stack.source_bucket, Key=manifest, Body=lines.encode())
    views = dict(zip(("front", "rear"), secrets, strict=True))
    for request in (
        {"exact_paths": secrets},
        {"manifest_uri": f"s3://{stack.source_bucket}/{manifest}"},
        {"sets": [{"views": views}]},
    ):
        job = imported(rival, **request)
        assert (job["status"], job["counts"]["failed"]) == ("FAILED", len(secrets))
        assert {clip["code"] for clip in all_clips(rival, job["id"])} == {"CANNOT_ACCESS"}


def test_no_prefix_shows_another_projects_objects(rival: Api, stack: Stack, secrets: list[str]) -> None:
    folder = secrets[0].rpartition("/")[0] + "/"
    for root in (folder, f"s3://{stack.drop_bucket}/inbox/", f"s3://{stack.drop_bucket}/"):
        for path in ("/v1/previews", "/v1/imports"):
            status, answer = rival.post(path, {"root_path": root})
            assert (status, answer["code"]) == (403, "CANNOT_ACCESS"), answer
        job = settled(rival, start(rival, root_path=root, validate=False)["id"])
        assert (job["status"], job["code"], job["counts"]["total"]) == ("FAILED", "CANNOT_ACCESS", 0)


def test_no_manifest_and_no_integration_is_a_way_around(
    rival: Api, stack: Stack, s3: "S3Client", secrets: list[str]
) -> None:
    key = f"inbox/{stack.project}/{unique('list')}.jsonl"
    s3.put_object(Bucket=stack.drop_bucket, Key=key, Body=json.dumps({"uri": secrets[0]}).encode())
    status, answer = rival.post("/v1/imports", {"manifest_uri": f"s3://{stack.drop_bucket}/{key}"})
    assert (status, answer["code"]) == (403, "CANNOT_ACCESS")
    credentials = {"access_key_id": "AKIA0000000000000000", "secret_access_key": "x" * 40}
    for bucket in (stack.drop_bucket, stack.clips_bucket, stack.state_bucket):
        status, answer = rival.post(
            "/v1/integrations", {"type": "s3", "name": "theirs", "bucket": bucket, **credentials}
        )
        assert (status, answer["code"]) == (422, "INVALID_REQUEST"), answer


def test_a_project_imports_from_its_own_inbox(api: Api, secrets: list[str]) -> None:
    job = imported(api, root_path=secrets[0].rpartition("/")[0] + "/", settings={"on_existing": "overwrite"})
    assert (job["status"], job["counts"]["total"]) == ("COMPLETED", 1)
