"""Report files in the state bucket, and the event bus."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.stub import Stubber

from service.aws.bus import DefaultEventBus
from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.s3.report_files import S3ReportFiles
from service.aws.s3.state_files import S3StateFiles
from service.domain.clips import ClipRow, ClipStatus
from service.domain.errors import EventRefused, UploadLost
from service.domain.jobs import Counts
from service.domain.state_keys import part_key, report_key
from service.imports.completion.report import write_report
from service.imports.manifest.format import encode_entry
from tests.builders import STATE_BUCKET, World, a_job, always, an_entry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIB = 1024**2


@pytest.fixture
def files(s3: "S3Client") -> S3ReportFiles:
    return S3ReportFiles(s3, STATE_BUCKET)


def test_an_upload_that_no_longer_exists_raises_upload_lost(files: S3ReportFiles) -> None:
    with Stubber(files.client) as stub:
        stub.add_client_error("upload_part", "NoSuchUpload", http_status_code=404)
        with pytest.raises(UploadLost):
            files.put_part("a", "upload", 2, b"x")
        stub.add_client_error("complete_multipart_upload", "NoSuchUpload", http_status_code=404)
        with pytest.raises(UploadLost):
            files.complete("a", "upload", ["etag"])


def test_a_link_is_signed_the_new_way_and_names_the_download(files: S3ReportFiles) -> None:
    query = parse_qs(urlsplit(files.url("jobs/1/clips.csv", seconds=600, name="1-clips.csv")).query)
    assert (query["X-Amz-Expires"], query["X-Amz-Algorithm"]) == (["600"], ["AWS4-HMAC-SHA256"])
    assert query["response-content-disposition"] == ['attachment; filename="1-clips.csv"']


@pytest.mark.no_cover
def test_a_large_report_goes_by_parts_over_rounds(
    jobs: DynamoJobs, clips: DynamoClips, state: S3StateFiles, files: S3ReportFiles, s3: "S3Client"
) -> None:
    assert jobs
    world = World()
    world.clips, world.state, world.files = clips, state, files  # type: ignore[assignment]
    total, message = 3_000, "m" * 4_000
    counts = Counts(total=total, copied=total)
    job = a_job(planned=True, completed_at="2026-11-22T17:00:00.000Z", counts=counts)
    for part in range(3):
        entries = [an_entry(n) for n in range(part * 1_000, part * 1_000 + 1_000)]
        state.put(part_key(job.id, part), b"".join(map(encode_entry, entries)))
    for first in range(0, total, 500):
        rows = (ClipRow(ordinal=n, status=ClipStatus.COPIED, message=message) for n in range(first, first + 500))
        clips.put(job.id, rows)
    sizes = None
    for _round in range(4):
        sizes = write_report(job, {}, out_of_time=always, ports=world.conclude_ports, part_bytes=5 * MIB)
        if sizes:
            break
    assert sizes
    body = s3.get_object(Bucket=STATE_BUCKET, Key=report_key(job.id, job.completed_at or "", "jsonl"))["Body"].read()
    assert len(body) == sizes["jsonl"] > 2 * 5 * MIB
    assert [json.loads(line)["id"] for line in body.splitlines()] == [f"ij_1-{n}" for n in range(total)]
    assert s3.list_multipart_uploads(Bucket=STATE_BUCKET).get("Uploads", []) == []


# --- the bus ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bus() -> DefaultEventBus:
    return DefaultEventBus(boto3.client("events", aws_access_key_id="test", aws_secret_access_key="test"))


def test_an_event_is_one_entry_on_the_default_bus(bus: DefaultEventBus) -> None:
    entry = {
        "Source": "clipferry",
        "DetailType": "Clipferry Import Ended",
        "Detail": '{"a":"ü"}',
        "Time": datetime(2026, 11, 22, 17, 44, 5, 123_000, UTC),
    }
    with Stubber(bus.client) as stub:
        stub.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}, {"Entries": [entry]})
        bus.put("Clipferry Import Ended", {"a": "ü"}, time="2026-11-22T17:44:05.123Z")
        stub.assert_no_pending_responses()


def test_an_entry_that_is_not_taken_is_an_error_though_the_call_succeeds(bus: DefaultEventBus) -> None:
    refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow"}]}
    with Stubber(bus.client) as stub:
        stub.add_response("put_events", refused)
        with pytest.raises(EventRefused, match="ThrottlingException: slow"):
            bus.put("t", {}, time="2026-11-22T17:44:05.123Z")
