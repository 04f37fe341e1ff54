"""The emulator's S3 writes as S3 does: conditions, redirects of copies, smallest parts, checksums, versions."""

import base64
import hashlib
import json
import time
import uuid
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.config import ACCOUNT, REGION
from tests.servers.emulated import Emulated

MIB = 1024**2
OTHER = '"00000000000000000000000000000000"'
Write = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def s3(emulator: Emulated) -> Any:
    return emulator.client("s3")


@pytest.fixture(scope="module")
def bucket(s3: Any) -> str:
    name = f"b-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="source", Body=b"new")
    return name


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


@pytest.fixture(params=["put", "copy", "complete"])
def write(request: pytest.FixtureRequest, s3: Any, bucket: str, key: str) -> Write:
    """Write `new` to the key by one of the three operations, with the conditions that are given."""

    def put(**conditions: str) -> Any:
        return s3.put_object(Bucket=bucket, Key=key, Body=b"new", **conditions)

    def copy(**conditions: str) -> Any:
        return s3.copy_object(Bucket=bucket, Key=key, CopySource=f"{bucket}/source", **conditions)

    def complete(**conditions: str) -> Any:
        begun = uploaded(s3, bucket, key, b"new")
        return s3.complete_multipart_upload(**begun, **conditions)

    return {"put": put, "copy": copy, "complete": complete}[request.param]


