"""Cases that no local server can show: STS, AWS's own errors, sources with false answers, URLs to private addresses."""

import base64
import hashlib
import io
import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.stub import Stubber
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from service.domain.clips import Verification
from service.domain.errors import (
    AccessDenied,
    BucketElsewhere,
    ChecksumMismatch,
    CredentialsRejected,
    DestinationChanged,
    InvalidRequest,
    NotVersioned,
    ObjectArchived,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    RateLimited,
    SourceChanged,
    SourceUnavailable,
    UploadGone,
)
from service.domain.multipart import copy_parts
from service.domain.objects import Copied, Sent
from service.domain.requests import ImportSettings, OnExisting, Restore
from service.domain.source_terms import SourceTerms
from service.domain.uris import Location, parse_prefix
from service.domain.verification import etag_of_parts
from service.sources.digests import encoded, extended
from service.sources.gcs import gcs_with_account
from service.sources.http import Asked
from service.sources.hub import HubAdapter, hub_endpoint
from service.sources.memory import Memory
from service.sources.objects import SourceObjects
from service.sources.patience import Patience
from service.sources.patient import PatientSource
from service.sources.port import CHUNK_BYTES, Pin, SourceObject
from service.sources.roles import S3Role, s3_with_role
from service.sources.s3 import S3Adapter, S3Keys, parse_listings_fast, s3_error, s3_with_keys
from service.sources.stream_copy import MIN_PART_BYTES, StreamCopy, Streamed
from service.sources.streaming import StreamingStorage
from service.web.addresses import AddressRule
from tests.builders import CLIPS_BUCKET, an_entry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WHERE = Location("s3", "elsewhere", "clip.mp4")
INSIDE = AddressRule(resolve=lambda *_: ["10.0.0.7"])
LARGE = os.urandom(2 * MIN_PART_BYTES + 1000)


# --- deletions of S3's objects -------------------------------------------------------------------------------------

GONE = Pin(size=3, etag="e" * 32)


def _head(version: str | None = None, **changes: Any) -> dict[str, Any]:
    head = {"ContentLength": 3, "ETag": f'"{GONE.etag}"'} | ({"VersionId": version} if version else {})
    return head | changes


def _adapter(**changes: Any) -> S3Adapter:
    return replace(S3Adapter(boto3.client("s3")), **changes)


OBJECT = {"Bucket": WHERE.bucket, "Key": WHERE.key}
ON_CONDITION = {**OBJECT, "IfMatch": f'"{GONE.etag}"'}


@pytest.mark.parametrize("version", [None, "null"])
def test_an_object_without_versions_is_deleted_on_condition_of_its_etag(version: str | None) -> None:
    adapter = _adapter()
    with Stubber(adapter.client) as stub:
        stub.add_response("head_object", _head(version), OBJECT)
        stub.add_response("delete_object", {}, ON_CONDITION)
        adapter.remove(WHERE, GONE)
        stub.assert_no_pending_responses()


def test_a_version_is_hidden_on_condition_of_its_etag_and_then_deleted_itself() -> None:
    """The version before it never shows, and one that is written in between stays."""
    adapter = _adapter(terms=SourceTerms(requester_pays=True))
    payer = {"RequestPayer": "requester"}
    with Stubber(adapter.client) as stub:
        stub.add_response("head_object", _head("v2"), OBJECT | payer)
        stub.add_response("delete_object", {"DeleteMarker": True}, ON_CONDITION | payer)
        stub.add_response("delete_object", {}, {**OBJECT, "VersionId": "v2", **payer})
        adapter.remove(WHERE, GONE)
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("there", [True, False])
def test_a_pinned_version_that_is_not_the_current_one_is_deleted_alone(there: bool) -> None:
    adapter = _adapter()
    with Stubber(adapter.client) as stub:
        if there:
            stub.add_response("head_object", _head("v9", ETag='"other"'), OBJECT)
        else:
            stub.add_client_error("head_object", "404", http_status_code=404)
        stub.add_response("delete_object", {}, {**OBJECT, "VersionId": "v1"})
        adapter.remove(WHERE, replace(GONE, version="v1"))
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("found", [{"ETag": '"other"'}, {"ContentLength": 4}])
def test_a_changed_object_is_not_deleted(found: dict[str, Any]) -> None:
    adapter = _adapter()
    with Stubber(adapter.client) as stub:
        stub.add_response("head_object", _head(None, **found), OBJECT)
        with pytest.raises(SourceChanged):
            adapter.remove(WHERE, GONE)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("PreconditionFailed", 412, SourceChanged),
        ("NoSuchKey", 404, ObjectMissing),
        ("AccessDenied", 403, AccessDenied),
        ("ConditionalRequestConflict", 409, SourceUnavailable),
        ("NotImplemented", 501, SourceUnavailable),
    ],
)
def test_a_refused_deletion_deletes_no_version(code: str, status: int, kind: type[ObjectError]) -> None:
    adapter = _adapter()
    with Stubber(adapter.client) as stub:
        stub.add_response("head_object", _head("v2"), OBJECT)
        stub.add_client_error("delete_object", code, http_status_code=status, expected_params=ON_CONDITION)
        with pytest.raises(kind):
            adapter.remove(WHERE, GONE)


