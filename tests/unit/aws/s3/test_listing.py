"""Pages of ListObjectsV2 are parsed like botocore parses them, in any form."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

import boto3
import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from service.aws.clients import Unanswered
from service.aws.s3 import listing
from service.aws.s3.listing import list_query, parse_page
from service.domain.objects import ListedObject
from service.support.clock import timestamp

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
TAIL = "</ListBucketResult>"
OF_S3 = (
    "<Contents><Key>clips/a.zip</Key><LastModified>2026-11-22T17:00:00.123Z</LastModified><ETag>&quot;e1&quot;</ETag>"
    "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>7</Size>"
    "<StorageClass>STANDARD</StorageClass></Contents>"
)
A = ListedObject(key="clips/a.zip", size=7, etag="e1", modified="2026-11-22T17:00:00.123Z")


def page(*parts: str, head: str = HEAD, encoded: bool = True) -> bytes:
    said = "<EncodingType>url</EncodingType>" if encoded else ""
    return f"{head}<Name>b</Name>{said}<IsTruncated>false</IsTruncated>{''.join(parts)}{TAIL}".encode()


def only(body: bytes) -> ListedObject:
    (found,) = parse_page(body).objects
    return found


def an_object(key: str = "k", *, etag: str = "&quot;e&quot;", modified: str = "2026-11-22T17:00:00.000Z") -> str:
    return (
        f"<Contents><Key>{key}</Key><LastModified>{modified}</LastModified><ETag>{etag}</ETag><Size>1</Size></Contents>"
    )


def test_a_page_of_s3_is_read_without_a_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_any", None)
    owner = "<Owner><DisplayName>o</DisplayName><ID>1</ID></Owner></Contents>"
    found = parse_page(page(OF_S3, OF_S3.replace("a.zip", "b%2B%20c.zip").replace("</Contents>", owner)))
    assert [item.key for item in found.objects] == ["clips/a.zip", "clips/b+ c.zip"]
    assert found.objects[0] == A
    assert not found.more
    assert parse_page(page()).objects == []


@pytest.mark.parametrize("spaces", ["><", ">\n <"], ids=["as S3 writes it", "parsed"])
def test_intelligent_tiering_hides_the_archive(spaces: str) -> None:
    tiering = OF_S3.replace("STANDARD", "INTELLIGENT_TIERING")
    found = parse_page(page((OF_S3 + tiering).replace("><", spaces))).objects
    assert [(item.archive_hidden, item.archive) for item in found] == [(False, None), (True, None)]


@pytest.mark.parametrize(
    "body",
    [
        page(OF_S3.replace("><", ">\n  <")),
        page(OF_S3, head="<ListBucketResult>"),
        page(OF_S3, head="<?xml version='1.0'?><!-- by hand --><ListBucketResult>"),
        page(OF_S3.replace("clips/a.zip", "<![CDATA[clips/a.zip]]>")),
        page(OF_S3.replace("clips/a.zip", "clips&#x2F;a.zip")),
        page(OF_S3.replace("&quot;e1&quot;", "e1")),
        page(OF_S3.replace("&quot;e1&quot;", '"e1"')),
        page(OF_S3.replace("&quot;e1&quot;", "&#34;e1&#34;")),
        page(OF_S3.replace("<Contents>", '<Contents xml:space="preserve">')),
        page(OF_S3.replace("17:00:00.123Z", "18:00:00.123456789+01:00")),
        page(OF_S3)
        .replace(b"<", b"<s3:")
        .replace(b"<s3:/", b"</s3:")
        .replace(b"<s3:?", b"<?")
        .replace(b"xmlns=", b"xmlns:s3="),
        page(OF_S3, "<!-- the end -->"),
        page(OF_S3) + b"\n",
        page(
            "<Contents><Size>7</Size><ETag>&quot;e1&quot;</ETag><StorageClass>STANDARD</StorageClass>"
            "<LastModified>2026-11-22T17:00:00.123Z</LastModified><Key>clips/a.zip</Key></Contents>"
        ),
    ],
)
def test_a_page_of_any_shape_says_the_same(body: bytes) -> None:
    assert only(body) == A


@pytest.mark.parametrize("around", ["{more}{objects}", "{objects}{more}", "{object}{more}{object}"])
def test_the_continuation_token_is_found_anywhere_in_the_page(around: str) -> None:
    more = "<IsTruncated>true</IsTruncated><NextContinuationToken>1+/=&amp;</NextContinuationToken>"
    body = HEAD + around.format(more=more, object=OF_S3, objects=OF_S3 * 2) + TAIL
    found = parse_page(body.encode())
    assert (found.more, found.token, len(found.objects)) == (True, "1+/=&", 2)


@pytest.mark.parametrize(
    ("sent", "encoded", "key"),
    [
        ("a+b%2Bc%20d%25", True, "a b+c d%"),
        ("%01%0D%0A%F0%9F%9A%97", True, "\x01\r\n🚗"),
        ("a+b%2Bc", False, "a+b%2Bc"),
        ("&amp;&lt;&gt;🚗 é", False, "&<>🚗 é"),
        ("a&#13;b", False, "a\rb"),
    ],
)
def test_keys_are_decoded_where_the_store_encoded_them(sent: str, encoded: bool, key: str) -> None:
    assert only(page(an_object(sent), encoded=encoded)).key == key


@pytest.mark.parametrize("etag", ["&quot;a-2&quot;", '"a-2"', "a-2", "&quot;a-2", "<![CDATA[a-2]]>"])
def test_an_etag_has_no_quotes(etag: str) -> None:
    assert only(page(an_object(etag=etag))).etag == "a-2"


@pytest.mark.parametrize(
    ("sent", "modified"),
    [
        ("2026-11-22T17:00:00Z", "2026-11-22T17:00:00.000Z"),
        ("2026-11-22T17:00:00.1239Z", "2026-11-22T17:00:00.123Z"),
        ("2026-11-22T17:00:00.123+01:00", "2026-11-22T16:00:00.123Z"),
        ("2026-11-22T17:00:00", "2026-11-22T17:00:00.000Z"),
        ("Sun, 22 Nov 2026 17:00:00 GMT", "2026-11-22T17:00:00.000Z"),
    ],
)
def test_times_are_written_as_everywhere(sent: str, modified: str) -> None:
    assert only(page(an_object(modified=sent))).modified == modified


def test_what_an_object_may_lack() -> None:
    least = "<Contents><Key>k</Key><Size>1</Size><ETag>&quot;e&quot;</ETag></Contents>"
    assert only(page(least)) == ListedObject(key="k", size=1, etag="e")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no XML",
        page(OF_S3)[:-1],
        page(OF_S3)[: len(HEAD) + 120],
        page(OF_S3).replace(b"clips/a", b"clips/\xff"),
        page(an_object(modified="yesterday")),
        page(an_object(modified="2026-13-22T17:00:00.000Z")),
        page(an_object(modified="9999-12-31T23:59:59-14:00")),
        page(OF_S3.replace("<Size>7</Size>", "<Size>many</Size>")),
        page(OF_S3.replace("<Size>7</Size>", "")),
        page("<Contents><Size>1</Size></Contents>"),
        page("<Contents><Key>k</Key><Size>1</Size></Contents>"),
        page("<Contents><Key>k</Key><Size>1</Size><ETag>&quot;&quot;</ETag></Contents>"),
        b"<Error><Code>InternalError</Code></Error>",
        b"<html><body>502</body></html>",
        f"{HEAD}<IsTruncated>true</IsTruncated>{TAIL}".encode(),
    ],
)
def test_what_is_no_page_is_a_passing_fault(body: bytes) -> None:
    with pytest.raises(Unanswered):
        parse_page(body)


def test_a_query_names_only_what_is_asked() -> None:
    always = [("encoding-type", "url"), ("list-type", "2")]
    assert list_query("") == always
    assert list_query("p/", start_after="p/a") == [*always, ("prefix", "p/"), ("start-after", "p/a")]
    assert list_query("p/", start_after="p/a", token="t") == [("continuation-token", "t"), *always, ("prefix", "p/")]


# --- beside botocore -------------------------------------------------------------------------------------------------


class _Answering:
    """A boto3 client that gets this body for every request."""

    def __init__(self) -> None:
        self.body = b""
        config = Config(signature_version=UNSIGNED)
        self.client = boto3.client("s3", region_name="us-east-1", config=config)
        events: Any = self.client.meta.events  # the stubs know no handlers that answer
        events.register("before-send.s3", self._answer)

    def _answer(self, **_request: Any) -> AWSResponse:
        class Raw:
            def stream(raw, **_given: Any) -> Any:  # noqa: N805
                yield self.body

        return AWSResponse("http://s3", 200, HTTPHeaders(), Raw())

    def objects(self, body: bytes) -> list[ListedObject]:
        self.body = body
        return [
            ListedObject(
                key=item["Key"],
                size=item["Size"],
                etag=item["ETag"].strip('"'),
                modified=timestamp(item["LastModified"]),
            )
            for item in self.client.list_objects_v2(Bucket="b").get("Contents", [])
        ]


BOTO = _Answering()
in_xml = st.characters(min_codepoint=0x20, exclude_categories=["Cs"], exclude_characters="\x7f\ufffe\uffff")
anything = st.characters(exclude_categories=["Cs"])
times = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001  # the zone is written
    lambda moment: moment.isoformat(timespec="milliseconds") + "Z"
)


@st.composite
def listings(draw: st.DrawFn) -> bytes:
    """Pages of several stores: mostly in S3's form, with or without optional elements, keys encoded or not."""
    encoded = draw(st.booleans())
    keys = draw(st.lists(st.text(anything if encoded else in_xml, min_size=1, max_size=8), max_size=4))
    usual = draw(st.booleans())
    said = []
    for key in keys:
        written = escape(quote_plus(key, safe="/") if encoded else key)
        etag = draw(st.sampled_from(["&quot;e&quot;", '"e-3"', "&#34;e&#34;"]))
        leaves = [
            f"<Key>{written}</Key>",
            f"<LastModified>{draw(times)}</LastModified>",
            f"<ETag>{'&quot;e&quot;' if usual else etag}</ETag>",
            draw(st.sampled_from(["", "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>"])),
            f"<Size>{draw(st.integers(0, 2**45))}</Size>",
            draw(st.sampled_from(["", "<StorageClass>STANDARD</StorageClass>", "<Owner><ID>Key</ID></Owner>"])),
        ]
        said.append(f"<Contents>{''.join(leaves if usual else draw(st.permutations(leaves)))}</Contents>")
    head = HEAD if usual else draw(st.sampled_from([HEAD, "<ListBucketResult>", f"{HEAD}<!-- -->\n"]))
    return page(*said, head=head, encoded=encoded)


