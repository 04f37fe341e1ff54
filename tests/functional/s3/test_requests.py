"""Copies on the wire: exact requests, what answers mean, what is tried again, how connections are used."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.stub import Stubber

from service.aws.clients import Patience, s3_client
from service.aws.s3.http import connections
from service.aws.s3.http.connections import Endpoint
from service.aws.s3.http.event_loop import run
from service.aws.s3.http.rate_limiter import FIRST_RATE, PENALTY, InFlight
from service.aws.s3.http.requests import S3Requests
from service.aws.s3.http.sigv4 import EMPTY_BODY
from service.aws.s3.range_reader import S3RangeReader
from service.aws.s3.session import S3Session, own_session
from service.aws.s3.storage import S3Storage
from service.domain.clips import Verification
from service.domain.errors import (
    AccessDenied,
    BucketElsewhere,
    DestinationChanged,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    SourceChanged,
    SourceUnavailable,
    UploadGone,
)
from service.domain.ids import source_mark
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied, ListedObject
from service.domain.requests import ImportSettings, OnExisting
from service.domain.uris import s3_at
from service.formats.limits import MAX_READ_BYTES
from service.formats.reader import Range, Reading
from tests.builders import CLIPS_BUCKET, SOURCE_BUCKET, World, an_entry
from tests.fakes.copying import OneCopier
from tests.functional.wire import COPIED, MD5, Wire, answer, copied, failed, serving

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEYS = Credentials("AKIDEXAMPLE", "secret-never-sent", None)
PATIENCE = Patience(connect_seconds=5, read_seconds=2, attempts=5)
PLAIN = ImportSettings()
ENTRY = an_entry(source_uri=f"s3://{SOURCE_BUCKET}/a b+%20/日本.zip", destination="demo/ä b.zip", size=25, etag=MD5)
VIEW = replace(ENTRY, group=0)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with serving() as wire:
        yield wire


@pytest.fixture
def boto3_client(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> "S3Client":
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", wire.url)
    return s3_client(connections=1)


@pytest.fixture(autouse=True)
def by_boto3(boto3_client: "S3Client") -> Iterator[Stubber]:
    """Fails the test on any request other than a copy, unless the test added an answer."""
    with Stubber(boto3_client) as stub:
        yield stub
        stub.assert_no_pending_responses()


def requests_to(
    url: str, *, keys: Credentials = KEYS, in_flight: InFlight | None = None, patience: Patience = PATIENCE
) -> S3Requests:
    return S3Requests.to(url, "us-east-1", keys, patience=patience, in_flight=in_flight or InFlight(64))


def a_storage(client: "S3Client", requests: S3Requests | None = None) -> S3Storage:
    session = S3Session(requests or requests_to(client.meta.endpoint_url), client)
    return S3Storage(own=session, clips_bucket=CLIPS_BUCKET)


@pytest.fixture
def storage(boto3_client: "S3Client") -> S3Storage:
    """Return a storage whose requests reach this file's HTTP server."""
    return a_storage(boto3_client)