def test_the_null_version_below_later_ones_is_deleted_by_its_id() -> None:
    adapter = _adapter()
    with Stubber(adapter.client) as stub:
        stub.add_response("head_object", _head("v9"), OBJECT)
        stub.add_response("delete_object", {}, {**OBJECT, "VersionId": "null"})
        adapter.remove(WHERE, replace(GONE, version="null"))
        stub.assert_no_pending_responses()


def test_a_store_without_conditions_deletes_what_the_head_found() -> None:
    adapter = _adapter(of_aws=False)
    with Stubber(adapter.client) as stub:
        stub.add_response("head_object", _head(), OBJECT)
        stub.add_client_error("delete_object", "NotImplemented", http_status_code=501, expected_params=ON_CONDITION)
        stub.add_response("delete_object", {}, OBJECT)
        adapter.remove(WHERE, GONE)
        stub.assert_no_pending_responses()


# --- versions of S3's objects --------------------------------------------------------------------------------------

AS_OF = "2026-01-01T00:00:02.000Z"
LISTING = {"Bucket": WHERE.bucket, "Prefix": WHERE.key, "MaxKeys": 1000, "OptionalObjectAttributes": ["RestoreStatus"]}


def _listed(key: str, version: str, second: int, **more: Any) -> dict[str, Any]:
    when = datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)
    listed = {"Key": key, "VersionId": version, "LastModified": when, "IsLatest": False}
    return listed | ({} if more.pop("marker", False) else {"ETag": f'"{version}"', "Size": 3}) | more


def _versions(adapter: S3Adapter, **asked: Any) -> list[tuple[str, str | None]]:
    pages = PatientSource(adapter, Patience(sleep=lambda _: None)).list_as_of(WHERE, AS_OF, **asked)
    return [(one.key, one.version) for page in pages for one in page]


def test_versions_are_listed_over_pages_with_both_markers() -> None:
    adapter = _adapter(terms=SourceTerms(requester_pays=True))
    asked = {**LISTING, "RequestPayer": "requester"}
    further = {"NextKeyMarker": "clip.mp4/b", "NextVersionIdMarker": "b9", "IsTruncated": True}
    first = {
        "Versions": [_listed("clip.mp4/a", "a1", 1), _listed("clip.mp4/b", "b9", 9)],
        "DeleteMarkers": [_listed("clip.mp4/0", "m", 1, marker=True)],
    }
    second = {"Versions": [_listed("clip.mp4/b", "b2", 2), _listed("clip.mp4/b", "b1", 1)], "IsTruncated": False}
    with Stubber(adapter.client) as stub:
        stub.add_response("list_object_versions", first | further, asked)
        marks = {"KeyMarker": "clip.mp4/b", "VersionIdMarker": "b9"}
        stub.add_client_error("list_object_versions", "SlowDown", http_status_code=503, expected_params=asked | marks)
        stub.add_response("list_object_versions", second, asked | marks)
        assert _versions(adapter) == [("clip.mp4/a", "a1"), ("clip.mp4/b", "b2")]
        stub.assert_no_pending_responses()


def test_a_listing_of_versions_goes_on_after_a_key() -> None:
    adapter = _adapter(of_aws=False)
    plain = {name: value for name, value in LISTING.items() if name != "OptionalObjectAttributes"}
    found = {"Versions": [_listed("clip.mp4/a", "a1", 1), _listed("clip.mp4/b", "b1", 1)]}
    with Stubber(adapter.client) as stub:
        stub.add_response("list_object_versions", found, {**plain, "KeyMarker": "clip.mp4/a"})
        assert _versions(adapter, start_after="clip.mp4/a") == [("clip.mp4/b", "b1")]


def test_a_single_object_takes_one_page() -> None:
    adapter = _adapter()
    found = {"Versions": [_listed(WHERE.key, "v1", 1), _listed(f"{WHERE.key}2", "w1", 1)], "IsTruncated": True}
    with Stubber(adapter.client) as stub:
        stub.add_response("list_object_versions", found, LISTING)
        assert _versions(adapter, only=True) == [(WHERE.key, "v1")]


@pytest.mark.parametrize("status", ["Enabled", "Suspended", None])
def test_a_bucket_that_shows_no_versions_is_asked_whether_it_keeps_them(status: str | None) -> None:
    adapter = _adapter()
    with Stubber(adapter.client) as stub:
        stub.add_response("list_object_versions", {"Versions": [_listed("clip.mp4", "null", 1)]}, LISTING)
        stub.add_response("get_bucket_versioning", {"Status": status} if status else {}, {"Bucket": WHERE.bucket})
        if status:
            assert _versions(adapter) == [("clip.mp4", "null")]
        else:
            with pytest.raises(NotVersioned):
                _versions(adapter)
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("restored", [True, False])
def test_a_listing_of_versions_tells_of_archives(restored: bool) -> None:
    adapter = _adapter()
    status = {"RestoreStatus": {"IsRestoreInProgress": False}} if restored else {}
    with Stubber(adapter.client) as stub:
        found = {"Versions": [_listed("clip.mp4", "v1", 1, StorageClass="GLACIER", **status)]}
        stub.add_response("list_object_versions", found, LISTING)
        pages = PatientSource(adapter).list_as_of(WHERE, AS_OF, only=True)
        (one,) = [one for page in pages for one in page]
    assert one.archive == (None if restored else "GLACIER")


# --- roles ---------------------------------------------------------------------------------------------------------


