"""Results beside the clips: exact requests by Stubber, their conditions by moto."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from service.aws.s3.result_objects import NOTE, S3Results
from service.domain.errors import AccessDenied, ObjectRejected, SourceUnavailable
from service.ports.objects import StoredResult
from tests.builders import CLIPS_BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "p/-/b/a b+%20/日本.zip.stationary.parquet"
PUT = {
    "Bucket": CLIPS_BUCKET,
    "Key": KEY,
    "Body": b"parquet",
    "ContentType": "application/vnd.apache.parquet",
    "Metadata": {NOTE: "note"},
}


@pytest.fixture
def stub(s3: "S3Client") -> Iterator[Stubber]:
    with Stubber(s3) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def results(s3: "S3Client") -> S3Results:
    return S3Results(s3, CLIPS_BUCKET)


@pytest.mark.parametrize(("replaces", "condition"), [(None, {"IfNoneMatch": "*"}), ("abc", {"IfMatch": '"abc"'})])
def test_storing_is_one_request_under_a_condition(
    results: S3Results, stub: Stubber, replaces: str | None, condition: dict[str, Any]
) -> None:
    stub.add_response("put_object", {}, PUT | condition)
    results.put(KEY, b"parquet", note="note", replaces=replaces)


@pytest.mark.parametrize(
    ("replaces", "status", "code", "error"),
    [
        (None, 412, "PreconditionFailed", SourceUnavailable),
        ("abc", 412, "PreconditionFailed", SourceUnavailable),
        (None, 409, "ConditionalRequestConflict", SourceUnavailable),
        ("abc", 404, "NoSuchKey", SourceUnavailable),
        (None, 503, "SlowDown", SourceUnavailable),
        (None, 403, "AccessDenied", AccessDenied),
        (None, 400, "KeyTooLongError", ObjectRejected),
    ],
)
def test_what_is_said_of_a_refusal(
    results: S3Results, stub: Stubber, replaces: str | None, status: int, code: str, error: type[Exception]
) -> None:
    stub.add_client_error("put_object", code, http_status_code=status)
    with pytest.raises(error):
        results.put(KEY, b"parquet", note="note", replaces=replaces)


def test_an_object_of_somebody_else_has_no_note(results: S3Results, s3: "S3Client") -> None:
    s3.create_bucket(Bucket=CLIPS_BUCKET)
    etag = s3.put_object(Bucket=CLIPS_BUCKET, Key=KEY, Body=b"mine")["ETag"].strip('"')
    assert results.find(KEY) == StoredResult(etag, None)


def test_a_fault_of_looking_is_no_absence(results: S3Results, stub: Stubber) -> None:
    stub.add_client_error("head_object", "403", http_status_code=403)
    with pytest.raises(AccessDenied):
        results.find(KEY)
