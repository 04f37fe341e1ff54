"""Deletion of single clips in S3."""

from typing import TYPE_CHECKING

import pytest

from service.aws.s3.storage import S3Storage
from tests.builders import CLIPS_BUCKET
from tests.functional.botorequests import boto_session

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def written(s3: "S3Client") -> dict[bytes, str]:
    """ETag by body of three versions of `d/x`, and of `d/x2`."""
    s3.put_bucket_versioning(Bucket=CLIPS_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=CLIPS_BUCKET, Key="d/x2", Body=b"one")
    bodies = (b"one", b"second", b"the third")
    return {body: s3.put_object(Bucket=CLIPS_BUCKET, Key="d/x", Body=body)["ETag"].strip('"') for body in bodies}


def left(s3: "S3Client") -> list[tuple[str, int]]:
    found = s3.list_object_versions(Bucket=CLIPS_BUCKET, Prefix="d/")
    assert not found.get("DeleteMarkers")
    return sorted((one["Key"], one["Size"]) for one in found.get("Versions", []))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"the third", []),
        (b"second", [9]),
        (b"one", [6, 9]),
        (None, [3, 6, 9]),
    ],
)
def test_a_version_goes_with_all_before_it(
    s3: "S3Client", written: dict[bytes, str], body: bytes | None, expected: list[int]
) -> None:
    storage = S3Storage(own=boto_session(s3), clips_bucket=CLIPS_BUCKET)
    for _ in range(2):
        storage.remove_up_to("d/x", etag=written[body] if body else "none")
        assert left(s3) == [*(("d/x", length) for length in expected), ("d/x2", 3)]
