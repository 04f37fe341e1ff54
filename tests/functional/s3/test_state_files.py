"""The state bucket: exact requests by Stubber. `tests/contracts` has what every store of files does."""

from typing import TYPE_CHECKING

import pytest
from botocore.stub import Stubber

from service.aws.s3.http.connections import MAX_ANSWER_BYTES
from service.aws.s3.session import own_session
from service.aws.s3.state_files import S3StateFiles
from service.domain.errors import NotFound, SourceChanged, StateFilesKept
from tests.builders import STATE_BUCKET
from tests.functional.wire import answer, cut, failed, serving

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_a_range_is_read_by_one_pinned_request(state: S3StateFiles, s3: "S3Client") -> None:
    expected = {"Bucket": STATE_BUCKET, "Key": "a", "Range": "bytes=100-149", "IfMatch": '"e"'}
    with Stubber(s3) as stub:
        stub.add_client_error("get_object", "PreconditionFailed", http_status_code=412, expected_params=expected)
        with pytest.raises(SourceChanged):
            state.get_range("a", start=100, length=50, etag="e")


def test_files_that_cannot_be_deleted_raise_an_error(state: S3StateFiles) -> None:
    state.put("jobs/ij_1/x", b"x")
    refused = {"Errors": [{"Key": "jobs/ij_1/x", "Code": "AccessDenied", "Message": "no"}]}
    with Stubber(state.client) as stub:
        stub.add_response("list_objects_v2", {"Contents": [{"Key": "jobs/ij_1/x"}]})
        stub.add_response("delete_objects", refused)
        with pytest.raises(StateFilesKept, match="AccessDenied"):
            state.delete_some("jobs/ij_1/")


def test_a_file_whose_answer_is_cut_off_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", wire.url)
        state = S3StateFiles(own_session(connections=1), STATE_BUCKET)
        wire.answers.extend([cut(answer(200, b"positions of the sweep")), answer(200, b"positions of the sweep")])
        assert state.get("sweep.json") == b"positions of the sweep"
        missing = failed(404, "NoSuchKey")
        wire.answers.extend([cut(missing), missing])
        with pytest.raises(NotFound):
            state.get("sweep.json")
        assert len(wire.requests) == 4


def test_a_file_may_be_longer_than_other_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of 100,000 batches has some 26 MB, the draft of a report as many."""
    body = bytes(MAX_ANSWER_BYTES + 1024**2)
    with serving() as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", wire.url)
        state = S3StateFiles(own_session(connections=1), STATE_BUCKET)
        wire.answers.extend([answer(200, body), answer(206, body)])
        assert state.get("batches.jsonl") == body
        assert state.get_range("part.jsonl", start=0, length=len(body), etag="e") == body
        assert len(wire.requests) == 2