def test_a_role_is_assumed_with_its_external_id_once_for_an_hour() -> None:
    sts = boto3.client("sts")
    role = S3Role(role_arn="arn:aws:iam::123456789012:role/clips", external_id="of-this-integration")
    asked = {
        "RoleArn": role.role_arn,
        "RoleSessionName": "clipferry",
        "ExternalId": "of-this-integration",
        "DurationSeconds": 3600,
    }
    adapter = s3_with_role(role, sts=sts)
    with Stubber(sts) as stub:
        stub.add_response("assume_role", _session("FIRST", timedelta(hours=1)), asked)
        assert {_keys_of(adapter.client) for _ in range(3)} == {"AKIAFIRST0000000"}
        stub.assert_no_pending_responses()


def test_a_session_about_to_end_is_renewed() -> None:
    sts = boto3.client("sts")
    role = S3Role(role_arn="arn:aws:iam::123456789012:role/clips", external_id="of-this-integration")
    adapter = s3_with_role(role, sts=sts)
    with Stubber(sts) as stub:
        stub.add_response("assume_role", _session("FIRST", timedelta(minutes=14)))
        assert _keys_of(adapter.client) == "AKIAFIRST0000000"
        stub.add_response("assume_role", _session("OTHER", timedelta(hours=1)))
        assert _keys_of(adapter.client) == "AKIAOTHER0000000"


def test_a_role_that_does_not_trust_us_is_an_error_of_the_request() -> None:
    sts = boto3.client("sts")
    role = S3Role(role_arn="arn:aws:iam::123456789012:role/clips", external_id="a-secret-of-sorts")
    source = PatientSource(s3_with_role(role, sts=sts))
    with Stubber(sts) as stub:
        stub.add_client_error("assume_role", "AccessDenied", "not authorized to perform: sts:AssumeRole", 403)
        with pytest.raises(AccessDenied, match="sts:AssumeRole") as caught:
            source.stat(WHERE)
    assert "a-secret-of-sorts" not in f"{caught.value} {role!r}"


def _session(name: str, life: timedelta) -> Any:
    return {
        "Credentials": {
            "AccessKeyId": f"AKIA{name}0000000",
            "SecretAccessKey": "secret",
            "SessionToken": "token",
            "Expiration": datetime.now(UTC) + life,
        }
    }


def _keys_of(client: "S3Client") -> str:
    """The access key that signs, as a signed URL shows it."""
    url = client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    return url.partition("X-Amz-Credential=")[2].partition("%2F")[0]


# --- what AWS answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NoSuchKey", 404, ObjectMissing),
        ("AccessDenied", 403, AccessDenied),
        ("ExpiredToken", 400, CredentialsRejected),
        ("InvalidAccessKeyId", 403, CredentialsRejected),
        ("PermanentRedirect", 301, BucketElsewhere),
        ("AuthorizationHeaderMalformed", 400, BucketElsewhere),
        ("InvalidObjectState", 403, ObjectArchived),
        ("SlowDown", 503, RateLimited),
        ("InternalError", 500, SourceUnavailable),
        ("Unknown", 502, SourceUnavailable),
    ],
)
def test_codes(code: str, status: int, kind: type[ObjectError]) -> None:
    answer: Any = {"Error": {"Code": code, "Message": "words"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    assert type(s3_error(ClientError(answer, "GetObject"), Asked("read", WHERE))) is kind


# --- URLs that lead inside -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError, ConnectionClosedError]
)
def test_a_store_that_cannot_be_reached_may_be_reached_later(kind: Any) -> None:
    found = s3_error(kind(endpoint_url="https://store.example.com/?X-Signature=s"), Asked("read", WHERE))
    assert type(found) is SourceUnavailable
    assert "X-Signature" not in found.message


def test_a_caller_s_endpoint_is_asked_about_before_each_request() -> None:
    keys = S3Keys(access_key_id="A", secret_access_key="s", endpoint_url="https://store.example.com")
    source = PatientSource(s3_with_keys(keys, rule=INSIDE))
    for call in (lambda: source.stat(WHERE), lambda: list(source.list_pages(WHERE))):
        with pytest.raises(AccessDenied, match="must resolve to public addresses only"):
            call()
    assert "secret" not in repr(keys)
    assert "'s'" not in repr(keys)


def test_the_token_url_of_a_service_account_is_a_caller_s_too() -> None:
    source = PatientSource(gcs_with_account(_account("https://metadata.internal/token"), rule=INSIDE))
    with pytest.raises(AccessDenied, match="token_uri"):
        source.stat(Location("gs", "bucket", "key"))


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", '{"type": "authorized_user"}', '{"private_key": "PEM"}'])
def test_what_is_no_service_account(text: str) -> None:
    with pytest.raises(InvalidRequest, match="not the key file"):
        gcs_with_account(text, rule=INSIDE)


def test_a_key_that_is_none_is_not_quoted() -> None:
    fields = json.loads(_account("https://oauth2.googleapis.com/token"))
    with pytest.raises(InvalidRequest) as caught:
        gcs_with_account(json.dumps(fields | {"private_key": "-----BEGIN nonsense"}), rule=INSIDE)
    assert "nonsense" not in str(caught.value)


def _account(token_uri: str) -> str:
    key = rsa.generate_private_key(65537, 2048)
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, *form).decode()
    return json.dumps({"private_key": pem, "client_email": "a@b.iam.gserviceaccount.com", "token_uri": token_uri})


