"""Copies inside S3 by roles of integrations: which client asks what, and what the other account's refusals become."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from lambdas.wiring.copy import CopyContainer
from service.aws.clients import s3_client
from service.aws.s3.http.requests import S3Requests
from service.aws.s3.session import RoleSessions
from service.aws.s3.storage import S3Storage
from service.domain.clips import Verification
from service.domain.errors import (
    AccessDenied,
    CredentialsRejected,
    ObjectError,
    RoleRefused,
    SourceUnavailable,
)
from service.domain.objects import Copied
from service.domain.projects import IntegrationType
from service.domain.requests import ImportSettings
from service.domain.uris import s3_at
from service.sources.build import CACHE_SECONDS, CopyRoles, Kept
from service.sources.regions import ANY_REGION
from service.sources.roles import COPY_ATTEMPTS, RoleClients, S3Role, copying_by_role
from service.sources.streaming import StreamingStorage
from service.support.settings import CopySettings
from tests.builders import CLIPS_BUCKET, an_entry, an_integration
from tests.functional.botorequests import WritesOverNothing, boto_session

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

ROLE = S3Role(role_arn="arn:aws:iam::222222222222:role/clipferry-fleet", external_id="e" * 32, region="eu-west-1")
ENTRY = an_entry(source_uri="s3://fleet/a.zip", destination="demo/-/fleet/a.zip", size=25, etag="abc-2")
SOURCE = {"Bucket": "fleet", "Key": "a.zip"}
TARGET = {"Bucket": CLIPS_BUCKET, "Key": ENTRY.destination}
PLAIN = ImportSettings()
FLEET = an_integration(
    type=IntegrationType.S3_ROLE,
    role_arn=ROLE.role_arn,
    external_id=ROLE.external_id,
    region=ROLE.region,
    with_credentials=False,
)


# --- which client asks what ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stubs:
    reads: Stubber
    copies: Stubber
    own: Stubber


@pytest.fixture
def stubs() -> Iterator[tuple[S3Storage, Stubs]]:
    """A request to another client than the one that expects it fails."""
    reads, copies, own = (s3_client(connections=1) for _ in range(3))
    with ExitStack() as stack:
        stubs = Stubs(*(stack.enter_context(WritesOverNothing(client)) for client in (reads, copies, own)))
        yield (
            S3Storage(
                own=boto_session(own),
                clips_bucket=CLIPS_BUCKET,
                role=RoleSessions(reads=boto_session(reads), copies=boto_session(copies)),
            ),
            stubs,
        )
        for stub in (stubs.reads, stubs.copies, stubs.own):
            stub.assert_no_pending_responses()


def look(answer: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The HEAD of the planned source."""
    asked = {**SOURCE, "IfMatch": f'"{ENTRY.etag}"', "ChecksumMode": "ENABLED"}
    return "head_object", {"ContentLength": 25, "Metadata": {}, **answer}, asked


def test_the_role_reads_and_copies(stubs: tuple[S3Storage, Stubs]) -> None:
    storage, at = stubs
    copy = {**TARGET, "CopySource": SOURCE, "CopySourceIfMatch": f'"{ENTRY.etag}"'}
    at.copies.add_response("copy_object", {"CopyObjectResult": {"ETag": '"landed"'}}, copy)
    at.reads.add_response(*look({}))
    assert storage.copy(ENTRY, PLAIN) == Copied(size=25, etag="landed", verified=Verification.UNVERIFIABLE)
    assert not storage.streams


def test_a_role_copies_over_an_object_without_a_condition_that_takes_reading_it(
    stubs: tuple[S3Storage, Stubs],
) -> None:
    storage, at = stubs
    copy = {**TARGET, "CopySource": SOURCE, "CopySourceIfMatch": f'"{ENTRY.etag}"'}
    Stubber.add_response(at.copies, "copy_object", {"CopyObjectResult": {"ETag": '"landed"'}}, copy)
    at.reads.add_response(*look({}))
    assert storage.copy(replace(ENTRY, destination_etag="e"), PLAIN).etag == "landed"


def test_parts_are_copied_by_the_role_and_listed_and_aborted_by_ourselves(stubs: tuple[S3Storage, Stubs]) -> None:
    storage, at = stubs
    upload = {**TARGET, "UploadId": "u"}
    at.reads.add_response(*look({"ContentType": "application/zip"}))
    at.reads.add_response("get_object_tagging", {"TagSet": [{"Key": "team", "Value": "a"}]}, SOURCE)
    create = {**TARGET, "ContentType": "application/zip", "Metadata": {}, "Tagging": "team=a"}
    at.copies.add_response("create_multipart_upload", {"UploadId": "u"}, create)
    assert storage.begin_parts(ENTRY, PLAIN) == "u"
    part = {"PartNumber": 1, "CopySource": SOURCE, "CopySourceIfMatch": '"abc-2"', "CopySourceRange": "bytes=0-24"}
    at.copies.add_response("upload_part_copy", {"CopyPartResult": {"ETag": '"p"'}}, upload | part)
    assert storage.copy_part(ENTRY, "u", 1, (0, 24)).etag == "p"
    at.own.add_response("list_parts", {"Parts": [{"PartNumber": 1, "ETag": '"p"', "Size": 25}]}, upload)
    assert set(storage.copied_parts(ENTRY.destination, "u")) == {1}
    parts = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": '"p"'}]}}
    at.copies.add_response("complete_multipart_upload", {"ETag": '"whole-1"'}, upload | parts)
    at.reads.add_response(*look({}))
    assert storage.complete_parts(ENTRY, "u", ["p"], PLAIN).etag == "whole-1"
    at.own.add_response("abort_multipart_upload", {}, upload)
    storage.abort(ENTRY.destination, "u")
    at.own.add_response("list_multipart_uploads", {}, {"Bucket": CLIPS_BUCKET, "Prefix": ENTRY.destination})
    storage.abort_begun_since(ENTRY.destination, "2026-11-22T17:00:00.000Z")


