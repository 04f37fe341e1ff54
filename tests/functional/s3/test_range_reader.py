"""Range reads of planned objects: exact requests by Stubber, behaviour by moto."""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from service.aws.s3.range_reader import S3RangeReader
from service.aws.s3.storage import S3Storage
from service.domain.errors import (
    AccessDenied,
    ObjectArchived,
    ObjectError,
    ObjectMissing,
    SourceChanged,
    SourceUnavailable,
)
from service.domain.manifest import ManifestEntry
from service.domain.uris import s3_at
from service.formats.check import Depth, check_clip
from tests.builders import SOURCE_BUCKET, an_entry
from tests.functional.botorequests import BotoRequests
from tests.paths import DATA

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "a b+%20/日本.zip"
ENTRY = an_entry(source_uri=f"s3://{SOURCE_BUCKET}/{KEY}", size=100, etag="abc-2")
CLIP = DATA / "clipgt" / "0b1734b6-2bf0-5e42-8f62-0d5a07cb8c3a.zip"


@pytest.fixture
def stub(s3: "S3Client") -> Iterator[Stubber]:
    with Stubber(s3) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def answer(stub: Stubber, span: str, body: bytes, version: str | None = None) -> None:
    asked = {"Bucket": SOURCE_BUCKET, "Key": KEY, "Range": f"bytes={span}", "IfMatch": '"abc-2"'}
    asked |= {"VersionId": version} if version else {}
    stub.add_response("get_object", {"Body": StreamingBody(BytesIO(body), len(body))}, asked)


@pytest.mark.parametrize("version", [None, "v1"])
def test_a_read_is_one_request_pinned_to_what_was_planned(s3: "S3Client", stub: Stubber, version: str | None) -> None:
    answer(stub, "10-14", b"01234", version)
    assert S3RangeReader(BotoRequests(s3), replace(ENTRY, version=version)).read(10, 5) == b"01234"


@pytest.mark.parametrize(
    ("start", "length", "span"),
    [(0, 1, "0-0"), (0, 100, "0-99"), (99, 1, "99-99"), (95, 50, "95-99"), (0, 500, "0-99")],
)
def test_a_range_ends_with_the_object(s3: "S3Client", stub: Stubber, start: int, length: int, span: str) -> None:
    first, last = map(int, span.split("-"))
    body = bytes(range(first, last + 1))
    answer(stub, span, body)
    assert S3RangeReader(BotoRequests(s3), ENTRY).read(start, length) == body


@pytest.mark.usefixtures("stub")
@pytest.mark.parametrize(("start", "length"), [(100, 1), (5_000, 10), (0, 0), (10, 0), (10, -1)])
def test_a_range_without_a_byte_makes_no_request(s3: "S3Client", start: int, length: int) -> None:
    assert S3RangeReader(BotoRequests(s3), ENTRY).read(start, length) == b""


@pytest.mark.usefixtures("stub")
def test_an_empty_object_makes_no_request(s3: "S3Client") -> None:
    reader = S3RangeReader(BotoRequests(s3), replace(ENTRY, size=0))
    assert (reader.size, reader.read(0, 10)) == (0, b"")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NoSuchKey", 404, ObjectMissing),
        ("NoSuchVersion", 404, ObjectMissing),
        ("AccessDenied", 403, AccessDenied),
        ("PreconditionFailed", 412, SourceChanged),
        ("InvalidObjectState", 403, ObjectArchived),
        ("SlowDown", 503, SourceUnavailable),
        ("InternalError", 500, SourceUnavailable),
    ],
)
def test_a_failed_read_names_what_it_read(
    s3: "S3Client", stub: Stubber, code: str, status: int, kind: type[ObjectError]
) -> None:
    stub.add_client_error("get_object", code, "because", status)
    with pytest.raises(ObjectError) as caught:
        S3RangeReader(BotoRequests(s3), ENTRY).read(0, 10)
    assert type(caught.value) is kind
    assert caught.value.message == f"cannot read s3://{SOURCE_BUCKET}/{KEY}: because ({code})"


class _Broken:
    def read(self, *_: object) -> bytes:
        raise ReadTimeoutError(endpoint_url="https://s3")


def test_a_connection_that_ends_within_the_body_is_a_passing_fault(s3: "S3Client", stub: Stubber) -> None:
    stub.add_response("get_object", {"Body": _Broken()})
    with pytest.raises(SourceUnavailable):
        S3RangeReader(BotoRequests(s3), ENTRY).read(0, 10)


def test_a_body_that_is_cut_short_is_a_passing_fault(s3: "S3Client", stub: Stubber) -> None:
    stub.add_response("get_object", {"Body": StreamingBody(BytesIO(b"01234"), 10)})
    with pytest.raises(SourceUnavailable):
        S3RangeReader(BotoRequests(s3), ENTRY).read(0, 10)


# --- against moto ----------------------------------------------------------------------------------------------------


def planned(storage: S3Storage, s3: "S3Client", body: bytes, key: str = KEY) -> ManifestEntry:
    s3.put_object(Bucket=SOURCE_BUCKET, Key=key, Body=body)
    found = storage.stat(s3_at(SOURCE_BUCKET, key))
    return an_entry(source_uri=f"s3://{SOURCE_BUCKET}/{key}", size=found.size, etag=found.etag, version=found.version)


def test_ranges_are_those_of_the_object(storage: S3Storage, s3: "S3Client") -> None:
    body = bytes(range(256))
    reader = storage.reader(planned(storage, s3, body))
    assert reader.size == 256
    for start, length in [(0, 1), (0, 256), (100, 50), (250, 50), (255, 1), (256, 1), (300, 5)]:
        assert reader.read(start, length) == body[start : start + length]


def test_an_empty_object_has_no_bytes(storage: S3Storage, s3: "S3Client") -> None:
    reader = storage.reader(planned(storage, s3, b""))
    assert reader.read(0, 1) == b""


def test_an_object_that_changes_under_way_is_not_read_on(storage: S3Storage, s3: "S3Client") -> None:
    reader = storage.reader(planned(storage, s3, b"0123456789"))
    assert reader.read(0, 5) == b"01234"
    s3.put_object(Bucket=SOURCE_BUCKET, Key=KEY, Body=b"abcdefghij")
    with pytest.raises(SourceChanged):
        reader.read(5, 5)
    s3.delete_object(Bucket=SOURCE_BUCKET, Key=KEY)
    with pytest.raises(ObjectMissing):
        reader.read(5, 5)


def test_of_a_versioned_bucket_the_planned_version_is_read(storage: S3Storage, s3: "S3Client") -> None:
    s3.put_bucket_versioning(Bucket=SOURCE_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    entry = planned(storage, s3, b"planned")
    s3.put_object(Bucket=SOURCE_BUCKET, Key=KEY, Body=b"later")
    assert entry.version
    assert storage.reader(entry).read(0, 100) == b"planned"


@pytest.mark.parametrize("depth", Depth)
def test_a_clip_is_checked_over_s3_in_few_requests(storage: S3Storage, s3: "S3Client", depth: Depth) -> None:
    entry = planned(storage, s3, CLIP.read_bytes(), CLIP.name)
    sent: list[Any] = []

    def count(params: Any, **_: object) -> None:
        sent.append(params)

    s3.meta.events.register("before-call.s3.GetObject", count)
    try:
        verdict = check_clip(CLIP.name, storage.reader(entry), depth=depth)
    finally:
        s3.meta.events.unregister("before-call.s3.GetObject", count)
    assert verdict.facts.clip_id == CLIP.stem
    assert len(sent) == 1