def test_the_hub_is_where_its_own_variable_says() -> None:
    assert hub_endpoint({}) == "https://huggingface.co"
    assert hub_endpoint({"HF_ENDPOINT": "https://hub.example.com/"}) == "https://hub.example.com"
    assert "hf_" not in repr(HubAdapter(rule=INSIDE, token="hf_never-shown"))


# --- copies of sources that lie ------------------------------------------------------------------------------------


@dataclass
class Lying:
    """Says one thing of its object and sends another."""

    data: bytes
    checksums: dict[str, str] = field(default_factory=dict)
    etag: str = "e" * 64
    headers: dict[str, str] = field(default_factory=lambda: {"ContentType": "video/mp4"})
    metadata: dict[str, str] = field(default_factory=dict)
    tagged: dict[str, str] = field(default_factory=dict)
    tags_denied: bool = False

    @property
    def pin(self) -> Pin:
        return Pin(size=len(self.data), etag=self.etag)

    def list_pages(self, location: Location, *, start_after: str, patience: Patience) -> Iterator[Sequence[Any]]:
        raise NotImplementedError

    def stat(self, location: Location, version: str | None) -> SourceObject:  # noqa: ARG002
        return SourceObject(
            key=location.key,
            size=len(self.data),
            etag=self.etag,
            checksums=self.checksums,
            headers=self.headers,
            metadata=self.metadata,
        )

    def restore(self, location: Location, archive: str, how: Restore, version: str | None) -> None:
        raise NotImplementedError

    def commit_of(self, location: Location) -> str | None:
        raise NotImplementedError

    def tags(self, location: Location, version: str | None) -> dict[str, str]:  # noqa: ARG002
        if self.tags_denied:
            raise AccessDenied("no", operation="read the tags of", uri=str(location))
        return self.tagged

    def remove(self, location: Location, pin: Pin) -> None:
        raise NotImplementedError

    def list_as_of(self, location: Location, as_of: str, **asked: Any) -> Iterator[Sequence[Any]]:
        raise NotImplementedError

    def open(self, location: Location, start: int, length: int, pin: Pin) -> Any:  # noqa: ARG002
        return io.BytesIO(self.data[start : start + length])


def copier(s3: "S3Client") -> StreamCopy:
    memory = Memory(2 * MIN_PART_BYTES, reused=MIN_PART_BYTES)
    return StreamCopy(client=s3, clips_bucket=CLIPS_BUCKET, memory=memory, part_bytes=MIN_PART_BYTES)


def item_of(lying: Lying, **changes: Any) -> Streamed:
    item = Streamed(source=PatientSource(lying), location=WHERE, pin=lying.pin, destination="clip")
    return replace(item, **changes)


SETTINGS = ImportSettings(storage_class="STANDARD_IA")
OVER = ImportSettings(on_existing=OnExisting.OVERWRITE)


def send(s3: "S3Client", item: Streamed, upload_id: str, *, numbers: Collection[int] | None = None) -> Sent:
    spans = dict(enumerate(copy_parts(item.pin.size, part_bytes=MIN_PART_BYTES), 1))
    some = {number: span for number, span in spans.items() if numbers is None or number in numbers}
    return copier(s3).send(item, upload_id, some, whole=numbers is None, check=lambda: None, advanced=lambda: None)


def copy(
    s3: "S3Client", lying: Lying, *, mark: str | None = None, settings: ImportSettings = SETTINGS, **changes: Any
) -> Copied:
    item = item_of(lying, **changes)
    if len(lying.data) <= MIN_PART_BYTES:
        return copier(s3).whole(item, settings, mark=mark)
    upload_id = copier(s3).begin(item, settings, mark=mark)
    sent = send(s3, item, upload_id)
    return copier(s3).complete(item, upload_id, [sent.etags[n] for n in sorted(sent.etags)], settings, sent.digests)


def body(s3: "S3Client") -> bytes:
    return s3.get_object(Bucket=CLIPS_BUCKET, Key="clip")["Body"].read()


whole_or_parts = pytest.mark.parametrize("data", [b"small", LARGE], ids=["whole", "parts"])


@whole_or_parts
@pytest.mark.parametrize("kind", ["CRC32C", "CRC32"])
def test_a_checksum_that_the_store_knows_is_compared(s3: "S3Client", data: bytes, kind: Any) -> None:
    done = copy(s3, Lying(data, {kind: encoded(extended(kind, 0, data))}))
    assert done.verified is Verification.CHECKSUM
    head = s3.head_object(Bucket=CLIPS_BUCKET, Key="clip")
    assert (head["ContentLength"], head["StorageClass"], head["ContentType"]) == (len(data), "STANDARD_IA", "video/mp4")


@whole_or_parts
@pytest.mark.parametrize("kind", ["CRC32C", "CRC32", "MD5"])
def test_other_bytes_than_the_store_says_never_land(s3: "S3Client", data: bytes, kind: str) -> None:
    s3.put_object(Bucket=CLIPS_BUCKET, Key="clip", Body=b"the copy of before")
    with pytest.raises(ChecksumMismatch):
        copy(s3, Lying(data, {kind: "AAAAAA=="}))
    assert body(s3) == b"the copy of before"