def test_what_landed_is_looked_at_by_ourselves_and_never_removed(stubs: tuple[S3Storage, Stubs]) -> None:
    storage, at = stubs
    head = {"ContentLength": 25, "ETag": '"landed"', "Metadata": {}, "ChecksumCRC32C": "a", "VersionId": "v"}
    at.own.add_response("head_object", head, {**TARGET, "ChecksumMode": "ENABLED"})
    at.reads.add_response(*look({"ChecksumCRC32C": "b"}))
    assert storage.landed(ENTRY, etag="landed") is None
    at.own.add_response("list_object_versions", {}, {"Bucket": CLIPS_BUCKET, "Prefix": ENTRY.destination})
    storage.remove_marked(ENTRY.destination, "mark")


def test_content_is_read_by_the_role(stubs: tuple[S3Storage, Stubs]) -> None:
    storage, at = stubs
    at.reads.add_client_error("get_object", "AccessDenied", "Access Denied", 403)
    with pytest.raises(AccessDenied, match=r"cannot read s3://fleet/a.zip"):
        storage.reader(ENTRY).read(0, 10)


def test_the_error_of_a_role_that_may_not_write_names_the_permissions(stubs: tuple[S3Storage, Stubs]) -> None:
    storage, at = stubs
    at.copies.add_client_error("copy_object", "AccessDenied", "Access Denied", 403)
    with pytest.raises(
        AccessDenied, match=r"CopyObject needs .* s3:PutObject at the destination, for tags also"
    ) as told:
        storage.copy(ENTRY, PLAIN)
    assert told.value.code == "CANNOT_ACCESS"
    at.reads.add_response(*look({}))
    at.reads.add_client_error("get_object_tagging", "AccessDenied", "Access Denied", 403)
    with pytest.raises(AccessDenied, match="GetObjectTagging needs s3:GetObjectTagging at the source, or `keep_tags"):
        storage.begin_parts(ENTRY, PLAIN)


# --- the role's session ----------------------------------------------------------------------------------------------


def session(life: timedelta = timedelta(hours=1)) -> Any:
    ends = datetime.now(UTC) + life
    keys = {"AccessKeyId": "AKIAROLE00000000", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": ends}
    return {"Credentials": keys}


def clients(sts: "STSClient") -> RoleClients:
    return copying_by_role(ROLE, sts=sts, clips_region="us-west-2", connections=7)


def by_role(sts: "STSClient") -> S3Storage:
    made, own = clients(sts), s3_client(connections=1)
    return S3Storage(
        own=boto_session(own),
        clips_bucket=CLIPS_BUCKET,
        role=RoleSessions(reads=boto_session(made.reads), copies=boto_session(made.copies)),
    )


def test_one_session_reads_where_the_source_is_and_copies_where_clips_are() -> None:
    sts = boto3.client("sts")
    made = clients(sts)
    assert (made.reads.meta.region_name, made.copies.meta.region_name) == ("eu-west-1", "us-west-2")
    for client in (made.reads, made.copies):
        config: Any = client.meta.config  # its options become attributes when it is made
        assert config.retries["total_max_attempts"] == COPY_ATTEMPTS
        assert config.max_pool_connections == 7
    anywhere = copying_by_role(replace(ROLE, region=None), sts=sts, clips_region="us-west-2")
    assert anywhere.reads.meta.region_name == ANY_REGION
    with Stubber(sts) as stub:
        stub.add_response("assume_role", session())
        for client in (made.reads, made.copies):
            url = client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
            assert "AKIAROLE00000000" in url
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "status", "kind", "words"),
    [
        ("AccessDenied", 403, RoleRefused, "the role cannot be assumed: because"),
        ("ExpiredTokenException", 400, CredentialsRejected, "because"),
        ("Throttling", 400, SourceUnavailable, "because"),
    ],
)
def test_a_role_that_cannot_be_assumed_is_a_clips_error(
    code: str, status: int, kind: type[ObjectError], words: str
) -> None:
    sts = boto3.client("sts")
    with Stubber(sts) as stub:
        requests: list[Callable[[S3Storage], object]] = [
            lambda storage: storage.copy(ENTRY, PLAIN),
            lambda storage: storage.begin_parts(ENTRY, PLAIN),
            lambda storage: storage.reader(ENTRY).read(0, 1),
            lambda storage: storage.stat(s3_at("fleet", "a.zip")),
        ]
        for ask in requests:
            stub.add_client_error("assume_role", code, "because", status)
            with pytest.raises(ObjectError, match=words) as caught:
                ask(by_role(sts))
            assert type(caught.value) is kind
            assert ROLE.external_id not in str(caught.value)


