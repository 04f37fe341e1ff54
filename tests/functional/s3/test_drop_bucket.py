"""The newest upload to a key: the request by Stubber, versions and delete markers by moto."""

from typing import TYPE_CHECKING

import pytest
from botocore.stub import Stubber

from service.aws.s3.drop_bucket import VERSIONS_A_REQUEST, S3DropBucket
from service.domain.errors import AccessDenied
from service.domain.objects import ListedObject
from service.domain.uris import s3_at
from tests.builders import DROP_BUCKET, SOURCE_BUCKET
from tests.functional.botorequests import boto_session

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "inbox/demo/a b+%20/日本.zip"
AT = s3_at(DROP_BUCKET, KEY)


@pytest.fixture
def drop(s3: "S3Client") -> S3DropBucket:
    return S3DropBucket(boto_session(s3), DROP_BUCKET)


@pytest.fixture
def versioned(s3: "S3Client") -> None:
    s3.create_bucket(Bucket=DROP_BUCKET)
    s3.put_bucket_versioning(Bucket=DROP_BUCKET, VersioningConfiguration={"Status": "Enabled"})


def put(s3: "S3Client", key: str, body: bytes) -> ListedObject:
    answer = s3.put_object(Bucket=DROP_BUCKET, Key=key, Body=body)
    etag, version = answer["ETag"].strip('"'), answer.get("VersionId")
    return ListedObject(key=key, size=len(body), etag=etag, version=version)


@pytest.mark.usefixtures("versioned")
def test_the_last_version_is_the_newest_also_behind_a_delete_marker(s3: "S3Client", drop: S3DropBucket) -> None:
    put(s3, f"{KEY}.longer", b"another key")
    assert drop.newest(AT) is None
    put(s3, KEY, b"one")
    last = put(s3, KEY, b"second")
    assert drop.newest(AT) == last
    s3.delete_object(Bucket=DROP_BUCKET, Key=KEY)
    assert drop.newest(AT) == last


def test_a_bucket_without_versions_has_the_object_itself(s3: "S3Client", drop: S3DropBucket) -> None:
    s3.create_bucket(Bucket=DROP_BUCKET)
    assert drop.newest(AT) is None
    assert put(s3, KEY, b"one") == drop.newest(AT)


def test_it_is_one_request_and_none_for_other_buckets(s3: "S3Client", drop: S3DropBucket) -> None:
    version = {"Key": KEY, "ETag": '"abc"', "VersionId": "v2", "Size": 5}
    asked = {"Bucket": DROP_BUCKET, "Prefix": KEY, "MaxKeys": VERSIONS_A_REQUEST}
    with Stubber(s3) as stub:
        stub.add_response("list_object_versions", {"IsTruncated": True, "Versions": [version]}, asked)
        assert drop.newest(AT) == ListedObject(key=KEY, size=5, etag="abc", version="v2")
        assert drop.newest(s3_at(SOURCE_BUCKET, KEY)) is None


def test_a_refusal_names_the_operation_and_the_object(s3: "S3Client", drop: S3DropBucket) -> None:
    with Stubber(s3) as stub:
        stub.add_client_error("list_object_versions", "AccessDenied", "because", 403)
        with pytest.raises(AccessDenied, match="list the versions of s3://drop/inbox/demo"):
            drop.newest(AT)