def signed(headers: dict[str, str]) -> dict[str, str]:
    """The others, of a request whose signature is there and covers them."""
    names = ";".join(sorted(name for name in headers if name not in ("authorization", "content-length")))
    authorization = headers.pop("authorization")
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert f"/us-east-1/s3/aws4_request, SignedHeaders={names}, Signature=" in authorization
    assert headers.pop("x-amz-content-sha256") == EMPTY_BODY
    assert headers.pop("content-length") == "0"
    datetime.strptime(headers.pop("x-amz-date"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return headers


# --- requests --------------------------------------------------------------------------------------------------------

NOT_THERE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
"""To the HEAD that tells whether a 412 is about the source or the destination."""
SOURCE = f"{SOURCE_BUCKET}/a%20b%2B%2520/%E6%97%A5%E6%9C%AC.zip"


@pytest.mark.parametrize("version", [None, "v.1_~"])
def test_a_copy_is_one_request(storage: S3Storage, wire: Wire, version: str | None) -> None:
    wire.answers.append(copied(MD5, "x-amz-version-id: v2"))
    landed = storage.copy(replace(ENTRY, version=version), PLAIN)
    assert (landed.etag, landed.verified) == (MD5, Verification.ETAG)
    (_,) = wire.requests
    line, headers = wire.sent()
    assert line == f"PUT /{CLIPS_BUCKET}/demo/%C3%A4%20b.zip HTTP/1.1"
    assert signed(headers) == {
        "host": f"127.0.0.1:{wire.port}",
        "x-amz-copy-source": SOURCE + (f"?versionId={version}" if version else ""),
        "x-amz-copy-source-if-match": f'"{MD5}"',
        "if-none-match": "*",
    }


@pytest.mark.parametrize(
    ("seen", "on_existing", "condition"),
    [
        (None, OnExisting.SKIP, {"if-none-match": "*"}),
        (None, OnExisting.FAIL, {"if-none-match": "*"}),
        ("e", OnExisting.SKIP, {"if-match": '"e"'}),
        (None, OnExisting.OVERWRITE, {}),
        ("e", OnExisting.OVERWRITE, {}),
    ],
)
def test_each_write_is_conditional_on_what_planning_saw(
    wire: Wire, seen: str | None, on_existing: OnExisting, condition: dict[str, str]
) -> None:
    storage, settings = a_storage(s3_client(connections=1)), ImportSettings(on_existing=on_existing)
    entry = replace(ENTRY, destination_etag=seen)
    storage.copy(entry, settings)
    done = f'<CompleteMultipartUploadResult><ETag>"{MD5}"</ETag></CompleteMultipartUploadResult>'.encode()
    wire.answers.append(answer(200, done))
    storage.complete_parts(entry, "u", ["part"], settings)
    assert len(wire.requests) == 2, "it costs no request"
    for number in range(2):
        sent = {name.lower(): value for name, value in wire.sent(number)[1].items()}
        assert {name: sent[name] for name in ("if-match", "if-none-match") if name in sent} == condition


def test_an_upload_is_written_on_condition_also_where_the_import_overwrites(storage: S3Storage, wire: Wire) -> None:
    storage.copy(replace(ENTRY, upload=True, destination_etag="e"), ImportSettings(on_existing=OnExisting.OVERWRITE))
    assert wire.sent()[1]["if-match"] == '"e"'


@pytest.mark.parametrize(
    ("there", "etag"), [(NOT_THERE, None), (b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\nETag: "e"\r\n\r\n', "e")]
)
def test_a_412_is_about_the_source_where_the_destination_is_as_it_was_planned(
    storage: S3Storage, wire: Wire, there: bytes, etag: str | None
) -> None:
    wire.answers.extend([failed(412, "PreconditionFailed"), there])
    with pytest.raises(SourceChanged):
        storage.copy(replace(ENTRY, destination_etag=etag), PLAIN)
    wire.answers.extend([failed(412, "PreconditionFailed"), there])
    with pytest.raises(DestinationChanged) as caught:
        storage.copy(replace(ENTRY, destination_etag="another"), PLAIN)
    assert (caught.value.etag, caught.value.size, caught.value.repeated) == (etag, 7 if etag else None, False)


def test_a_404_is_about_the_destination_where_nothing_is_there_any_more(wire: Wire) -> None:
    storage, entry = a_storage(s3_client(connections=1)), replace(ENTRY, destination_etag="planned")
    writes: tuple[Callable[[], object], ...] = (
        lambda: storage.copy(entry, PLAIN),
        lambda: storage.complete_parts(entry, "u", ["part"], PLAIN),
    )
    for write in writes:
        wire.answers.extend([failed(404, "NoSuchKey"), NOT_THERE])
        with pytest.raises(DestinationChanged) as caught:
            write()
        assert caught.value.etag is None
    wire.answers.extend([failed(404, "NoSuchKey"), answer(200, b"", 'ETag: "planned"')])
    with pytest.raises(ObjectMissing):
        storage.copy(entry, PLAIN)
    for status, code in ((404, "NoSuchUpload"), (409, "ConditionalRequestConflict")):
        wire.answers.append(failed(status, code))
        with pytest.raises(UploadGone):
            storage.complete_parts(entry, "u", ["part"], PLAIN)


@pytest.mark.parametrize(
    ("fault", "repeated"), [(failed(500, "InternalError"), True), (b"", True), (failed(503, "SlowDown"), False)]
)
def test_a_try_that_may_have_copied_is_reported(
    storage: S3Storage, wire: Wire, no_sleep: list[float], fault: bytes, repeated: bool
) -> None:
    wire.answers.extend([fault, failed(412, "PreconditionFailed"), head()])
    with pytest.raises(DestinationChanged) as caught:
        storage.copy(ENTRY, PLAIN)
    assert (caught.value.repeated, bool(no_sleep)) == (repeated, True)


def test_writes_of_one_key_at_the_same_time_are_tried_again(
    storage: S3Storage, wire: Wire, no_sleep: list[float]
) -> None:
    wire.answers.extend([failed(409, "ConditionalRequestConflict"), copied()])
    assert storage.copy(ENTRY, PLAIN).etag == MD5
    assert no_sleep


def test_settings_and_a_given_checksum_are_headers(storage: S3Storage, wire: Wire) -> None:
    body = COPIED.replace(b"</CopyObjectResult>", b"<ChecksumCRC32>AAAAAA==</ChecksumCRC32></CopyObjectResult>")
    wire.answers.append(answer(200, body % MD5.encode()))
    settings = ImportSettings(storage_class="GLACIER_IR", keep_metadata=False, keep_tags=False)
    landed = storage.copy(replace(ENTRY, checksum="CRC32:AAAAAA=="), settings)
    assert landed.verified is Verification.CHECKSUM
    headers = signed(wire.sent()[1])
    assert {name: value for name, value in headers.items() if name not in ("host", "x-amz-copy-source")} == {
        "x-amz-copy-source-if-match": f'"{MD5}"',
        "if-none-match": "*",
        "x-amz-checksum-algorithm": "CRC32",
        "x-amz-storage-class": "GLACIER_IR",
        "x-amz-metadata-directive": "REPLACE",
        "x-amz-tagging-directive": "REPLACE",
    }


def head(*headers: str) -> bytes:
    """An answer to HEAD: the length of a body that does not come."""
    return "\r\n".join(["HTTP/1.1 200 OK", "Content-Length: 25", f'ETag: "{MD5}"', *headers, "", ""]).encode()


def test_a_mark_is_the_redirect_location_beside_the_metadata_that_s3_copies(storage: S3Storage, wire: Wire) -> None:
    storage.copy(ENTRY, PLAIN, mark="ij_1-0")
    headers = wire.sent()[1]
    source = source_mark(ENTRY.size, ENTRY.etag, ENTRY.version)
    assert headers["x-amz-website-redirect-location"] == f"/ij_1-0?{source}"
    assert not [name for name in headers if "meta" in name]
    assert len(wire.requests) == 1


def test_the_mark_of_a_set_is_metadata(storage: S3Storage, wire: Wire) -> None:
    storage.copy(VIEW, ImportSettings(keep_metadata=False), mark="ij_1-0")
    headers = wire.sent()[1]
    assert headers["x-amz-meta-clipferry-set"] == "ij_1-0"
    assert headers["x-amz-metadata-directive"] == "REPLACE"


def test_metadata_goes_back_as_the_bytes_that_it_came_as(storage: S3Storage, wire: Wire) -> None:
    wire.answers.append(head("x-amz-meta-ORT: München  2", "Content-Type: video/mp4"))
    storage.copy(VIEW, PLAIN, mark="ij_1-0")
    assert "x-amz-meta-ort: München  2".encode() in wire.requests[1]
    assert wire.sent()[1]["content-type"] == "video/mp4"


@pytest.mark.parametrize("value", ["a\r\nx-amz-acl: public-read", "a\nb", "日本"])
def test_metadata_that_fits_no_header_is_refused(storage: S3Storage, wire: Wire, value: str) -> None:
    wire.answers.append(head_of(25))
    with pytest.raises(ObjectRejected, match="InvalidHeader"):
        storage.copy(VIEW, PLAIN, mark=value)
    assert [request[:4] for request in wire.requests] == [b"HEAD"]


@pytest.mark.parametrize("code", ["InternalError", "SlowDown", "ServiceUnavailable"])
def test_a_200_with_an_error_in_its_body_is_tried_again_by_every_request_that_writes(
    wire: Wire, no_sleep: list[float], code: str
) -> None:
    storage = a_storage(s3_client(connections=1))
    wire.answers.extend([failed(200, code), copied()])
    assert storage.copy(ENTRY, PLAIN).etag == MD5
    wire.answers.extend([failed(200, code), answer(200, b'<CopyPartResult><ETag>"part"</ETag></CopyPartResult>')])
    assert storage.copy_part(ENTRY, "u", 1, (0, 9)).etag == "part"
    done = f'<CompleteMultipartUploadResult><ETag>"{MD5}"</ETag></CompleteMultipartUploadResult>'.encode()
    wire.answers.extend([failed(200, code), answer(200, done)])
    assert storage.complete_parts(ENTRY, "u", ["part"], PLAIN).etag == MD5
    assert len(wire.requests) == 6
    assert no_sleep


@pytest.mark.parametrize("body", [b"", b"<x/>", b"nonsense", b"<CompleteMultipartUploadResult/>", b'{"ETag": 1}'])
def test_an_answer_without_an_etag_is_no_copy(wire: Wire, no_sleep: list[float], body: bytes) -> None:
    storage = a_storage(s3_client(connections=1))
    wire.answers.extend([answer(200, body)] * 30)
    for write in (
        lambda: storage.copy(ENTRY, PLAIN),
        lambda: storage.copy_part(ENTRY, "u", 1, (0, 9)),
        lambda: storage.complete_parts(ENTRY, "u", ["part"], PLAIN),
    ):
        with pytest.raises(ObjectError):
            write()
    assert no_sleep


@pytest.mark.parametrize("headers", [[], ['ETag: ""'], ['ETag: "e"', "Last-Modified: yesterday"]])
def test_a_head_that_does_not_say_which_object_it_is_of_is_a_passing_fault(
    storage: S3Storage, wire: Wire, headers: list[str]
) -> None:
    wire.answers.append(head_of(7, *headers))
    with pytest.raises(SourceUnavailable, match="did not answer"):
        storage.stat(s3_at("source", "k"))


def test_a_source_of_another_size_is_no_copy_though_its_etag_is_the_planned_one(wire: Wire) -> None:
    """A line of a manifest may pin a size that is not the object's."""
    storage = a_storage(s3_client(connections=1))
    in_parts = replace(ENTRY, etag="abc-2")
    wire.answers.extend([copied("other"), head_of(26, 'ETag: "abc-2"'), answer(204)])
    with pytest.raises(SourceChanged, match="were planned"):
        storage.copy(in_parts, PLAIN)
    assert [request.split(b" ")[0] for request in wire.requests] == [b"PUT", b"HEAD", b"DELETE"]
    wire.answers.append(head_of(26, 'ETag: "abc-2"'))
    with pytest.raises(SourceChanged, match="were planned"):
        storage.begin_parts(in_parts, PLAIN)


def test_an_object_of_another_size_is_not_the_copy_that_was_foretold(storage: S3Storage, wire: Wire) -> None:
    wire.answers.append(head_of(24, f'ETag: "{MD5}"'))
    assert storage.landed(ENTRY, etag=MD5) is None


def test_a_copy_is_known_by_its_etag_or_by_the_source_that_it_names(storage: S3Storage, wire: Wire) -> None:
    """S3 gives the copy of an object that was uploaded in parts an ETag of its own."""
    entry = replace(ENTRY, etag="abc-2")

    def there(digest: str) -> bytes:
        return head_of(25, f'ETag: "{MD5}"', f"x-amz-website-redirect-location: /ij_1-0?{digest}")

    named = there(source_mark(entry.size, entry.etag, entry.version))
    wire.answers.extend([named, head_of(25, 'ETag: "abc-2"')])
    copied = Copied(size=25, etag=MD5, verified=Verification.UNVERIFIABLE)
    assert storage.landed(entry, mark="ij_1-0") == copied
    wire.answers.extend([named, NOT_THERE])
    assert storage.landed(entry, mark="ij_1-0") == copied, "the source still existed when it was copied"
    wire.answers.extend([named, named, there(source_mark(25, "abc-3", None))])
    assert storage.landed(entry, mark="ij_1-5") is None
    assert storage.landed(entry, etag="foretold", mark="ij_1-0") is None
    assert storage.landed(entry, mark="ij_1-0") is None


def head_of(size: int, *headers: str) -> bytes:
    """The answer to a HEAD of an object of this size."""
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {size}", *headers]).encode() + b"\r\n\r\n"


def test_a_part_names_its_range_upload_and_number(storage: S3Storage, wire: Wire) -> None:
    wire.answers.append(answer(200, b'<CopyPartResult><ETag>"part"</ETag></CopyPartResult>'))
    part = storage.copy_part(ENTRY, "u/1+=", 7, (10, 19))
    assert (part.etag, part.size) == ("part", 10)
    line, headers = wire.sent()
    assert line == f"PUT /{CLIPS_BUCKET}/demo/%C3%A4%20b.zip?partNumber=7&uploadId=u%2F1%2B%3D HTTP/1.1"
    assert signed(headers)["x-amz-copy-source-range"] == "bytes=10-19"


def test_a_session_token_is_sent_and_renewed_credentials_are_used(boto3_client: "S3Client", wire: Wire) -> None:
    numbers = iter(range(10))

    def renew() -> dict[str, str]:
        soon = datetime.now(UTC) + timedelta(minutes=5)  # within the time in which they are renewed
        return {
            "access_key": f"AK{next(numbers)}",
            "secret_key": "s",
            "token": "t/+=",
            "expiry_time": soon.isoformat(),
        }

    of_a_role = RefreshableCredentials.create_from_metadata(renew(), renew, "a role")
    storage = a_storage(boto3_client, requests_to(wire.url, keys=of_a_role))
    for _ in range(2):
        storage.copy(ENTRY, PLAIN)
    used = [wire.sent(number)[1] for number in (0, 1)]
    assert [headers["authorization"].split("=")[1].split("/")[0] for headers in used] == ["AK1", "AK2"]
    assert {headers["x-amz-security-token"] for headers in used} == {"t/+="}


@pytest.mark.parametrize(
    ("region", "bucket", "host", "path"),
    [
        ("eu-central-1", "clips", "clips.s3.eu-central-1.amazonaws.com", ""),
        ("us-east-1", "clips", "clips.s3.us-east-1.amazonaws.com", ""),
        ("cn-north-1", "clips", "clips.s3.cn-north-1.amazonaws.com.cn", ""),
        ("eu-central-1", "my.clips", "s3.eu-central-1.amazonaws.com", "/my.clips"),
    ],
)
def test_aws_has_the_bucket_in_the_host(
    monkeypatch: pytest.MonkeyPatch, region: str, bucket: str, host: str, path: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    requests = own_session(connections=1).requests
    assert isinstance(requests, S3Requests)
    endpoint = requests.home.endpoint
    assert endpoint.of_bucket(bucket) == (host, path)
    assert endpoint.named(host) == host
    assert (requests.connections.port, requests.connections.tls, requests.home.signer.region) == (443, True, region)


def test_a_port_that_is_not_the_schemes_own_is_named() -> None:
    endpoint = Endpoint("store", 8333, tls=False, bucket_in_host=False)
    assert endpoint.of_bucket("clips") == ("store", "/clips")
    assert endpoint.named("store") == "store:8333"


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (412, "PreconditionFailed", SourceChanged),
        (403, "AccessDenied", AccessDenied),
        (404, "NoSuchKey", ObjectMissing),
        (400, "InvalidRequest", ObjectRejected),
    ],
)
def test_what_is_final_is_not_tried_again(
    storage: S3Storage, wire: Wire, status: int, code: str, kind: type[ObjectError]
) -> None:
    wire.answers.extend([failed(status, code), NOT_THERE])
    with pytest.raises(kind, match=rf"because \({code}, request R1\)"):
        storage.copy(ENTRY, PLAIN)
    assert [request[:4] for request in wire.requests] == [b"PUT ", *([b"HEAD"] if status == 412 else [])]


def test_a_final_error_in_the_body_of_a_200_has_its_name(storage: S3Storage, wire: Wire) -> None:
    wire.answers.extend([failed(200, "AccessDenied")] * 5)
    with pytest.raises(AccessDenied):
        storage.copy(ENTRY, PLAIN)


PASSING = [
    failed(503, "SlowDown"),
    failed(200, "SlowDown"),
    failed(200, "InternalError"),
    failed(500, "InternalError"),
    answer(200, b"   "),
    answer(200, b"<CopyObjectResult><ETag>&quot;cut"),
    answer(200, b"<CopyObjectResult></CopyObjectResult>"),
    answer(502, b"<html>Bad Gateway</html>"),
    answer(503),
    answer(429),
    b"",
    b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n<Copy",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    answer(200, b"x" * (connections.MAX_ANSWER_BYTES + 1)),
]


@pytest.mark.parametrize("fault", PASSING, ids=range(len(PASSING)))
def test_a_passing_fault_is_tried_again(storage: S3Storage, wire: Wire, no_sleep: list[float], fault: bytes) -> None:
    wire.answers.extend([fault, fault])
    assert storage.copy(ENTRY, PLAIN).etag == MD5
    assert len(wire.requests) == 3
    assert len(no_sleep) == 2
    assert 0 <= no_sleep[0] <= 1
    assert 0 <= no_sleep[1] <= 2


def test_after_the_last_try_a_transient_error_is_raised(storage: S3Storage, wire: Wire, no_sleep: list[float]) -> None:
    wire.answers.extend([failed(503, "SlowDown")] * 5)
    with pytest.raises(SourceUnavailable, match=r"because \(SlowDown, request R1\)"):
        storage.copy(ENTRY, PLAIN)
    assert (len(wire.requests), len(no_sleep)) == (5, 4)


def test_blanks_before_the_result_are_how_s3_keeps_a_long_copy_alive(storage: S3Storage, wire: Wire) -> None:
    chunks = [b" ", b"\n", COPIED % MD5.encode()]
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    wire.answers.append(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    assert storage.copy(ENTRY, PLAIN).etag == MD5
    storage.copy(ENTRY, PLAIN)
    assert wire.connections == 1


def test_nobody_there_is_a_passing_fault(boto3_client: "S3Client", no_sleep: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    storage = a_storage(boto3_client, requests_to(f"http://127.0.0.1:{port}"))
    with pytest.raises(SourceUnavailable, match=r"no connection to .*: ConnectionRefusedError"):
        storage.copy(ENTRY, PLAIN)
    assert len(no_sleep) == 4


def test_silence_is_a_passing_fault(boto3_client: "S3Client", wire: Wire) -> None:
    wire.gate = threading.Event()
    patience = Patience(connect_seconds=5, read_seconds=0.05, attempts=2)
    storage = a_storage(boto3_client, requests_to(wire.url, patience=patience))
    with pytest.raises(SourceUnavailable, match="S3 did not answer: no answer in time"):
        storage.copy(ENTRY, PLAIN)
    wire.gate.set()
    while len(wire.requests) < 2:
        pass  # the server may note the second one later


# --- looking ---------------------------------------------------------------------------------------------------------

AT = s3_at(SOURCE_BUCKET, "a b+%20/日本.zip")
PATH = "a%20b%2B%2520/%E6%97%A5%E6%9C%AC.zip"


def test_an_object_is_inspected_by_one_head(storage: S3Storage, wire: Wire) -> None:
    wire.answers.append(head("Last-Modified: Sun, 22 Nov 2026 17:00:00 GMT", "x-amz-version-id: v2"))
    found = storage.stat(AT, version="v 2")
    assert found == ListedObject(key=AT.key, size=25, etag=MD5, version="v2", modified="2026-11-22T17:00:00.000Z")
    line, headers = wire.sent()
    assert line == f"HEAD /{SOURCE_BUCKET}/{PATH}?versionId=v%202 HTTP/1.1"
    headers["content-length"] = "0"  # a request without a body need not say so
    assert signed(headers) == {"host": f"127.0.0.1:{wire.port}"}


PAGE = (
    b"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><Contents><Key>p/a+b</Key>"
    b"<LastModified>2026-11-22T17:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>1</Size></Contents>"
    b"</ListBucketResult>"
)


def test_a_page_of_a_listing_is_one_request(storage: S3Storage, wire: Wire) -> None:
    wire.answers.append(answer(200, PAGE))
    (page,) = storage.list_pages(s3_at(SOURCE_BUCKET, "p/+ "), start_after="p/+ é")
    assert page == [ListedObject(key="p/a b", size=1, etag="e", modified="2026-11-22T17:00:00.000Z")]
    line, headers = wire.sent()
    query = "encoding-type=url&list-type=2&prefix=p%2F%2B%20&start-after=p%2F%2B%20%C3%A9"
    assert line == f"GET /{SOURCE_BUCKET}/?{query} HTTP/1.1"
    headers["content-length"] = "0"
    restores = {"x-amz-optional-object-attributes": "RestoreStatus"}
    assert signed(headers) == {"host": f"127.0.0.1:{wire.port}", **restores}


@pytest.mark.parametrize("broken", [PAGE[:-1], b"<html/>", b""])
def test_what_is_no_page_is_asked_again(storage: S3Storage, wire: Wire, broken: bytes) -> None:
    wire.answers.extend([answer(200, broken), failed(503, "SlowDown"), answer(200, PAGE)])
    assert [len(page) for page in storage.list_pages(s3_at(SOURCE_BUCKET, "p/"))] == [1]
    wire.answers.extend([answer(200, broken)] * PATIENCE.attempts)
    with pytest.raises(SourceUnavailable, match=r"^cannot list s3://source/p/: .* is not a page of a listing"):
        list(storage.list_pages(s3_at(SOURCE_BUCKET, "p/")))
    assert len(wire.requests) == 3 + PATIENCE.attempts


def test_after_a_head_the_connection_is_reused(storage: S3Storage, wire: Wire) -> None:
    wire.answers.extend([head(), head(), b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"])
    assert [storage.stat(AT).size for _ in range(2)] == [25, 25]
    with pytest.raises(ObjectMissing, match=r"there is no such object \(404\)"):
        storage.stat(AT)
    storage.copy(ENTRY, PLAIN)
    assert (wire.connections, len(wire.requests)) == (1, 4)


@pytest.mark.parametrize(
    ("source", "verified"),
    [
        ("x-amz-checksum-crc64nvme: AAAAAAAAAAA=", Verification.CHECKSUM),
        ("x-amz-checksum-crc64nvme: AAAAAAAAAAA=-3", Verification.UNVERIFIABLE),
        ("x-amz-checksum-type: FULL_OBJECT", Verification.UNVERIFIABLE),
    ],
)
def test_a_source_that_came_in_parts_takes_a_head_to_compare_checksums(
    storage: S3Storage, wire: Wire, source: str, verified: Verification
) -> None:
    told = b"<ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME></CopyObjectResult>"
    wire.answers.append(answer(200, (COPIED % MD5.encode()).replace(b"</CopyObjectResult>", told)))
    wire.answers.append(head(source))
    assert storage.copy(replace(ENTRY, etag="abc-3"), PLAIN).verified is verified
    line, headers = wire.sent()
    assert line.startswith("HEAD ")
    assert (headers["if-match"], headers["x-amz-checksum-mode"]) == ('"abc-3"', "ENABLED")


def test_bytes_are_read_by_one_pinned_request(storage: S3Storage, wire: Wire) -> None:
    wire.answers.append(answer(206, b"01234"))
    assert storage.reader(replace(ENTRY, version="v1")).read(10, 5) == b"01234"
    line, headers = wire.sent()
    assert line == f"GET /{SOURCE_BUCKET}/{PATH}?versionId=v1 HTTP/1.1"
    assert (headers["range"], headers["if-match"]) == ("bytes=10-14", f'"{MD5}"')


def test_the_longest_read_of_a_check_is_one_request(storage: S3Storage, wire: Wire) -> None:
    body = bytes(MAX_READ_BYTES)
    wire.answers.append(answer(206, body))
    assert storage.reader(replace(ENTRY, size=len(body))).read(0, len(body)) == body
    assert len(wire.requests) == 1


def test_other_bytes_than_were_asked_for_are_a_passing_fault(storage: S3Storage, wire: Wire) -> None:
    wire.answers.extend([answer(200, bytes(25)), answer(206, b"012"), answer(206, b"01234")])
    assert storage.reader(ENTRY).read(10, 5) == b"01234"
    assert len(wire.requests) == 3


# --- regions ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def in_region(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> S3Requests:
    """Return requests whose host names, like AWS's, all lead to the test's server."""
    requests = requests_to(wire.url)
    real = connections.opened

    async def opened(_host: str, *more: Any) -> connections.Connection:
        return await real("127.0.0.1", *more)

    monkeypatch.setattr(connections, "opened", opened)
    endpoint = replace(requests.home.endpoint, host="s3.us-east-1.amazonaws.com", bucket_in_host=True)
    return replace(requests, home=replace(requests.home, endpoint=endpoint))


@pytest.mark.parametrize(
    "told",
    [
        [answer(301, b"", "x-amz-bucket-region: eu-west-3")],
        [answer(400, b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>")],
        [answer(301), answer(301, b"", "x-amz-bucket-region: eu-west-3")],
        [answer(400), answer(400, b"", "x-amz-bucket-region: eu-west-3")],
        [answer(302), answer(302, b"", "x-amz-bucket-region: eu-west-3")],
        [failed(400, "IllegalLocationConstraintException"), answer(400, b"", "x-amz-bucket-region: eu-west-3")],
    ],
    ids=["a header", "the error", "a HEAD of the bucket", "400", "302 without a region", "an opt-in region"],
)
def test_a_source_in_another_region_is_asked_there_from_then_on(
    in_region: S3Requests, wire: Wire, told: list[bytes]
) -> None:
    wire.answers.extend([*told, answer(206, b"0"), answer(206, b"1")])
    reader = S3RangeReader(in_region, ENTRY)
    assert [reader.read(0, 1), reader.read(1, 1)] == [b"0", b"1"]
    assert len(wire.requests) == len(told) + 2
    for number in (-1, -2):
        headers = wire.sent(number)[1]
        assert headers["host"] == f"{SOURCE_BUCKET}.s3.eu-west-3.amazonaws.com:{wire.port}"
        assert "/eu-west-3/s3/aws4_request" in headers["authorization"]


def test_a_redirect_that_never_says_where_is_an_error_that_names_the_region(in_region: S3Requests, wire: Wire) -> None:
    wire.answers.extend([answer(302), answer(302)])
    with pytest.raises(BucketElsewhere, match="the bucket is in another region"):
        S3RangeReader(in_region, ENTRY).read(0, 1)


def test_an_answer_that_names_no_other_region_is_final(in_region: S3Requests, wire: Wire) -> None:
    wire.answers.extend([failed(301, "PermanentRedirect"), answer(301, b"", "x-amz-bucket-region: us-east-1")])
    with pytest.raises(BucketElsewhere):
        S3RangeReader(in_region, ENTRY).read(0, 1)
    assert [request.split(b" ", 1)[0] for request in wire.requests] == [b"GET", b"HEAD"]


def test_a_store_of_its_own_has_no_regions(storage: S3Storage, wire: Wire) -> None:
    wire.answers.append(answer(301, b"", "x-amz-bucket-region: eu-west-3"))
    with pytest.raises(BucketElsewhere):
        storage.stat(AT)
    assert len(wire.requests) == 1


# --- many copies -----------------------------------------------------------------------------------------------------


def mark_of(entry: ManifestEntry) -> str:
    return f"ij_1-{entry.ordinal}"


def entries(count: int) -> list[ManifestEntry]:
    return [replace(ENTRY, ordinal=number, destination=f"demo/{number}.zip") for number in range(count)]


def test_many_are_in_flight_on_one_thread(storage: S3Storage, wire: Wire) -> None:
    wire.gate = threading.Event()
    begun: list[int] = []
    threads: set[int] = set()

    def coming() -> Iterator[ManifestEntry]:
        for entry in entries(40):
            begun.append(entry.ordinal)
            threads.add(threading.get_ident())
            yield entry

    def settled(_entry: ManifestEntry, outcome: Copied | ObjectError) -> None:
        outcomes.append(outcome)
        threads.add(threading.get_ident())

    outcomes: list[Copied | ObjectError] = []
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(storage.copy_each, coming(), PLAIN, settled, mark_of=mark_of, at_once=7)
        while len(wire.requests) < 7:
            pass
        assert (len(begun), outcomes) == (7, [])
        wire.gate.set()
        done.result()
    assert len([one for one in outcomes if isinstance(one, Copied)]) == 40
    assert (wire.connections, wire.most_at_once, len(threads)) == (7, 7, 1)


def test_each_copy_s_result_is_reported(storage: S3Storage, wire: Wire) -> None:
    wire.answers.extend([copied(), failed(403, "AccessDenied"), failed(412, "PreconditionFailed"), NOT_THERE, copied()])
    outcomes: list[tuple[int, type]] = []
    storage.copy_each(
        entries(4),
        PLAIN,
        lambda entry, outcome: outcomes.append((entry.ordinal, type(outcome))),
        mark_of=mark_of,
        at_once=1,
    )
    assert outcomes == [(0, Copied), (1, AccessDenied), (2, SourceChanged), (3, Copied)]


def test_a_check_reads_its_ranges_on_the_same_thread_before_the_copy(storage: S3Storage, wire: Wire) -> None:
    wire.answers.extend(
        [answer(206, b"PK"), answer(206, b"end"), copied(), answer(206, b"<h"), failed(403, "AccessDenied")]
    )
    threads: set[int] = set()
    read: list[bytes] = []
    outcomes: list[tuple[int, type]] = []

    def check(entry: ManifestEntry) -> Reading[bool]:
        threads.add(threading.get_ident())
        read.append((yield Range(0, 2)))
        if entry.ordinal == 0:
            read.append((yield Range(22, 3)))
        return entry.ordinal == 0

    def settled(entry: ManifestEntry, outcome: Copied | ObjectError) -> None:
        threads.add(threading.get_ident())
        outcomes.append((entry.ordinal, type(outcome)))

    storage.copy_each(entries(3), PLAIN, settled, mark_of=mark_of, at_once=1, check=check)
    assert read == [b"PK", b"end", b"<h"]
    assert outcomes == [(0, Copied), (2, AccessDenied)], "the second one is not copied, the third cannot be read"
    assert [one[:3] for one in wire.requests] == [b"GET", b"GET", b"PUT", b"GET", b"GET"]
    assert len(threads) == 1


def test_an_error_of_the_caller_ends_it_after_those_in_flight(storage: S3Storage, wire: Wire) -> None:
    def coming() -> Iterator[ManifestEntry]:
        yield from entries(5)
        raise RuntimeError("the table is gone")

    outcomes: list[object] = []
    with pytest.raises(RuntimeError, match="the table is gone"):
        storage.copy_each(coming(), PLAIN, lambda *told: outcomes.append(told), mark_of=mark_of, at_once=3)
    assert len(outcomes) == len(wire.requests) == 5


def test_an_error_of_the_callback_stops_the_copies(storage: S3Storage, wire: Wire) -> None:
    def settled(*_: object) -> None:
        raise RuntimeError("not this")

    with pytest.raises(RuntimeError, match="not this"):
        storage.copy_each(entries(50), PLAIN, settled, mark_of=mark_of, at_once=2)
    assert len(wire.requests) <= 4


# --- connections -----------------------------------------------------------------------------------------------------


def test_a_connection_serves_one_request_after_another(storage: S3Storage, wire: Wire) -> None:
    wire.answers.append(failed(404, "NoSuchKey"))
    with pytest.raises(ObjectMissing):
        storage.copy(ENTRY, PLAIN)
    for _ in range(5):
        storage.copy(ENTRY, PLAIN)
    assert wire.connections == 1


def test_no_more_connections_than_copies_at_once(storage: S3Storage, wire: Wire) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: storage.copy(ENTRY, PLAIN), range(40)))
    assert len(wire.requests) == 40
    assert wire.connections <= 4


def test_a_connection_that_was_closed_while_idle_costs_nothing(
    storage: S3Storage, wire: Wire, no_sleep: list[float]
) -> None:
    storage.copy(ENTRY, PLAIN)
    wire.answers.append(b"")
    storage.copy(ENTRY, PLAIN)
    assert (wire.connections, no_sleep) == (2, [])


def test_a_connection_that_is_to_be_closed_is_not_used_again(storage: S3Storage, wire: Wire) -> None:
    wire.answers.append(copied(MD5, "Connection: close"))
    storage.copy(ENTRY, PLAIN)
    storage.copy(ENTRY, PLAIN)
    assert wire.connections == 2


def test_a_connection_that_was_idle_for_long_is_not_used_again(
    storage: S3Storage, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.copy(ENTRY, PLAIN)
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.0)
    storage.copy(ENTRY, PLAIN)
    assert wire.connections == 2


# --- pressure --------------------------------------------------------------------------------------------------------


def test_a_store_that_asks_for_fewer_gets_fewer_a_second(boto3_client: "S3Client", wire: Wire) -> None:
    in_flight = InFlight(8, rate=1e6)
    storage = a_storage(boto3_client, requests_to(wire.url, in_flight=in_flight))
    wire.answers.append(failed(503, "SlowDown"))
    storage.copy(ENTRY, PLAIN)
    assert in_flight.rate == 1e6 - PENALTY
    wire.answers.append(failed(200, "SlowDown"))
    storage.copy(ENTRY, PLAIN)
    assert in_flight.rate == 1e6 - 2 * PENALTY


def test_no_more_are_sent_at_once_than_may_be_in_flight(boto3_client: "S3Client", wire: Wire) -> None:
    storage = a_storage(boto3_client, requests_to(wire.url, in_flight=InFlight(4, rate=1e6)))
    wire.gate = threading.Event()
    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(storage.copy, ENTRY, PLAIN) for _ in range(8)]
        while len(wire.requests) < 4:
            pass
        wire.gate.set()
        for one in done:
            one.result()
    assert wire.most_at_once == 4


def test_faults_that_are_no_refusal_do_not_slow_down(boto3_client: "S3Client", wire: Wire) -> None:
    in_flight = InFlight(8)
    wire.answers.extend([failed(500, "InternalError"), b""])
    a_storage(boto3_client, requests_to(wire.url, in_flight=in_flight)).copy(ENTRY, PLAIN)
    assert in_flight.rate == FIRST_RATE


def test_a_copy_without_a_turn_is_left_for_later(boto3_client: "S3Client", wire: Wire, no_sleep: list[float]) -> None:
    in_flight = InFlight(1, wait_seconds=0.01)
    run(in_flight.begin())
    with pytest.raises(SourceUnavailable, match="waiting for a request slot"):
        a_storage(boto3_client, requests_to(wire.url, in_flight=in_flight)).copy(ENTRY, PLAIN)
    assert (wire.requests, no_sleep) == ([], [])


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Wire, Path]]:
    """A server with a certificate of its own making, and that certificate."""
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    connections.tls_context.forget()
    with serving(context) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"https://127.0.0.1:{wire.port}")
        yield wire, certificate
    connections.tls_context.forget()


def self_signed(folder: Path) -> Path:
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "store")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "store.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_a_certificate_of_a_known_authority_is_accepted(
    over_tls: tuple[Wire, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, certificate = over_tls
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    storage = a_storage(s3_client(connections=1))
    for _ in range(3):
        storage.copy(ENTRY, PLAIN)
    assert (len(wire.requests), wire.connections) == (3, 1)


def test_a_certificate_of_nobodys_is_refused_before_anything_is_sent(over_tls: tuple[Wire, Path]) -> None:
    wire, _ = over_tls
    with pytest.raises(SourceUnavailable, match="SSLCertVerificationError"):
        a_storage(s3_client(connections=1)).copy(ENTRY, PLAIN)
    assert not wire.requests


# --- a batch ---------------------------------------------------------------------------------------------------------


def test_a_clip_costs_one_copy_and_nothing_else(storage: S3Storage, wire: Wire) -> None:
    """`by_boto3` answers anything else with an error."""
    world = World(batch_clips=100)
    keys = [f"p/{number:03d}.zip" for number in range(100)]
    world.storage.buckets[SOURCE_BUCKET] = {key: ListedObject(key=key, size=10, etag=MD5) for key in keys}
    job = world.planned_list(keys)
    world.storage = storage  # type: ignore[assignment]
    world.copiers = OneCopier(storage)
    (batch,) = world.batches(job.id)
    world.copy(batch)
    assert world.job(job.id).counts.copied == 100
    assert [request.split(b" ", 1)[0] for request in wire.requests] == [b"PUT"] * 100
    assert all(b"x-amz-copy-source: " in request for request in wire.requests)
