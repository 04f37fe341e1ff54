"""Imports by roles: inside S3 where the role may write clips, else through the copy function.

The emulator assumes any role, and separates accounts by their buckets' policies.
"""

from typing import TYPE_CHECKING, Any

import boto3
import pytest

from local import aws
from local.config import COPY_ROLE, FOREIGN_COPY_ROLE, REGION
from local.stack import Stack
from service.domain.ids import SOURCE_MARK
from tests.e2e.support import all_clips, imported, landed, unique

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


OTHER_ACCOUNT = FOREIGN_COPY_ROLE.split(":")[4]
STREAMING_ROLE = f"arn:aws:iam::{OTHER_ACCOUNT}:role/clipferry-read"
CLIPS = {"a/1.zip": b"one", "a/2.zip": b"two" * 1000}


@pytest.fixture(scope="module")
def other(stack: Stack) -> "S3Client":
    """S3 as the other account's owner sees it: the emulator takes a key of twelve digits for its account."""
    return boto3.client(
        "s3",
        endpoint_url=stack.aws_endpoint_url,
        aws_access_key_id=OTHER_ACCOUNT,
        aws_secret_access_key="test",
        region_name=REGION,
        config=aws.CONFIG,
    )


def filled(owner: "S3Client") -> str:
    bucket = unique("fleet")
    owner.create_bucket(Bucket=bucket)
    for key, body in CLIPS.items():
        owner.put_object(Bucket=bucket, Key=key, Body=body, Metadata={"camera": "front"}, Tagging="team=night")
    return bucket


def saved(team: "Api", bucket: str, role_arn: str) -> dict[str, Any]:
    made: dict[str, Any]
    status, made = team.post(
        "/v1/integrations", {"type": "s3_role", "name": "n", "bucket": bucket, "role_arn": role_arn}
    )
    assert status == 201, made
    return made


def copies(s3: "S3Client", team: "Api", job: dict[str, Any]) -> list[dict[str, str]]:
    """User metadata and tags of the copies, whose bytes are their sources'."""
    found = []
    for clip in all_clips(team, job["id"]):
        assert clip["status"] == "COPIED", clip
        assert landed(s3, clip) == CLIPS[clip["source_uri"].split("/", 3)[3]]
        bucket, _, key = clip["destination"].removeprefix("s3://").partition("/")
        tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        assert tags == [{"Key": "team", "Value": "night"}]
        found.append(s3.head_object(Bucket=bucket, Key=key)["Metadata"])
    assert len(found) == len(CLIPS)
    return found


def test_a_role_that_may_write_clips_copies_inside_s3(s3: "S3Client", team: "Api", stack: Stack) -> None:
    bucket = filled(s3)
    made = saved(team, bucket, COPY_ROLE)
    writing = made["permission_policy"]["Statement"][-1]
    assert writing["Resource"].startswith(f"arn:aws:s3:::{stack.clips_bucket}/team-")
    job = imported(team, root_path=f"s3://{bucket}/a/")
    assert job["status"] == "COMPLETED", job
    assert copies(s3, team, job) == [{"camera": "front"}] * len(CLIPS)
    again = imported(team, root_path=f"s3://{bucket}/a/")
    assert again["counts"]["skipped"] == len(CLIPS)


def test_a_role_that_may_not_streams(s3: "S3Client", other: "S3Client", team: "Api") -> None:
    bucket = filled(other)
    made = saved(team, bucket, STREAMING_ROLE)
    assert not [one for one in made["permission_policy"]["Statement"] if "s3:PutObject" in one["Action"]]
    job = imported(team, root_path=f"s3://{bucket}/a/")
    assert job["status"] == "COMPLETED", job
    for metadata in copies(s3, team, job):
        assert metadata["camera"] == "front"
        assert SOURCE_MARK in metadata


def test_a_role_whose_writes_are_denied_fails_its_clips_with_what_is_missing(other: "S3Client", team: "Api") -> None:
    bucket = filled(other)
    saved(team, bucket, FOREIGN_COPY_ROLE)
    job = imported(team, root_path=f"s3://{bucket}/a/")
    assert (job["status"], job["counts"]["failed"]) == ("FAILED", len(CLIPS))
    for clip in all_clips(team, job["id"]):
        assert clip["code"] == "CANNOT_ACCESS"
        assert "CopyObject needs" in clip["message"]
        assert "s3:PutObject at the destination" in clip["message"]


def test_a_role_without_the_bucket_imports_nothing(s3: "S3Client", team: "Api") -> None:
    bucket = filled(s3)
    saved(team, bucket, FOREIGN_COPY_ROLE)
    status, answer = team.post("/v1/imports", {"root_path": f"s3://{bucket}/a/"})
    assert (status, answer["code"]) == (403, "CANNOT_ACCESS")
