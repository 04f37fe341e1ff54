"""The drop bucket: uploads start imports by themselves, each clip exactly one."""

import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import pytest
from boto3.s3.transfer import TransferConfig

from local.stack import Stack
from tests.e2e.support import all_clips, all_rows, eventually, landed, put_all, settled, unique

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

    from tests.e2e.conftest import Api


def test_an_upload_starts_an_import_that_names_its_trigger(api: "Api", stack: Stack, s3: "S3Client") -> None:
    key = f"{unique('drop')}/clip.zip"
    s3.put_object(Bucket=stack.drop_bucket, Key=key, Body=b"dropped")
    [(job, clip)] = imports_of(api, stack, [key])
    assert (job["trigger"], job["project"], job["status"]) == ("upload", stack.project, "COMPLETED")
    assert landed(s3, clip) == b"dropped"


def test_a_multipart_upload_starts_an_import(api: "Api", stack: Stack, s3: "S3Client") -> None:
    key, body = f"{unique('drop')}/large.mp4", b"0123456789abcdef" * (12 * 1024 * 1024 // 16)
    config = TransferConfig(multipart_threshold=5 * 1024**2, multipart_chunksize=5 * 1024**2)
    s3.upload_fileobj(io.BytesIO(body), stack.drop_bucket, key, Config=config)
    [(job, clip)] = imports_of(api, stack, [key])
    assert job["status"] == "COMPLETED"
    assert landed(s3, clip) == body


def test_keys_below_inbox_belong_to_the_project_that_they_name(
    api: "Api", admin: "Api", stack: Stack, s3: "S3Client"
) -> None:
    project = unique("team")
    _, key = admin.post("/v1/keys", {"project": project, "name": "test"})
    name = unique("clip")
    keys = [f"inbox/{project}/{name}.zip", f"inbox/{project}/sub/ünï cödé+{name}.mp4"]
    put_all(s3, stack.drop_bucket, ((key, b"x") for key in keys))
    found = imports_of(api.with_key(key["key"]), stack, keys)
    assert {job["project"] for job, _ in found} == {project}
    assert all(clip["destination"].startswith(f"s3://{stack.clips_bucket}/{project}/") for _, clip in found)


def test_keys_that_name_no_project_belong_to_the_default_one(api: "Api", stack: Stack, s3: "S3Client") -> None:
    name = unique("clip")
    keys = [f"{name}.zip", f"inbox/{name}.zip", f"inbox/not a project/{name}.zip", f"inbox//{name}.zip"]
    put_all(s3, stack.drop_bucket, ((key, b"x") for key in keys))
    assert len(imports_of(api, stack, keys)) == len(keys)


@pytest.mark.usefixtures("wide_window")
def test_hundreds_of_uploads_at_once_give_each_clip_one_import_in_few_jobs(
    team: "Api", own: Stack, s3: "S3Client"
) -> None:
    keys = [f"inbox/{own.project}/{n:04d}.mp4" for n in range(400)]
    put_all(s3, own.drop_bucket, ((key, key.encode()) for key in keys))
    found = imports_of(team, own, keys)
    assert {clip["status"] for _, clip in found} == {"COPIED"}
    assert len({job["id"] for job, _ in found}) <= 20


def test_duplicates_of_an_event_import_nothing_twice(
    api: "Api", admin: "Api", stack: Stack, s3: "S3Client", sqs: "SQSClient"
) -> None:
    project = unique("twice")
    _, made = admin.post("/v1/keys", {"project": project, "name": "test"})
    key = f"inbox/{project}/clip.zip"
    s3.put_object(Bucket=stack.drop_bucket, Key=key, Body=b"once")
    reader = api.with_key(made["key"])
    [(_, clip)] = imports_of(reader, stack, [key])
    body = upload_event(stack, key, size=4, etag=clip["etag"], sequencer="00AA")
    for _ in range(2):
        entries: list[SendMessageBatchRequestEntryTypeDef] = [{"Id": str(n), "MessageBody": body} for n in range(5)]
        sqs.send_message_batch(QueueUrl=stack.upload_queue_url, Entries=entries)
        queue_is_drained(sqs, stack)
    jobs = settled_jobs(reader)
    clips = [clip for job in jobs for clip in all_clips(reader, job["id"])]
    assert len(jobs) == 2
    assert len(clips) == 2, "one clip of the upload itself, one of the event that was sent ten times"


def test_what_is_no_upload_event_ends_in_the_dead_letter_queue(stack: Stack, sqs: "SQSClient") -> None:
    marker = unique("poison")

    def dead() -> bool:
        found = sqs.receive_message(QueueUrl=stack.upload_dlq_url, MaxNumberOfMessages=10, VisibilityTimeout=1)
        return any(marker in message["Body"] for message in found.get("Messages", []))

    with failures_visible_soon(sqs, stack):
        sqs.send_message(QueueUrl=stack.upload_queue_url, MessageBody=json.dumps({"nonsense": marker}))
        eventually(dead, what="the message in the dead-letter queue")


def upload_event(stack: Stack, key: str, *, size: int, etag: str, sequencer: str) -> str:
    """Return the event as EventBridge delivers it to the queue."""
    detail = {
        "version": "0",
        "bucket": {"name": stack.drop_bucket},
        "object": {"key": key, "size": size, "etag": etag, "sequencer": sequencer},
        "reason": "PutObject",
    }
    return json.dumps({"id": unique("event"), "detail-type": "Object Created", "source": "aws.s3", "detail": detail})


def settled_jobs(api: "Api") -> list[dict[str, Any]]:
    return [settled(api, job["id"]) for job in all_rows(api, "/v1/imports", "imports")]


def imports_of(api: "Api", stack: Stack, keys: Iterable[str]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return (job, clip) for each dropped key once no clip is pending. Fails if a key has more than one."""
    wanted = {f"s3://{stack.drop_bucket}/{key}" for key in keys}

    def look() -> list[tuple[dict[str, Any], dict[str, Any]]] | None:
        jobs = [job for job in all_rows(api, "/v1/imports", "imports") if job["trigger"] == "upload"]
        if any(job["completed_at"] is None for job in jobs):
            return None
        found = [(job, clip) for job in jobs for clip in all_clips(api, job["id"]) if clip["source_uri"] in wanted]
        return found if len(found) >= len(wanted) else None

    found: list[tuple[dict[str, Any], dict[str, Any]]]
    found = eventually(look, what=f"imports of {len(wanted)} uploads")
    assert sorted(clip["source_uri"] for _, clip in found) == sorted(wanted)
    return found


def queue_is_drained(sqs: "SQSClient", stack: Stack) -> None:
    names: list[QueueAttributeNameType] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def drained() -> bool:
        counts = sqs.get_queue_attributes(QueueUrl=stack.upload_queue_url, AttributeNames=names)["Attributes"]
        return all(counts[name] == "0" for name in names)

    eventually(drained, what="the upload queue to be empty")


@contextmanager
def failures_visible_soon(sqs: "SQSClient", stack: Stack) -> Iterator[None]:
    """A failed message hides for the queue's visibility timeout, minutes long; a second stands in for the wait."""
    name: Literal["VisibilityTimeout"] = "VisibilityTimeout"
    before = sqs.get_queue_attributes(QueueUrl=stack.upload_queue_url, AttributeNames=[name])["Attributes"][name]
    sqs.set_queue_attributes(QueueUrl=stack.upload_queue_url, Attributes={name: "1"})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=stack.upload_queue_url, Attributes={name: before})