def test_a_session_that_is_over_when_it_begins_is_a_clips_error() -> None:
    sts = boto3.client("sts")
    with Stubber(sts) as stub:
        stub.add_response("assume_role", session(timedelta(seconds=-1)))
        with pytest.raises(ObjectError, match="the session has expired"):
            by_role(sts).copy(ENTRY, PLAIN)


def test_sts_without_an_answer_is_a_passing_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    sts = boto3.client("sts")

    def nothing(**_asked: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://sts")

    monkeypatch.setattr(sts, "assume_role", nothing)
    with pytest.raises(SourceUnavailable):
        by_role(sts).copy(ENTRY, PLAIN)


# --- whose clips are copied so ---------------------------------------------------------------------------------------


def roles(*arns: str) -> CopyRoles:
    return CopyRoles(arns, sts=lambda: boto3.client("sts"), clips_region="us-west-2", credentials_of=lambda _: None)


def test_only_roles_of_the_deploy_settings_copy() -> None:
    made = roles(ROLE.role_arn)
    found = made.clients_of(FLEET)
    assert found is not None
    assert found.copies.meta.region_name == "us-west-2"
    assert made.clients_of(FLEET) is found
    for other in (None, replace(FLEET, role_arn=f"{ROLE.role_arn}-2"), an_integration(role_arn=ROLE.role_arn)):
        assert made.clients_of(other) is None
    assert roles().clients_of(FLEET) is None


def test_clients_are_kept_briefly_for_each_integration() -> None:
    now = [0.0]
    kept: Kept[object] = Kept(lambda: now[0])
    first = kept.get(FLEET, lambda _: object())
    now[0] = CACHE_SECONDS - 1
    assert kept.get(FLEET, lambda _: object()) is first
    assert kept.get(replace(FLEET, secret_name="in_1/1"), lambda _: object()) is not first
    now[0] = CACHE_SECONDS
    assert kept.get(FLEET, lambda _: object()) is not first


@pytest.fixture
def deployed() -> CopyContainer:
    """The copy function's parts, in a deployment with one copy role."""
    settings = CopySettings(
        table_name="table",
        state_bucket="state",
        clips_bucket=CLIPS_BUCKET,
        drop_bucket="drop",
        requester_pays_buckets=(),
        copy_slots=2,
        copy_concurrency=2,
        copy_threads=2,
        multipart_threshold_bytes=1,
        part_bytes=1,
        stream_part_bytes=5 * 1024**2,
        stream_memory_bytes=16 * 1024**2,
        source_request_seconds=60,
        source_part_seconds=150,
        copy_roles=(ROLE.role_arn,),
        integration_secrets_prefix="secrets/",
        allow_private_urls=False,
    )
    container = CopyContainer()
    container.settings = settings
    container.own = S3Storage(own=boto_session(s3_client(connections=1)), clips_bucket=CLIPS_BUCKET)
    return container


def test_the_copy_function_copies_by_a_copy_role_and_streams_all_else(deployed: CopyContainer) -> None:
    inside = deployed.copier_through(FLEET)
    assert isinstance(inside, S3Storage)
    assert inside.own is deployed.own.own
    assert inside.sources.client.meta.region_name == ROLE.region
    assert inside.copies.client.meta.region_name == deployed.own.own.client.meta.region_name
    for by_role in (inside.sources, inside.copies):
        assert isinstance(by_role.requests, S3Requests)
        assert by_role.requests.home.signer.region == by_role.client.meta.region_name
    assert not inside.streams
    other = replace(FLEET, role_arn=f"{ROLE.role_arn}-2", secret_name="in_2/0")
    for integration in (None, other):
        through = deployed.copier_through(integration)
        assert isinstance(through, StreamingStorage)
        assert through.streams


def test_bodies_of_streamed_copies_are_checked_by_their_crc_and_not_hashed_too(deployed: CopyContainer) -> None:
    """The SHA-256 would take a third of a streamed copy's CPU time."""
    streaming = deployed.copier_through(None)
    assert isinstance(streaming, StreamingStorage)
    copier = streaming.copier
    sent: list[Any] = []
    copier.client.create_bucket(Bucket=CLIPS_BUCKET)
    copier.client.meta.events.register("request-created.s3.PutObject", lambda request, **_: sent.append(request))
    copier.client.put_object(Bucket=CLIPS_BUCKET, Key="clip", Body=b"", ChecksumCRC32C="AAAAAA==")
    (request,) = sent
    assert request.headers["X-Amz-Content-SHA256"] == "UNSIGNED-PAYLOAD"
    assert request.headers["x-amz-checksum-crc32c"] == "AAAAAA=="
