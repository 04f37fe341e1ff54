"""The emulator's S3 reads as S3 does: ranges and tags of versions."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.servers.emulated import Emulated


@pytest.fixture(scope="module")
def version(emulator: Emulated) -> tuple[Any, dict[str, str]]:
    """A client, and what names a version that is not the newest: `0123456789`."""
    s3, bucket = emulator.client("s3"), f"b-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=bucket, Key="key", Body=b"0123456789")["VersionId"]
    s3.put_object(Bucket=bucket, Key="key", Body=b"new")
    return s3, {"Bucket": bucket, "Key": "key", "VersionId": old}


@pytest.mark.parametrize(
    ("asked", "part", "answered"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
    ],
)
def test_a_range_of_a_version(version: tuple[Any, dict[str, str]], asked: str, part: bytes, answered: str) -> None:
    s3, named = version
    found = s3.get_object(**named, Range=asked)
    assert (found["ResponseMetadata"]["HTTPStatusCode"], found["ContentRange"]) == (206, answered)
    assert found["Body"].read() == part
    assert s3.get_object(**named)["Body"].read() == b"0123456789"


def test_a_range_beyond_the_end_of_a_version(version: tuple[Any, dict[str, str]]) -> None:
    s3, named = version
    with pytest.raises(ClientError) as caught:
        s3.get_object(**named, Range="bytes=10-11")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 416


def test_the_tags_of_a_version_that_a_delete_marker_hides(emulator: Emulated) -> None:
    s3, bucket = emulator.client("s3"), f"b-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=bucket, Key="key", Body=b"0", Tagging="a=b")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="key")
    found = s3.get_object_tagging(Bucket=bucket, Key="key", VersionId=old)
    assert (found["TagSet"], found["VersionId"]) == ([{"Key": "a", "Value": "b"}], old)
    for other in ({}, {"VersionId": "3" * 32}):
        with pytest.raises(ClientError):
            s3.get_object_tagging(Bucket=bucket, Key="key", **other)
