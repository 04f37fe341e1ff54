"""Uploads by links: what botocore signs, and the exact calls to S3."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.stub import Stubber

from service.aws.clients import s3_client
from service.aws.s3.inbox_uploads import S3InboxUploads
from service.domain.errors import SourceUnavailable, UploadGone
from service.domain.inbox import UploadedPart

SHA256 = "LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564="
AT = {"Bucket": "drop", "Key": "inbox/demo/a.zip"}
OF = {**AT, "UploadId": "u"}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> S3InboxUploads:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return S3InboxUploads(s3_client(connections=1, virtual_hosts=True), "drop")


@pytest.fixture
def s3(store: S3InboxUploads) -> Iterator[Stubber]:
    with Stubber(store.client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_links_take_exactly_the_named_bytes(store: S3InboxUploads) -> None:
    whole = store.put_link("inbox/demo/a b.zip", size=7, sha256=SHA256, seconds=900)
    part = store.part_link("inbox/demo/a b.zip", "u", number=3, size=7, sha256=SHA256, seconds=900)
    for link, named in ((whole, {}), (part, {"uploadId": ["u"], "partNumber": ["3"]})):
        url = urlsplit(link.url)
        query = parse_qs(url.query)
        assert (url.netloc, url.path) == ("drop.s3.eu-west-1.amazonaws.com", "/inbox/demo/a%20b.zip")
        assert query["X-Amz-Expires"] == ["900"]
        assert query["X-Amz-SignedHeaders"] == ["content-length;host;x-amz-checksum-sha256"]
        assert {name: value for name, value in query.items() if not name.startswith("X-Amz-")} == named
        assert link.headers == {"x-amz-checksum-sha256": SHA256}


def test_an_upload_has_checksums_of_its_parts(store: S3InboxUploads, s3: Stubber) -> None:
    s3.add_response("create_multipart_upload", {"UploadId": "u"}, {**AT, "ChecksumAlgorithm": "SHA256"})
    assert store.begin("inbox/demo/a.zip") == "u"
    part = {"PartNumber": 1, "ETag": '"e"', "ChecksumSHA256": SHA256}
    s3.add_response("complete_multipart_upload", {"ETag": '"e-1"'}, {**OF, "MultipartUpload": {"Parts": [part]}})
    there = UploadedPart(number=1, size=7, etag='"e"', sha256=SHA256)
    assert store.complete("inbox/demo/a.zip", "u", [there]) == "e-1"


def test_parts_are_listed_from_the_first_to_the_last_that_matter(store: S3InboxUploads, s3: Stubber) -> None:
    def part(number: int) -> dict[str, Any]:
        return {"PartNumber": number, "Size": 7, "ETag": '"e"', "ChecksumSHA256": SHA256}

    first = {"Parts": [part(5), part(6)], "IsTruncated": True, "NextPartNumberMarker": 6}
    s3.add_response("list_parts", first, {**OF, "PartNumberMarker": 4})
    second = {"Parts": [part(7), part(9)], "IsTruncated": True, "NextPartNumberMarker": 9}
    s3.add_response("list_parts", second, {**OF, "PartNumberMarker": 6})
    found = store.parts("inbox/demo/a.zip", "u", first=5, last=8)
    assert [(one.number, one.size, one.etag, one.sha256) for one in found] == [
        (number, 7, '"e"', SHA256) for number in (5, 6, 7)
    ]


def test_a_lost_upload_has_a_code_and_aborting_it_is_done(store: S3InboxUploads, s3: Stubber) -> None:
    for call in ("list_parts", "complete_multipart_upload", "abort_multipart_upload"):
        s3.add_client_error(call, "NoSuchUpload", http_status_code=404)
    with pytest.raises(UploadGone):
        store.parts("inbox/demo/a.zip", "u", first=1, last=1)
    with pytest.raises(UploadGone):
        store.complete("inbox/demo/a.zip", "u", [])
    store.abort("inbox/demo/a.zip", "u")
    s3.add_client_error("list_parts", "SlowDown", http_status_code=503)
    with pytest.raises(SourceUnavailable):
        store.parts("inbox/demo/a.zip", "u", first=1, last=1)


def test_an_object_is_found_with_its_checksum(store: S3InboxUploads, s3: Stubber) -> None:
    asked = {**AT, "ChecksumMode": "ENABLED"}
    s3.add_response("head_object", {"ContentLength": 7, "ETag": '"e-1"', "ChecksumSHA256": f"{SHA256}-1"}, asked)
    s3.add_client_error("head_object", "404", http_status_code=404, expected_params=asked)
    found = store.find("inbox/demo/a.zip")
    assert found is not None
    assert (found.size, found.etag, found.checksum) == (7, "e-1", f"{SHA256}-1")
    assert store.find("inbox/demo/a.zip") is None