@whole_or_parts
@pytest.mark.parametrize(("kind", "name"), [("CRC32", None), ("SHA256", "sha256"), ("SHA1", "sha1")])
def test_a_checksum_that_the_caller_gave_is_compared(s3: "S3Client", data: bytes, kind: Any, name: str | None) -> None:
    value = base64.b64encode(hashlib.new(name, data).digest()).decode() if name else encoded(extended(kind, 0, data))
    done = copy(s3, Lying(data, {"CRC32C": encoded(extended("CRC32C", 0, data))}), checksum=f"{kind}:{value}")
    assert done.verified is Verification.CHECKSUM
    s3.delete_object(Bucket=CLIPS_BUCKET, Key="clip")
    wrong = base64.b64encode(b"\0" * len(base64.b64decode(value))).decode()
    with pytest.raises(ChecksumMismatch, match="its line in the manifest"):
        copy(s3, Lying(data), checksum=f"{kind}:{wrong}")
    assert s3.list_objects_v2(Bucket=CLIPS_BUCKET)["KeyCount"] == 0


def test_what_is_found_wrong_after_completion_is_removed_and_what_lay_there_before_is_not(s3: "S3Client") -> None:
    """A resumed upload to a store that neither refuses nor compares."""
    s3.put_bucket_versioning(Bucket=CLIPS_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=CLIPS_BUCKET, Key="clip", Body=b"the copy of before")
    lying = Lying(LARGE, {"CRC32C": "AAAAAA=="})
    item = item_of(lying)
    upload_id = copier(s3).begin(item, SETTINGS)
    sent = send(s3, item, upload_id, numbers=(1, 2, 3))

    def careless(params: dict[str, Any], **_: Any) -> None:
        params["headers"].pop("x-amz-checksum-crc32c", None)

    def tells(parsed: dict[str, Any], **_: Any) -> None:
        parsed["ChecksumCRC32C"] = encoded(extended("CRC32C", 0, LARGE))

    events = s3.meta.events
    events.register("before-call.s3.CompleteMultipartUpload", careless, unique_id="careless")
    events.register("after-call.s3.CompleteMultipartUpload", tells, unique_id="tells")
    try:
        with pytest.raises(ChecksumMismatch):
            copier(s3).complete(item, upload_id, [sent.etags[n] for n in (1, 2, 3)], OVER, None)
    finally:
        events.unregister("before-call.s3.CompleteMultipartUpload", unique_id="careless")
        events.unregister("after-call.s3.CompleteMultipartUpload", unique_id="tells")
    assert body(s3) == b"the copy of before"
    versions = s3.list_object_versions(Bucket=CLIPS_BUCKET)
    assert (len(versions["Versions"]), versions.get("DeleteMarkers", [])) == (1, [])


def test_an_etag_that_is_no_md5_proves_nothing(s3: "S3Client") -> None:
    assert copy(s3, Lying(b"small", etag="0" * 32)).verified is Verification.UNVERIFIABLE


def test_s3_rejects_a_resumed_copy_with_another_checksum() -> None:
    client = boto3.client("s3")
    lying = Lying(LARGE, {"CRC32": "AAAAAA=="})
    copying = StreamCopy(client=client, clips_bucket=CLIPS_BUCKET, memory=Memory(16 * 1024**2))
    item = item_of(lying)
    asked = {
        "Bucket": CLIPS_BUCKET,
        "Key": "clip",
        "UploadId": "u",
        "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": '"a"'}, {"PartNumber": 2, "ETag": '"b"'}]},
        "ChecksumType": "FULL_OBJECT",
        "ChecksumCRC32": "AAAAAA==",
        "IfNoneMatch": "*",
    }
    with Stubber(client) as stub:
        stub.add_client_error("complete_multipart_upload", "BadDigest", "words", 400, expected_params=asked)
        with pytest.raises(ChecksumMismatch):
            copying.complete(item, "u", ["a", "b"], SETTINGS, None)
        for code, status in (("NoSuchUpload", 404), ("ConditionalRequestConflict", 409)):
            stub.add_client_error("complete_multipart_upload", code, "words", status, expected_params=asked)
            with pytest.raises(UploadGone):
                copying.complete(item, "u", ["a", "b"], SETTINGS, None)
        stub.add_client_error("upload_part", "BadDigest", "words", 400)
        with pytest.raises(SourceUnavailable, match="arrived damaged at S3"):
            copying.send(item, "u", {1: (0, 9)}, whole=False, check=lambda: None, advanced=lambda: None)
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("seen", "on_existing", "condition"),
    [
        (None, OnExisting.SKIP, {"IfNoneMatch": "*"}),
        ("e", OnExisting.FAIL, {"IfMatch": '"e"'}),
        ("e", OnExisting.OVERWRITE, {}),
    ],
)
def test_writes_are_conditional_on_what_planning_saw(
    seen: str | None, on_existing: OnExisting, condition: dict[str, str]
) -> None:
    client, settings = boto3.client("s3"), ImportSettings(on_existing=on_existing)
    item = replace(item_of(Lying(b"small")), destination_etag=seen)
    copying = StreamCopy(client=client, clips_bucket=CLIPS_BUCKET, memory=Memory(16 * 1024**2))
    sent: list[dict[str, Any]] = []
    events = client.meta.events
    events.register("before-parameter-build.s3", lambda params, **_: sent.append(dict(params)))
    with Stubber(client) as stub:
        stub.add_response("put_object", {"ETag": '"a"'})
        copying.whole(item, settings)
        stub.add_response("complete_multipart_upload", {"ETag": '"a-1"'})
        copying.complete(item, "u", ["a"], settings, None)
        for params in sent:
            assert {name: params[name] for name in ("IfMatch", "IfNoneMatch") if name in params} == condition
        assert len(sent) == 2
        if not condition:
            return
        calls: dict[str, Callable[[], object]] = {
            "put_object": lambda: copying.whole(item, settings),
            "complete_multipart_upload": lambda: copying.complete(item, "u", ["a"], settings, None),
        }
        for method, call in calls.items():
            stub.add_client_error(method, "PreconditionFailed", "no", 412)
            stub.add_response("head_object", {"ETag": '"other"', "ContentLength": 7})
            with pytest.raises(DestinationChanged) as caught:
                call()
            assert (caught.value.etag, caught.value.size) == ("other", 7)
            stub.add_client_error(method, "NoSuchKey", "no", 404)
            if seen is None:
                with pytest.raises(ObjectMissing):
                    call()
                continue
            stub.add_client_error("head_object", "404", "", 404)
            with pytest.raises(DestinationChanged) as caught:
                call()
            assert caught.value.etag is None


