"""The state bucket."""

from typing import TYPE_CHECKING

import pytest
from botocore.stub import Stubber

from service.aws.s3.state_files import S3StateFiles
from service.domain.errors import NotFound, SourceChanged, StateFilesKept
from tests.builders import STATE_BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_a_file_comes_back_with_the_etag_it_was_stored_under(state: S3StateFiles) -> None:
    etag = state.put("jobs/1/a.jsonl", b"0123456789")
    assert state.get("jobs/1/a.jsonl") == b"0123456789"
    assert state.get_range("jobs/1/a.jsonl", start=2, length=3, etag=etag) == b"234"
    assert state.get_range("jobs/1/a.jsonl", start=0, length=10, etag=etag) == b"0123456789"


def test_an_empty_file_is_a_file(state: S3StateFiles) -> None:
    state.put("empty", b"")
    assert state.get("empty") == b""


def test_a_file_that_was_written_again_has_no_ranges_of_the_old_one(state: S3StateFiles) -> None:
    etag = state.put("a", b"first")
    state.put("a", b"second")
    with pytest.raises(SourceChanged, match="read s3://state/a: it was written again"):
        state.get_range("a", start=0, length=5, etag=etag)


def test_the_same_bytes_have_the_same_etag(state: S3StateFiles) -> None:
    assert state.put("a", b"x") == state.put("a", b"x")


def test_a_missing_file_is_not_found(state: S3StateFiles) -> None:
    with pytest.raises(NotFound, match="the state bucket has no nope"):
        state.get("nope")
    with pytest.raises(NotFound, match="the state bucket has no nope"):
        state.get_range("nope", start=0, length=1, etag="e")


def test_a_range_is_read_by_one_pinned_request(state: S3StateFiles, s3: "S3Client") -> None:
    expected = {"Bucket": STATE_BUCKET, "Key": "a", "Range": "bytes=100-149", "IfMatch": '"e"'}
    with Stubber(s3) as stub:
        stub.add_client_error("get_object", "PreconditionFailed", http_status_code=412, expected_params=expected)
        with pytest.raises(SourceChanged):
            state.get_range("a", start=100, length=50, etag="e")


def test_files_below_a_prefix_are_deleted_a_thousand_at_a_time(state: S3StateFiles) -> None:
    for number in range(1_003):
        state.put(f"jobs/ij_1/manifest/{number}", b"x")
    state.put("jobs/ij_10/kept", b"x")
    assert state.delete_some("jobs/ij_1/")
    assert state.delete_some("jobs/ij_1/")
    assert not state.delete_some("jobs/ij_1/")
    assert state.get("jobs/ij_10/kept") == b"x"


def test_files_that_stay_are_told(state: S3StateFiles) -> None:
    state.put("jobs/ij_1/x", b"x")
    refused = {"Errors": [{"Key": "jobs/ij_1/x", "Code": "AccessDenied", "Message": "no"}]}
    with Stubber(state.client) as stub:
        stub.add_response("list_objects_v2", {"Contents": [{"Key": "jobs/ij_1/x"}]})
        stub.add_response("delete_objects", refused)
        with pytest.raises(StateFilesKept, match="AccessDenied"):
            state.delete_some("jobs/ij_1/")
