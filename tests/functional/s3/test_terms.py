"""Test the terms of sources in requests: who pays, and the customer's key. The clips bucket hears neither."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from botocore.credentials import Credentials

from service.aws.clients import s3_client
from service.aws.s3.http.rate_limiter import InFlight
from service.aws.s3.session import RoleSessions, session_of
from service.aws.s3.storage import S3Storage
from service.domain.errors import CustomerKeyWrong, InvalidRequest
from service.domain.multipart import copy_parts
from service.domain.requests import ImportSettings
from service.domain.source_terms import SourceTerms, check_customer_key
from service.domain.uris import s3_at
from tests.builders import CLIPS_BUCKET, SOURCE_BUCKET, an_entry
from tests.functional.wire import Wire, answer, serving

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = base64.b64encode(b"k" * 32).decode()
PAYER = {"x-amz-request-payer": "requester"}
ENTRY = an_entry(etag="abc-2", size=25)
PAGE = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
UPLOAD = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
TAGS = b"<Tagging><TagSet></TagSet></Tagging>"
PART = b"<CopyPartResult><ETag>&quot;p&quot;</ETag></CopyPartResult>"
HEAD = answer(200, b"", 'ETag: "abc-2"').replace(b"Content-Length: 0", b"Content-Length: 25")


@pytest.fixture
def wire() -> Iterator[Wire]:
    with serving() as wire:
        yield wire


@pytest.fixture
def storage(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> S3Storage:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", wire.url)
    client: S3Client = s3_client(connections=1)
    session = session_of(client, Credentials("AKIDEXAMPLE", "secret"), in_flight=InFlight(1))
    terms = SourceTerms(requester_pays=True, customer_key=KEY)
    return S3Storage(own=session, clips_bucket=CLIPS_BUCKET, role=RoleSessions(session, session, terms))


def told(wire: Wire, number: int = -1) -> dict[str, str]:
    """The headers of a request that are about payment or keys."""
    headers = {name.lower(): value for name, value in wire.sent(number)[1].items()}
    return {name: value for name, value in headers.items() if "payer" in name or "customer" in name}


def key(begin: str = "x-amz-") -> dict[str, str]:
    named = {"algorithm": "AES256", "key": KEY, "key-md5": SourceTerms(customer_key=KEY).key_md5}
    return {f"{begin}server-side-encryption-customer-{name}": value for name, value in named.items()}


def test_the_md5_is_that_of_the_key_s_bytes() -> None:
    assert SourceTerms(customer_key=KEY).key_md5 == base64.b64encode(hashlib.md5(b"k" * 32).digest()).decode()


@pytest.mark.parametrize("text", ["", "short", KEY[:-4], KEY + "AAAA", "ä" * 44])
def test_a_customer_key_has_32_bytes(text: str) -> None:
    assert check_customer_key(KEY) == KEY
    with pytest.raises(InvalidRequest, match="base64 of 32 bytes"):
        check_customer_key(text)


def test_a_listing_says_who_pays(storage: S3Storage, wire: Wire) -> None:
    wire.answers.append(answer(200, PAGE))
    assert list(storage.list_pages(s3_at(SOURCE_BUCKET, "p/"))) == [[]]
    assert told(wire) == PAYER


def test_heads_and_reads_bring_the_key(storage: S3Storage, wire: Wire) -> None:
    wire.answers.extend([HEAD, answer(206, b"0123456789")])
    storage.stat(s3_at(SOURCE_BUCKET, "p/a.zip"))
    assert told(wire) == PAYER | key()
    assert storage.reader(ENTRY).read(0, 10) == b"0123456789"
    assert told(wire) == PAYER | key()


def test_a_copy_brings_the_key_of_its_source(storage: S3Storage, wire: Wire) -> None:
    storage.copy(replace(ENTRY, etag="d41d8cd98f00b204e9800998ecf8427e"), ImportSettings())
    assert told(wire, 0) == PAYER | key("x-amz-copy-source-")


def test_parts_bring_the_key_and_tags_the_payer(storage: S3Storage, wire: Wire) -> None:
    wire.answers.extend([HEAD, answer(200, TAGS), answer(200, UPLOAD), answer(200, PART)])
    upload = storage.begin_parts(ENTRY, ImportSettings())
    assert [told(wire, number) for number in range(3)] == [PAYER | key(), PAYER, {}]
    storage.copy_part(ENTRY, upload, 1, next(iter(copy_parts(25, part_bytes=25))))
    assert told(wire) == PAYER | key("x-amz-copy-source-")


def test_the_service_s_own_access_pays_where_the_deployment_says_so(storage: S3Storage, wire: Wire) -> None:
    own = replace(storage, role=None, requester_pays=["paid"])
    for bucket, expected in (("paid", PAYER), (SOURCE_BUCKET, {}), (CLIPS_BUCKET, {})):
        wire.answers.append(HEAD)
        own.stat(s3_at(bucket, "p/a.zip"))
        assert told(wire) == expected, bucket


@pytest.mark.parametrize(
    "message",
    [
        "The object was stored using a form of Server Side Encryption. The correct parameters must be provided.",
        "The encryption parameters are not applicable to this object.",
        "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.",
    ],
)
def test_a_wrong_key_has_a_code_of_its_own_also_where_a_head_says_nothing(
    storage: S3Storage, wire: Wire, message: str
) -> None:
    body = f"<Error><Code>InvalidRequest</Code><Message>{message}</Message></Error>".encode()
    wire.answers.extend([answer(400), answer(400, body)])
    with pytest.raises(CustomerKeyWrong, match=message[:20]):
        storage.stat(s3_at(SOURCE_BUCKET, "p/a.zip"))