def test_the_largest_object_is_the_memory_times_the_parts(s3: "S3Client") -> None:
    lying = Lying(b"small")
    most = 10_000 * 2 * MIN_PART_BYTES
    with pytest.raises(ObjectRejected, match=f"at most {most:,} bytes can be streamed"):
        copier(s3).begin(item_of(lying, pin=Pin(size=most + 1, etag=lying.etag)), SETTINGS)
    with pytest.raises(ValueError, match="part_bytes"):
        StreamCopy(client=s3, clips_bucket=CLIPS_BUCKET, memory=Memory(MIN_PART_BYTES), part_bytes=CHUNK_BYTES)


def test_no_more_buffers_than_the_memory_holds(s3: "S3Client") -> None:
    sizes: dict[int, int] = {}

    def note(params: dict[str, Any], **_: Any) -> None:
        if isinstance(params["body"], bytearray):
            sizes[id(params["body"])] = len(params["body"])

    s3.meta.events.register_first("before-call.s3.UploadPart", note, unique_id="note")
    try:
        done = copy(s3, Lying(os.urandom(7 * MIN_PART_BYTES)))
    finally:
        s3.meta.events.unregister("before-call.s3.UploadPart", unique_id="note")
    assert done.etag.endswith("-7")
    assert sum(sizes.values()) <= 2 * MIN_PART_BYTES


# --- what is kept besides the bytes ----------------------------------------------------------------------------------

TOLD = {
    "CacheControl": "no-cache",
    "ContentDisposition": "attachment",
    "ContentEncoding": "aws-chunked, gzip",
    "ContentLanguage": "de",
    "ContentType": "video/mp4",
}


def described(**changes: Any) -> Lying:
    fields: dict[str, Any] = {
        "headers": TOLD,
        "metadata": {"camera": "front", "ort": "Köln"},
        "tagged": {"team": "a+b"},
    }
    return Lying(b"small", **fields | changes)


def test_metadata_headers_and_tags_are_kept_with_the_marks(s3: "S3Client") -> None:
    copy(s3, described(), mark="ij_1-0", in_set=True)
    head = s3.head_object(Bucket=CLIPS_BUCKET, Key="clip")
    assert {name: head[name] for name in TOLD} == TOLD | {"ContentEncoding": "gzip"}  # type: ignore[literal-required]
    source = head["Metadata"].pop("clipferry-source")
    assert head["Metadata"] == {"camera": "front", "ort": "=?UTF-8?B?S8O2bG4=?=", "clipferry-set": "ij_1-0"}
    assert source == item_of(described()).source_mark
    assert s3.get_object_tagging(Bucket=CLIPS_BUCKET, Key="clip")["TagSet"] == [{"Key": "team", "Value": "a+b"}]


def test_the_time_of_expiry_is_kept(s3: "S3Client") -> None:
    expires = "Wed, 21 Oct 2026 07:28:00 GMT"
    copy(s3, described(headers={"Expires": expires}))
    assert expiry(s3) == expires
    large = Lying(os.urandom(MIN_PART_BYTES + 1), headers={"Expires": expires})
    assert copy(s3, large, settings=OVER).etag.endswith("-2")
    assert expiry(s3) == expires


def expiry(s3: "S3Client") -> object:
    """Return the header as S3 sends it. The types of boto3 lack it."""
    answer: Any = s3.head_object(Bucket=CLIPS_BUCKET, Key="clip")
    return answer["ExpiresString"]


def test_an_import_asks_no_more_of_a_source_than_listing_and_reading(s3: "S3Client") -> None:
    copy(s3, described(tags_denied=True))
    assert not s3.get_object_tagging(Bucket=CLIPS_BUCKET, Key="clip")["TagSet"]


def test_the_marks_of_a_source_that_is_a_copy_itself_are_not_its_copy_s(s3: "S3Client") -> None:
    copy(s3, described(metadata={"Clipferry-Set": "ij_0-0", "clipferry-source": "another"}))
    metadata = s3.head_object(Bucket=CLIPS_BUCKET, Key="clip")["Metadata"]
    assert metadata == {"clipferry-source": item_of(described()).source_mark}


