"""Removing uploads: the exact requests and answers by Stubber, delete markers by moto."""

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from service.aws.s3.upload_removal import S3UploadRemoval
from service.domain.errors import AccessDenied, SourceUnavailable
from tests.builders import DROP_BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "inbox/demo/a b+%20/日本.zip"
CONTROL = "inbox/demo/\x01\r.zip"


@pytest.fixture
def removal(s3: "S3Client") -> S3UploadRemoval:
    return S3UploadRemoval(s3, DROP_BUCKET)


def request(etags: dict[str, str]) -> dict[str, object]:
    objects = [{"Key": key, "ETag": etag} for key, etag in etags.items()]
    return {"Bucket": DROP_BUCKET, "Delete": {"Objects": objects, "Quiet": True}}


def test_one_request_names_each_object_with_its_etag_and_no_version(s3: "S3Client", removal: S3UploadRemoval) -> None:
    etags = {KEY: "e1", "b.zip": "e2-3"}
    with Stubber(s3) as stub:
        stub.add_response("delete_objects", {}, request(etags))
        removal.remove(etags)
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("code", ["PreconditionFailed", "NoSuchKey", "ConditionalRequestConflict", "404"])
def test_an_object_that_is_gone_or_was_overwritten_is_no_error(
    s3: "S3Client", removal: S3UploadRemoval, code: str
) -> None:
    with Stubber(s3) as stub:
        stub.add_response("delete_objects", {"Errors": [{"Key": KEY, "Code": code, "Message": "no"}]})
        removal.remove({KEY: "e1"})
        stub.add_client_error("delete_object", code, http_status_code=412)
        removal.remove({CONTROL: "e1"})


def test_any_other_refusal_is_an_error(s3: "S3Client", removal: S3UploadRemoval) -> None:
    with Stubber(s3) as stub:
        refused = [{"Key": "a.zip", "Code": "NoSuchKey"}, {"Key": KEY, "Code": "AccessDenied", "Message": "no"}]
        stub.add_response("delete_objects", {"Errors": refused})
        with pytest.raises(AccessDenied, match="日本"):
            removal.remove({"a.zip": "e1", KEY: "e2"})
        stub.add_response("delete_objects", {"Errors": [{"Key": KEY, "Code": "SlowDown", "Message": "no"}]})
        with pytest.raises(SourceUnavailable):
            removal.remove({KEY: "e2"})
        stub.add_client_error("delete_objects", "InternalError", http_status_code=500)
        with pytest.raises(SourceUnavailable):
            removal.remove({KEY: "e2"})


def test_without_an_answer_it_is_an_error(
    s3: "S3Client", removal: S3UploadRemoval, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(**_request: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://s3")

    monkeypatch.setattr(s3, "delete_objects", unreachable)
    with pytest.raises(SourceUnavailable):
        removal.remove({KEY: "e1"})


def test_a_key_that_xml_cannot_hold_has_a_request_of_its_own(s3: "S3Client", removal: S3UploadRemoval) -> None:
    with Stubber(s3) as stub:
        stub.add_response("delete_objects", {}, request({"a.zip": "e1"}))
        stub.add_response("delete_object", {}, {"Bucket": DROP_BUCKET, "Key": CONTROL, "IfMatch": '"e2"'})
        removal.remove({CONTROL: "e2", "a.zip": "e1"})
        stub.assert_no_pending_responses()


def test_no_version_is_lost(s3: "S3Client", removal: S3UploadRemoval) -> None:
    s3.create_bucket(Bucket=DROP_BUCKET)
    s3.put_bucket_versioning(Bucket=DROP_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    put = s3.put_object(Bucket=DROP_BUCKET, Key=KEY, Body=b"one")
    removal.remove({KEY: put["ETag"].strip('"')})
    assert "Contents" not in s3.list_objects_v2(Bucket=DROP_BUCKET)
    assert s3.get_object(Bucket=DROP_BUCKET, Key=KEY, VersionId=put["VersionId"])["Body"].read() == b"one"