@given(listings())
def test_listings_are_read_as_botocore_reads_them(body: bytes) -> None:
    assert list(parse_page(body).objects) == BOTO.objects(body)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001  # it gets one
def test_a_time_is_the_same_either_way(moment: datetime) -> None:
    written = moment.replace(tzinfo=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert only(page(an_object(modified=written))).modified == timestamp(moment.replace(tzinfo=UTC))


RESTORED = (
    "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>"
    "<RestoreExpiryDate>2026-12-01T00:00:00.000Z</RestoreExpiryDate></RestoreStatus>"
)
RESTORING = "<RestoreStatus><IsRestoreInProgress>true</IsRestoreInProgress></RestoreStatus>"


@pytest.mark.parametrize(
    ("storage_class", "status", "archive"),
    [
        ("GLACIER", "", "GLACIER"),
        ("DEEP_ARCHIVE", RESTORING, "DEEP_ARCHIVE"),
        ("GLACIER", RESTORED, None),
        ("GLACIER_IR", "", None),
        ("INTELLIGENT_TIERING", "", None),
        ("STANDARD", "", None),
    ],
)
def test_a_page_tells_which_objects_are_archived(storage_class: str, status: str, archive: str | None) -> None:
    told = OF_S3.replace("STANDARD", storage_class).replace("</Contents>", f"{status}</Contents>")
    found = parse_page(page(OF_S3, told.replace("a.zip", "b.zip"))).objects
    assert [(item.key, item.archive) for item in found] == [("clips/a.zip", None), ("clips/b.zip", archive)]