def test_nothing_is_kept_where_nothing_is_to_be(s3: "S3Client") -> None:
    copy(s3, described(), settings=ImportSettings(keep_metadata=False, keep_tags=False))
    head = s3.head_object(Bucket=CLIPS_BUCKET, Key="clip")
    assert set(head["Metadata"]) == {"clipferry-source"}
    assert "CacheControl" not in set(head)
    assert not s3.get_object_tagging(Bucket=CLIPS_BUCKET, Key="clip")["TagSet"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"metadata": {"with space": "x"}}, "'with space'"),
        ({"metadata": {"long": "x" * 2048}}, "metadata 'long'"),
        ({"metadata": {}, "headers": {"ContentDisposition": "日本"}}, "header ContentDisposition"),
        ({"metadata": {}, "headers": {"Expires": "soon"}}, "header Expires"),
    ],
)
def test_a_clip_lands_without_what_s3_cannot_keep_and_says_so(
    s3: "S3Client", changes: dict[str, Any], why: str
) -> None:
    found = described(**changes)
    note = copy(s3, found).note
    assert note is not None
    assert note.startswith("copied without its ")
    assert why in note
    head = s3.head_object(Bucket=CLIPS_BUCKET, Key="clip")
    assert set(head["Metadata"]) == {"clipferry-source"}
    assert copy(s3, found, settings=ImportSettings(keep_metadata=False, on_existing=OnExisting.OVERWRITE)).note is None


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NotImplemented", 501, None),
        ("MethodNotAllowed", 405, None),
        ("NoSuchTagSet", 404, None),
        ("AccessDenied", 403, AccessDenied),
        ("ExpiredToken", 400, CredentialsRejected),
        ("NoSuchKey", 404, ObjectMissing),
    ],
)
def test_tags_that_cannot_be_read(code: str, status: int, kind: type[ObjectError] | None) -> None:
    client = boto3.client("s3")
    source = PatientSource(S3Adapter(client), Patience(sleep=lambda _: None))
    pin = Pin(size=1, etag="e", version="v")
    with Stubber(client) as stub:
        asked = {"Bucket": "elsewhere", "Key": "clip.mp4", "VersionId": "v"}
        stub.add_client_error("get_object_tagging", code, "words", status, expected_params=asked)
        if kind is None:
            assert source.tags(WHERE, pin) == {}
            return
        with pytest.raises(kind):
            source.tags(WHERE, pin)


# --- the storage port ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, MIN_PART_BYTES + 1])
def test_a_clip_outside_of_sets_has_its_mark_as_the_redirect_location(s3: "S3Client", size: int) -> None:
    lying = Lying(bytes(size))
    copy(s3, lying, mark="ij_1-0")
    head = s3.head_object(Bucket=CLIPS_BUCKET, Key="clip")
    assert (head["WebsiteRedirectLocation"], set(head["Metadata"])) == ("/ij_1-0", {"clipferry-source"})
    item = item_of(lying)
    assert copier(s3).landed(item, None, "ij_1-0") is not None
    assert copier(s3).landed(item, None, "ij_2-0") is None
    assert copier(s3).landed(replace(item, in_set=True), None, "ij_1-0") is None


def test_entries_are_copied_read_and_found_by_their_pins(s3: "S3Client") -> None:
    lying = Lying(LARGE)
    storage = StreamingStorage(copier=copier(s3), source=PatientSource(lying))
    entry = an_entry(
        source_uri="gs://elsewhere/clip.mp4", destination="clip", size=len(LARGE), etag=lying.etag, version=None
    )
    assert storage.landed(entry) is None
    reader = storage.reader(entry)
    assert (reader.size, reader.read(2, 3), reader.read(len(LARGE), 1)) == (len(LARGE), LARGE[2:5], b"")
    upload_id = storage.begin_parts(entry, SETTINGS, mark="ij_1-0")
    spans = dict(enumerate(copy_parts(len(LARGE), part_bytes=MIN_PART_BYTES), 1))
    advanced: list[None] = []
    sent = storage.send_parts(
        entry, upload_id, spans, whole=True, check=lambda: None, advanced=lambda: advanced.append(None)
    )
    assert len(advanced) == len(spans)
    done = storage.complete_parts(entry, upload_id, [sent.etags[n] for n in spans], SETTINGS, digests=sent.digests)
    assert done.etag == etag_of_parts([sent.etags[n] for n in spans]), "it is foretold"
    assert body(s3) == LARGE
    assert storage.landed(entry, etag=done.etag, mark="ij_1-0") == done
    assert storage.landed(entry, mark="ij_1-0") == done
    assert storage.landed(entry, etag="another", mark="ij_1-0") is None
    assert storage.landed(replace(entry, etag="f" * 64), etag=done.etag) is None
    assert storage.landed(entry, etag=done.etag, mark="ij_1-5") is None
    other = replace(entry, checksum=f"CRC32C:{encoded(0)}")
    assert storage.landed(other, etag=done.etag) is None
    assert body(s3) == LARGE, "another import may have written it"


def test_a_listing_of_aws_tells_which_objects_are_archived() -> None:
    client = boto3.client("s3")
    asked = {"Bucket": "elsewhere", "Prefix": "", "MaxKeys": 1000, "OptionalObjectAttributes": ["RestoreStatus"]}
    restored = {"IsRestoreInProgress": False, "RestoreExpiryDate": datetime(2027, 1, 1, tzinfo=UTC)}
    common = {"Size": 1, "ETag": '"e"', "LastModified": datetime(2026, 1, 1, tzinfo=UTC)}
    contents = [
        {"Key": "a", "StorageClass": "GLACIER", **common},
        {"Key": "b", "StorageClass": "GLACIER", "RestoreStatus": restored, **common},
        {"Key": "c", "StorageClass": "STANDARD", **common},
    ]
    with Stubber(client) as stub:
        stub.add_response("list_objects_v2", {"Contents": contents, "KeyCount": 3}, asked)
        source = PatientSource(S3Adapter(client))
        (page,) = source.list_pages(Location("s3", "elsewhere", ""))
    assert [(found.key, found.archive) for found in page] == [("a", "GLACIER"), ("b", None), ("c", None)]