def uploaded(s3: Any, bucket: str, key: str, *parts: bytes, **settings: str) -> dict[str, Any]:
    """A multipart upload with all of its parts: what completes it."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, **settings)["UploadId"]
    where = {"Bucket": bucket, "Key": key, "UploadId": upload}
    sent = [s3.upload_part(**where, PartNumber=n, Body=part)["ETag"] for n, part in enumerate(parts, 1)]
    return {**where, "MultipartUpload": {"Parts": [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(sent, 1)]}}


def refusal(write: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(ClientError) as refused:
        write()
    response = refused.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def body(s3: Any, bucket: str, key: str) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def test_if_none_match_writes_where_there_is_nothing(s3: Any, bucket: str, key: str, write: Write) -> None:
    write(IfNoneMatch="*")
    assert body(s3, bucket, key) == b"new"


def test_if_none_match_leaves_what_there_is(s3: Any, bucket: str, key: str, write: Write) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=b"old")
    assert refusal(lambda: write(IfNoneMatch="*")) == (412, "PreconditionFailed")
    assert body(s3, bucket, key) == b"old"


def test_if_match_replaces_exactly_that_object(s3: Any, bucket: str, key: str, write: Write) -> None:
    old = s3.put_object(Bucket=bucket, Key=key, Body=b"old")["ETag"]
    assert refusal(lambda: write(IfMatch=OTHER)) == (412, "PreconditionFailed")
    assert body(s3, bucket, key) == b"old"
    write(IfMatch=old)
    assert body(s3, bucket, key) == b"new"


def test_if_match_of_a_key_that_does_not_exist_is_a_404(write: Write) -> None:
    assert refusal(lambda: write(IfMatch=OTHER)) == (404, "NoSuchKey")


def test_if_none_match_takes_nothing_but_an_asterisk(write: Write) -> None:
    assert refusal(lambda: write(IfNoneMatch=OTHER)) == (501, "NotImplemented")


def test_a_delete_marker_is_no_object(s3: Any, emulator: Emulated, key: str) -> None:
    bucket = versioned(s3, emulator)
    s3.put_object(Bucket=bucket, Key="source", Body=b"new")
    s3.put_object(Bucket=bucket, Key=key, Body=b"old")
    s3.delete_object(Bucket=bucket, Key=key)
    copy = {"Bucket": bucket, "Key": key, "CopySource": f"{bucket}/source"}
    assert refusal(lambda: s3.copy_object(**copy, IfMatch=OTHER)) == (404, "NoSuchKey")
    s3.copy_object(**copy, IfNoneMatch="*")
    assert body(s3, bucket, key) == b"new"


@pytest.mark.parametrize("many", [False, True])
def test_a_delete_during_a_conditional_multipart_upload_is_a_conflict(
    s3: Any, bucket: str, key: str, many: bool
) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=b"old")
    upload = uploaded(s3, bucket, key, b"new")
    if many:
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})
    else:
        s3.delete_object(Bucket=bucket, Key=key)
    completing = {**upload, "IfNoneMatch": "*"}
    assert refusal(lambda: s3.complete_multipart_upload(**completing)) == (409, "ConditionalRequestConflict")
    s3.complete_multipart_upload(**upload)
    assert body(s3, bucket, key) == b"new"


@pytest.mark.parametrize("copied", [False, True])
def test_only_the_last_part_may_be_below_five_mebibytes(s3: Any, bucket: str, key: str, copied: bool) -> None:
    s3.put_object(Bucket=bucket, Key="small", Body=b"s" * (5 * MIB - 1))
    upload = uploaded(s3, bucket, key, b"s" * (5 * MIB - 1), b"e")
    if copied:
        where = {name: upload[name] for name in ("Bucket", "Key", "UploadId")}
        s3.upload_part_copy(**where, PartNumber=1, CopySource=f"{bucket}/small")
    assert refusal(lambda: s3.complete_multipart_upload(**upload)) == (400, "EntityTooSmall")
    assert refusal(lambda: s3.head_object(Bucket=bucket, Key=key))[0] == 404
    s3.complete_multipart_upload(**uploaded(s3, bucket, key, b"s" * 5 * MIB, b"e"))
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == 5 * MIB + 1


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def test_a_copy_tells_the_checksum_of_the_object(s3: Any, bucket: str, key: str) -> None:
    s3.put_object(Bucket=bucket, Key=f"{key}-s", Body=b"sums", ChecksumAlgorithm="CRC32")
    copied = s3.copy_object(Bucket=bucket, Key=key, CopySource=f"{bucket}/{key}-s")["CopyObjectResult"]
    assert (copied["ChecksumCRC32"], copied["ChecksumType"]) == (crc32(b"sums"), "FULL_OBJECT")


def test_a_copy_computes_the_checksum_that_is_asked_for(s3: Any, bucket: str, key: str) -> None:
    source = {"CopySource": f"{bucket}/source", "ChecksumAlgorithm": "SHA256"}
    copied = s3.copy_object(Bucket=bucket, Key=key, **source)["CopyObjectResult"]
    expected = base64.b64encode(hashlib.sha256(b"new").digest()).decode()
    assert copied["ChecksumSHA256"] == expected
    head = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == expected


def test_a_copy_of_an_object_with_a_composite_checksum_has_one_of_the_whole(s3: Any, bucket: str, key: str) -> None:
    parts = [b"a" * 5 * MIB, b"b"]
    upload = uploaded(s3, bucket, f"{key}-s", *parts, ChecksumAlgorithm="CRC32")
    assert s3.complete_multipart_upload(**upload)["ChecksumCRC32"].endswith("-2")
    copied = s3.copy_object(Bucket=bucket, Key=key, CopySource=f"{bucket}/{key}-s")["CopyObjectResult"]
    assert copied["ChecksumCRC32"] == crc32(b"".join(parts))


def test_copied_parts_have_checksums_that_combine_to_that_of_the_whole(s3: Any, bucket: str, key: str) -> None:
    whole = b"a" * 5 * MIB + b"b"
    s3.put_object(Bucket=bucket, Key=f"{key}-s", Body=whole)
    settings = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
    where = {"Bucket": bucket, "Key": key}
    where["UploadId"] = s3.create_multipart_upload(**where, **settings)["UploadId"]
    parts = []
    for number, (first, last) in enumerate([(0, 5 * MIB - 1), (5 * MIB, 5 * MIB)], 1):
        span = {"CopySource": f"{bucket}/{key}-s", "CopySourceRange": f"bytes={first}-{last}"}
        part = s3.upload_part_copy(**where, PartNumber=number, **span)["CopyPartResult"]
        assert part["ChecksumCRC32"] == crc32(whole[first : last + 1])
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (crc32(whole), "FULL_OBJECT")


def versioned(s3: Any, emulator: Emulated) -> str:
    """A versioned bucket whose events go to a queue of the same name."""
    name = f"v-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})
    emulator.client("sqs").create_queue(QueueName=name)
    events = emulator.client("events")
    pattern = json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}}})
    events.put_rule(Name=name, EventPattern=pattern)
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"}])
    return name


def test_events_of_a_versioned_bucket_name_the_version(s3: Any, emulator: Emulated, key: str) -> None:
    bucket = versioned(s3, emulator)
    version = s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"]
    sqs = emulator.client("sqs")
    url = sqs.get_queue_url(QueueName=bucket)["QueueUrl"]
    messages: list[Any] = []
    until = time.monotonic() + 60
    while not messages and time.monotonic() < until:
        messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
    event = json.loads(messages[0]["Body"])
    assert event["detail-type"] == "Object Created"
    assert event["detail"]["object"]["version-id"] == version


@pytest.mark.parametrize("versioned", [False, True])
@pytest.mark.parametrize("directive", ["COPY", "REPLACE"])
@pytest.mark.parametrize("asked", [{}, {"WebsiteRedirectLocation": "/own"}])
def test_a_copy_has_the_redirect_of_its_request(
    s3: Any, versioned: bool, directive: str, asked: dict[str, str]
) -> None:
    bucket = f"b-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    if versioned:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="from", Body=b"x", WebsiteRedirectLocation="/source")
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource=f"{bucket}/from", MetadataDirective=directive, **asked)
    version = {"VersionId": copied["VersionId"]} if versioned else {}
    for named in ({}, version):
        found = s3.head_object(Bucket=bucket, Key="to", **named)
        assert found.get("WebsiteRedirectLocation") == asked.get("WebsiteRedirectLocation")
    assert s3.head_object(Bucket=bucket, Key="from")["WebsiteRedirectLocation"] == "/source"
