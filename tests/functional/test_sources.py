"""What no server on the machine can show: STS, AWS's own errors, sources that lie, URLs that lead inside."""

import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
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

from service.errors import (
    AccessDenied,
    BucketElsewhere,
    ChecksumMismatch,
    CredentialsRejected,
    InvalidRequest,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    RateLimited,
    SourceUnavailable,
)
from service.schema import Copied, ImportSettings, Verification
from service.sources.addresses import AddressRule
from service.sources.digests import checksum
from service.sources.gcs import gcs_with_account
from service.sources.http import Asked
from service.sources.hub import HubAdapter, hub_endpoint
from service.sources.patience import Patience
from service.sources.patient import PatientSource
from service.sources.port import CHUNK_BYTES, Pin, SourceObject
from service.sources.roles import S3Role, s3_with_role
from service.sources.s3 import S3Keys, s3_error, s3_with_keys
from service.sources.stream_copy import MIN_PART_BYTES, StreamCopy, Unfinished
from service.uris import Location
from tests.builders import CLIPS_BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WHERE = Location("s3", "elsewhere", "clip.mp4")
INSIDE = AddressRule(resolve=lambda *_: ["10.0.0.7"])
LARGE = os.urandom(2 * MIN_PART_BYTES + 1000)


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
        ("InvalidObjectState", 403, ObjectRejected),
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
        with pytest.raises(AccessDenied, match="does not lead to public addresses only"):
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
            content_type="video/mp4",
        )

    def open(self, location: Location, start: int, length: int, pin: Pin) -> Any:  # noqa: ARG002
        return io.BytesIO(self.data[start : start + length])


def _as_bytes(params: dict[str, Any], **_: Any) -> None:
    """For moto, which takes no buffer."""
    if isinstance(params["body"], bytearray):
        params["body"] = bytes(params["body"])


def copier(s3: "S3Client") -> StreamCopy:
    s3.meta.events.register("before-call.s3", _as_bytes, unique_id="as-bytes")
    return StreamCopy(client=s3, clips_bucket=CLIPS_BUCKET, part_bytes=MIN_PART_BYTES, memory_bytes=2 * MIN_PART_BYTES)


def copy(s3: "S3Client", lying: Lying, **more: Any) -> Copied | Unfinished:
    settings = ImportSettings(storage_class="STANDARD_IA")
    return copier(s3).copy(PatientSource(lying), WHERE, lying.pin, "clip", settings=settings, **more)


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["whole", "parts"])
@pytest.mark.parametrize("kind", ["CRC32C", "CRC32"])
def test_a_checksum_that_the_store_knows_is_compared(s3: "S3Client", data: bytes, kind: Any) -> None:
    done = copy(s3, Lying(data, {kind: checksum(kind, data)}))
    assert isinstance(done, Copied)
    assert done.verified is Verification.CHECKSUM
    head = s3.head_object(Bucket=CLIPS_BUCKET, Key="clip")
    assert (head["ContentLength"], head["StorageClass"], head["ContentType"]) == (len(data), "STANDARD_IA", "video/mp4")


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["whole", "parts"])
@pytest.mark.parametrize("kind", ["CRC32C", "CRC32", "MD5"])
def test_other_bytes_than_the_store_says_never_land(s3: "S3Client", data: bytes, kind: str) -> None:
    s3.put_object(Bucket=CLIPS_BUCKET, Key="clip", Body=b"the copy of before")
    with pytest.raises(ChecksumMismatch):
        copy(s3, Lying(data, {kind: "AAAAAA=="}))
    assert s3.get_object(Bucket=CLIPS_BUCKET, Key="clip")["Body"].read() == b"the copy of before"
    assert s3.list_multipart_uploads(Bucket=CLIPS_BUCKET).get("Uploads", []) == []


def test_an_etag_that_is_no_md5_proves_nothing(s3: "S3Client") -> None:
    done = copy(s3, Lying(b"small", etag="0" * 32))
    assert isinstance(done, Copied)
    assert done.verified is Verification.UNVERIFIABLE


def test_an_upload_that_is_gone_is_begun_anew(s3: "S3Client") -> None:
    lying, ids = Lying(LARGE), []
    state = copy(s3, lying, begun=ids.append, out_of_time=lambda: True)
    assert isinstance(state, Unfinished)
    assert ids == [state.upload_id]
    copier(s3).abort("clip", state.upload_id)
    done = copy(s3, lying, upload_id=state.upload_id)
    assert isinstance(done, Copied)
    assert done.size == len(LARGE)


def test_the_largest_object_is_the_memory_times_the_parts(s3: "S3Client") -> None:
    copying = copier(s3)
    assert copying.part_size(1) == MIN_PART_BYTES
    assert copying.part_size(10_000 * MIN_PART_BYTES + 1) == MIN_PART_BYTES + 1
    assert copying.part_size(10_000 * 2 * MIN_PART_BYTES + 1) is None
    with pytest.raises(ValueError, match="part_bytes"):
        StreamCopy(client=s3, clips_bucket=CLIPS_BUCKET, part_bytes=CHUNK_BYTES)


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
    assert isinstance(done, Copied)
    assert done.etag.endswith("-7")
    assert sum(sizes.values()) <= 2 * MIN_PART_BYTES