ARCHIVED = an_entry(source_uri="s3://elsewhere/clip.mp4", archive="GLACIER", version="v")
DAYS = {"Days": 3, "GlacierJobParameters": {"Tier": "Bulk"}}


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (None, 202, None),
        ("RestoreAlreadyInProgress", 409, None),
        ("ObjectAlreadyInActiveTierError", 403, None),
        ("AccessDenied", 403, AccessDenied),
        ("ExpiredToken", 400, CredentialsRejected),
        ("NotImplemented", 501, ObjectRejected),
        ("MethodNotAllowed", 405, ObjectRejected),
    ],
)
def test_an_integration_restores_by_its_own_right(
    code: str | None, status: int, kind: type[ObjectError] | None
) -> None:
    client = boto3.client("s3")
    source = SourceObjects(
        source=PatientSource(S3Adapter(client, SourceTerms(requester_pays=True)), Patience(attempts=1))
    )
    where = {"Bucket": "elsewhere", "Key": "clip.mp4", "VersionId": "v"}
    asked = {**where, "RequestPayer": "requester", "RestoreRequest": DAYS}
    with Stubber(client) as stub:
        if code is None:
            stub.add_response("restore_object", {}, asked)
        else:
            stub.add_client_error("restore_object", code, "words", status, expected_params=asked)
        if kind is None:
            source.restore(ARCHIVED, Restore())
            return
        with pytest.raises(kind) as refused:
            source.restore(ARCHIVED, Restore())
    assert ("s3:RestoreObject" in refused.value.message) == (code == "AccessDenied")


def test_stores_without_archives_restore_nothing() -> None:
    for adapter in (HubAdapter(rule=INSIDE), gcs_with_account(_account("https://token.example"), rule=INSIDE)):
        with pytest.raises(ObjectRejected):
            adapter.restore(WHERE, "GLACIER", Restore(), None)


# --- pages of listings ----------------------------------------------------------------------------------------------

_PAGE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<Name>elsewhere</Name><EncodingType>url</EncodingType><IsTruncated>{more}</IsTruncated>{objects}</ListBucketResult>"
)
_CONTENTS = (
    "<Contents><Key>{key}</Key><LastModified>2026-11-22T17:00:00.123Z</LastModified><ETag>&quot;e1&quot;</ETag>"
    "<Size>7</Size><StorageClass>{storage_class}</StorageClass></Contents>"
)


def _listing(*bodies: str, status: int = 200) -> tuple[S3Adapter, list[str]]:
    """An adapter whose store answers with these bodies, and the bodies that botocore parsed."""
    adapter = _adapter(of_aws=False)
    parse_listings_fast(adapter.client)
    waiting, parsed, events = list(bodies), [], adapter.client.meta.events

    def answer(**_event: Any) -> AWSResponse:
        raw: Any = type("Raw", (), {"stream": lambda _self, *_size, **_more: iter([waiting.pop(0).encode()])})()
        return AWSResponse("http://store.example", status, HTTPHeaders(), raw)

    def note(response_dict: dict[str, Any], **_event: Any) -> None:
        parsed.append(response_dict["body"].decode())

    events.register_first("before-send.s3", answer)  # type: ignore[arg-type]  # botocore takes its answer
    events.register_last("before-parse.s3.ListObjectsV2", note)
    return adapter, parsed


def test_pages_in_s3s_own_form_are_not_parsed_by_botocore() -> None:
    token = "<NextContinuationToken>t</NextContinuationToken>"
    first = _CONTENTS.format(key="a%2Bb+c.zip", storage_class="STANDARD") + token
    second = _CONTENTS.format(key="d.zip", storage_class="INTELLIGENT_TIERING")
    adapter, parsed = _listing(_PAGE.format(more="true", objects=first), _PAGE.format(more="false", objects=second))
    pages = PatientSource(adapter).list_pages(parse_prefix("s3://elsewhere/"))
    found = [one for page in pages for one in page]
    assert [(one.key, one.size, one.etag, one.archive_hidden) for one in found] == [
        ("a+b c.zip", 7, "e1", False),
        ("d.zip", 7, "e1", True),
    ]
    assert found[0].modified == "2026-11-22T17:00:00.123Z"
    assert parsed == ["<ListBucketResult/>"] * 2


@pytest.mark.parametrize(
    "objects",
    [
        _CONTENTS.format(key="a.zip", storage_class="GLACIER"),
        _CONTENTS.format(key="a.zip", storage_class="STANDARD").replace("><", ">\n<"),
        _CONTENTS.format(key="a" * 20_000, storage_class="STANDARD"),
        "",
    ],
    ids=["archived", "spaces", "long", "none"],
)
def test_other_pages_are(objects: str) -> None:
    body = _PAGE.format(more="false", objects=objects)
    adapter, parsed = _listing(body)
    with suppress(ObjectError):
        list(PatientSource(adapter, Patience(sleep=lambda _: None)).list_pages(parse_prefix("s3://elsewhere/")))
    assert parsed == [body]
