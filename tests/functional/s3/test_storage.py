"""Source objects on S3: exact requests by Stubber, behaviour by moto."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from service.aws.clients import object_error
from service.aws.s3.copy_requests import as_headers, described
from service.aws.s3.heads import Head
from service.aws.s3.storage import S3Storage
from service.domain.clips import Verification
from service.domain.errors import (
    AccessDenied,
    BucketElsewhere,
    ChecksumMismatch,
    CredentialsRejected,
    NotVersioned,
    ObjectArchived,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    SourceChanged,
    SourceUnavailable,
)
from service.domain.ids import source_mark
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied, LargeCopy, ListedObject
from service.domain.requests import ImportSettings, OnExisting, Restore, RestoreTier
from service.domain.uris import s3_at
from service.imports.copying.multipart import LargeCopies
from service.ports.objects import LargeCopyStore
from tests.builders import CLIPS_BUCKET, SOURCE_BUCKET, an_entry
from tests.fakes.state import FakeClock
from tests.fakes.uploads import FakeLargeCopies
from tests.functional.botorequests import WritesOverNothing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "a b+%20/日本.zip"
ENTRY = an_entry(source_uri=f"s3://{SOURCE_BUCKET}/{KEY}", destination="demo/-/source/x", size=25, etag="abc-2")
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
WHERE = {"Bucket": SOURCE_BUCKET, "Key": KEY}
TARGET = {"Bucket": CLIPS_BUCKET, "Key": "demo/-/source/x"}
PLAIN = ImportSettings()
A_LARGE_COPY = LargeCopy(
    job_id="ij_1",
    ordinal=ENTRY.ordinal,
    token="t",
    destination=ENTRY.destination,
    etag="abc-2",
    part_bytes=10,
    begun_at="2026-11-22T17:00:00.000Z",
)


@pytest.fixture
def stub(s3: "S3Client") -> Iterator[Stubber]:
    with WritesOverNothing(s3) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def error(stub: Stubber, method: str, code: str, status: int, expected: dict[str, Any] | None = None) -> None:
    stub.add_client_error(method, code, "because", status, expected_params=expected)


def look_at_source(stub: Stubber, answer: dict[str, Any], version: dict[str, str] | None = None) -> None:
    """The one HEAD that asks for the planned source's checksums."""
    asked = WHERE | (version or {}) | {"IfMatch": '"abc-2"', "ChecksumMode": "ENABLED"}
    stub.add_response("head_object", {"ContentLength": 25, "Metadata": {}} | answer, asked)


# --- one request -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [None, "v1"])
def test_a_copy_is_one_request_pinned_to_what_was_planned(
    storage: S3Storage, stub: Stubber, version: str | None
) -> None:
    pinned_to = {"VersionId": version} if version else {}
    expected = {
        "Bucket": CLIPS_BUCKET,
        "Key": "demo/-/source/x",
        "CopySource": WHERE | pinned_to,
        "CopySourceIfMatch": '"abc-2"',
    }
    stub.add_response("copy_object", {"CopyObjectResult": {"ETag": '"landed"'}}, expected)
    look_at_source(stub, {}, pinned_to)
    landed = storage.copy(replace(ENTRY, version=version), PLAIN)
    assert landed == Copied(size=25, etag="landed", verified=Verification.UNVERIFIABLE)


# --- parts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ByParts:
    storage: S3Storage
    large: LargeCopies

    def copy(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> Copied:
        return self.large.copy(entry, self.storage, settings, mark=mark)


def copies_by_parts(storage: S3Storage, part_bytes: int, uploads: LargeCopyStore | None = None) -> ByParts:
    """One part at a time, so that requests have an order."""
    large = LargeCopies(
        job_id="ij_1",
        bucket=storage,
        uploads=uploads or FakeLargeCopies(),
        clock=FakeClock(),
        part_bytes=part_bytes,
        stream_part_bytes=part_bytes,
        pool=ThreadPoolExecutor(1),
        check=lambda: None,
        advanced=lambda: None,
    )
    return ByParts(storage, large)


@pytest.fixture
def by_parts(storage: S3Storage) -> ByParts:
    return copies_by_parts(storage, 10)


def begin(stub: Stubber, version: dict[str, str]) -> None:
    kept = {"Metadata": {"camera": "front"}, "ContentType": "application/zip", "CacheControl": "no-cache"}
    look_at_source(stub, kept, version)
    tags = [{"Key": "run id", "Value": "a+b=ü"}, {"Key": "team", "Value": ""}]
    stub.add_response("get_object_tagging", {"TagSet": tags}, WHERE | version)
    create = TARGET | kept | {"Tagging": "run+id=a%2Bb%3D%C3%BC&team="}
    stub.add_response("create_multipart_upload", {"UploadId": "u1"}, create)
    no_parts_yet(stub)


def no_parts_yet(stub: Stubber) -> None:
    stub.add_response("list_parts", {"IsTruncated": False}, TARGET | {"UploadId": "u1"})


def part(number: int, span: str, version: dict[str, str]) -> dict[str, Any]:
    return TARGET | {
        "UploadId": "u1",
        "PartNumber": number,
        "CopySource": WHERE | version,
        "CopySourceIfMatch": '"abc-2"',
        "CopySourceRange": f"bytes={span}",
    }


def finish_parts(stub: Stubber, answer: dict[str, Any] | None = None) -> None:
    """After the upload's beginning."""
    for number in (1, 2, 3):
        stub.add_response("upload_part_copy", {"CopyPartResult": {"ETag": f'"part{number}"'}})
    stub.add_response("complete_multipart_upload", {"ETag": '"landed-3"'} | (answer or {}))


@pytest.mark.parametrize("version", [{}, {"VersionId": "v1"}])
def test_a_copy_by_parts_is_pinned_throughout_and_keeps_metadata_and_tags(
    by_parts: ByParts, stub: Stubber, version: dict[str, str]
) -> None:
    begin(stub, version)
    spans = ["0-9", "10-19", "20-24"]
    for number, span in enumerate(spans, 1):
        answer = {"CopyPartResult": {"ETag": f'"part{number}"'}}
        stub.add_response("upload_part_copy", answer, part(number, span, version))
    parts = [{"PartNumber": number, "ETag": f'"part{number}"'} for number in (1, 2, 3)]
    complete = TARGET | {"UploadId": "u1", "MultipartUpload": {"Parts": parts}}
    stub.add_response("complete_multipart_upload", {"ETag": '"landed-3"'}, complete)
    look_at_source(stub, {}, version)
    landed = by_parts.copy(replace(ENTRY, version=version.get("VersionId")), PLAIN)
    assert landed == Copied(size=25, etag="landed-3", verified=Verification.UNVERIFIABLE)


def test_an_object_without_metadata_or_tags_is_copied_by_parts_too(by_parts: ByParts, stub: Stubber) -> None:
    look_at_source(stub, {})
    stub.add_response("get_object_tagging", {"TagSet": []}, WHERE)
    stub.add_response("create_multipart_upload", {"UploadId": "u1"}, TARGET | {"Metadata": {}})
    no_parts_yet(stub)
    finish_parts(stub)
    look_at_source(stub, {})
    assert by_parts.copy(ENTRY, PLAIN).etag == "landed-3"


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("PreconditionFailed", 412, SourceChanged),
        ("AccessDenied", 403, AccessDenied),
        ("NoSuchKey", 404, ObjectMissing),
    ],
)
def test_a_part_that_fails_for_good_aborts_the_upload(
    by_parts: ByParts, stub: Stubber, code: str, status: int, kind: type[ObjectError]
) -> None:
    begin(stub, {})
    stub.add_response("upload_part_copy", {"CopyPartResult": {"ETag": '"part1"'}}, part(1, "0-9", {}))
    error(stub, "upload_part_copy", code, status, part(2, "10-19", {}))
    stub.add_response("abort_multipart_upload", {}, TARGET | {"UploadId": "u1"})
    with pytest.raises(kind):
        by_parts.copy(ENTRY, PLAIN)
    assert not by_parts.large.uploads.unfinished("ij_1")


def test_after_a_passing_fault_another_call_copies_only_the_parts_that_are_missing(
    by_parts: ByParts, stub: Stubber
) -> None:
    begin(stub, {})
    stub.add_response("upload_part_copy", {"CopyPartResult": {"ETag": '"part1"'}}, part(1, "0-9", {}))
    error(stub, "upload_part_copy", "SlowDown", 503, part(2, "10-19", {}))
    with pytest.raises(SourceUnavailable):
        by_parts.copy(ENTRY, PLAIN)
    first = {"PartNumber": 1, "ETag": '"part1"', "Size": 10}
    cut_off = {"PartNumber": 3, "ETag": '"bad"', "Size": 4}
    listed = {"IsTruncated": True, "NextPartNumberMarker": 1, "Parts": [first]}
    stub.add_response("list_parts", listed, TARGET | {"UploadId": "u1"})
    next_page = TARGET | {"UploadId": "u1", "PartNumberMarker": 1}
    stub.add_response("list_parts", {"IsTruncated": False, "Parts": [cut_off]}, next_page)
    for number, span in ((2, "10-19"), (3, "20-24")):
        answer = {"CopyPartResult": {"ETag": f'"part{number}"'}}
        stub.add_response("upload_part_copy", answer, part(number, span, {}))
    parts = [{"PartNumber": number, "ETag": f'"part{number}"'} for number in (1, 2, 3)]
    complete = TARGET | {"UploadId": "u1", "MultipartUpload": {"Parts": parts}}
    stub.add_response("complete_multipart_upload", {"ETag": '"landed-3"'}, complete)
    look_at_source(stub, {})
    assert by_parts.copy(ENTRY, PLAIN).etag == "landed-3"


def test_a_completion_without_an_answer_is_repeated(by_parts: ByParts, stub: Stubber) -> None:
    begin(stub, {})
    for number in (1, 2, 3):
        stub.add_response("upload_part_copy", {"CopyPartResult": {"ETag": f'"part{number}"'}})
    error(stub, "complete_multipart_upload", "InternalError", 500)
    with pytest.raises(SourceUnavailable):
        by_parts.copy(ENTRY, PLAIN)
    sizes = {1: 10, 2: 10, 3: 5}
    listed = [{"PartNumber": number, "ETag": f'"part{number}"', "Size": size} for number, size in sizes.items()]
    stub.add_response("list_parts", {"IsTruncated": False, "Parts": listed}, TARGET | {"UploadId": "u1"})
    stub.add_response("complete_multipart_upload", {"ETag": '"landed-3"'})
    look_at_source(stub, {})
    assert by_parts.copy(ENTRY, PLAIN).etag == "landed-3"


@pytest.mark.parametrize("landed", [True, False])
def test_an_upload_that_is_gone_was_completed_if_its_object_lies_there(
    by_parts: ByParts, stub: Stubber, landed: bool
) -> None:
    by_parts.large.uploads.claim(replace(A_LARGE_COPY, upload_id="u1", completes_as="landed-3"))
    error(stub, "list_parts", "NoSuchUpload", 404, TARGET | {"UploadId": "u1"})
    looked = TARGET | {"ChecksumMode": "ENABLED"}
    if landed:
        stub.add_response("head_object", {"ETag": '"landed-3"', "ContentLength": 25}, looked)
    else:
        error(stub, "head_object", "404", 404, looked)
        begin(stub, {})
        finish_parts(stub)
    look_at_source(stub, {})
    assert by_parts.copy(ENTRY, PLAIN).etag == "landed-3"


def test_an_upload_whose_id_was_never_known_is_found_and_aborted(by_parts: ByParts, stub: Stubber) -> None:
    by_parts.large.uploads.claim(A_LARGE_COPY)
    begun = datetime.fromisoformat(A_LARGE_COPY.begun_at)
    uploads = [
        {"Key": TARGET["Key"], "UploadId": "ours", "Initiated": begun},
        {"Key": TARGET["Key"], "UploadId": "older", "Initiated": begun - timedelta(hours=1)},
        {"Key": TARGET["Key"] + "y", "UploadId": "another", "Initiated": begun},
    ]
    asked = {"Bucket": CLIPS_BUCKET, "Prefix": TARGET["Key"]}
    stub.add_response("list_multipart_uploads", {"IsTruncated": False, "Uploads": uploads}, asked)
    stub.add_response("abort_multipart_upload", {}, TARGET | {"UploadId": "ours"})
    begin(stub, {})
    finish_parts(stub)
    look_at_source(stub, {})
    assert by_parts.copy(ENTRY, PLAIN).etag == "landed-3"


def test_an_abort_that_is_refused_does_not_hide_why(by_parts: ByParts, stub: Stubber) -> None:
    begin(stub, {})
    error(stub, "upload_part_copy", "PreconditionFailed", 412)
    error(stub, "abort_multipart_upload", "AccessDenied", 403)
    with pytest.raises(SourceChanged):
        by_parts.copy(ENTRY, PLAIN)
    assert by_parts.large.uploads.unfinished("ij_1"), "the job's end tries again"


def test_an_upload_that_is_gone_needs_no_abort(storage: S3Storage, stub: Stubber) -> None:
    error(stub, "abort_multipart_upload", "NoSuchUpload", 404, TARGET | {"UploadId": "u1"})
    storage.abort(TARGET["Key"], "u1")


def test_a_source_that_changed_before_its_parts_starts_no_upload(by_parts: ByParts, stub: Stubber) -> None:
    error(stub, "head_object", "412", 412)
    with pytest.raises(SourceChanged):
        by_parts.copy(ENTRY, PLAIN)


@pytest.mark.parametrize(
    ("known", "kind"),
    [
        ({"ChecksumCRC64NVME": "AAAAAAAAAAA=", "ChecksumType": "FULL_OBJECT"}, "CRC64NVME"),
        ({"ChecksumCRC32C": "AAAAAA==", "ChecksumType": "FULL_OBJECT"}, "CRC32C"),
        ({"ChecksumCRC32": "AAAAAA==", "ChecksumType": "FULL_OBJECT"}, "CRC32"),
        ({"ChecksumCRC32": "AAAAAA==-3", "ChecksumType": "COMPOSITE"}, None),
        ({"ChecksumSHA256": "x-3", "ChecksumType": "COMPOSITE"}, None),
        ({"ChecksumSHA256": "x", "ChecksumType": "FULL_OBJECT"}, None),
    ],
)
def test_a_copy_by_parts_keeps_the_kind_of_checksum_that_parts_can_have(
    by_parts: ByParts, stub: Stubber, known: dict[str, str], kind: str | None
) -> None:
    look_at_source(stub, known)
    stub.add_response("get_object_tagging", {"TagSet": []})
    kept = {"ChecksumAlgorithm": kind, "ChecksumType": "FULL_OBJECT"} if kind else {}
    stub.add_response("create_multipart_upload", {"UploadId": "u1"}, TARGET | {"Metadata": {}} | kept)
    no_parts_yet(stub)
    finish_parts(stub, known if kind else {})
    look_at_source(stub, known)
    verified = Verification.CHECKSUM if kind else Verification.UNVERIFIABLE
    assert by_parts.copy(ENTRY, PLAIN).verified is verified


def test_a_copy_by_parts_drops_what_it_is_told_to(by_parts: ByParts, stub: Stubber) -> None:
    everything = {
        "Metadata": {"camera": "front"},
        "ContentType": "application/zip",
        "CacheControl": "no-cache",
        "ContentEncoding": "gzip",
    }
    look_at_source(stub, everything)
    stub.add_response("create_multipart_upload", {"UploadId": "u1"}, TARGET | {"StorageClass": "GLACIER_IR"})
    no_parts_yet(stub)
    finish_parts(stub)
    look_at_source(stub, everything)
    by_parts.copy(ENTRY, ImportSettings(storage_class="GLACIER_IR", keep_metadata=False, keep_tags=False))


# --- settings of a whole copy ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        (ImportSettings(storage_class="STANDARD_IA"), {"StorageClass": "STANDARD_IA"}),
        (ImportSettings(keep_metadata=False), {"MetadataDirective": "REPLACE"}),
        (ImportSettings(keep_tags=False), {"TaggingDirective": "REPLACE"}),
        (
            ImportSettings(storage_class="GLACIER_IR", keep_metadata=False, keep_tags=False),
            {"StorageClass": "GLACIER_IR", "MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE"},
        ),
    ],
)
def test_a_whole_copy_carries_the_settings(
    storage: S3Storage, stub: Stubber, settings: ImportSettings, asked: dict[str, str]
) -> None:
    expected = TARGET | {"CopySource": WHERE, "CopySourceIfMatch": f'"{MD5}"'} | asked
    stub.add_response("copy_object", {"CopyObjectResult": {"ETag": f'"{MD5}"'}}, expected)
    storage.copy(replace(ENTRY, etag=MD5), settings)


# --- verification ----------------------------------------------------------------------------------------------------


def copied_as(stub: Stubber, etag: str, **checksums: str) -> None:
    stub.add_response("copy_object", {"CopyObjectResult": {"ETag": f'"{etag}"'} | checksums})


@pytest.mark.parametrize("checksums", [{}, {"ChecksumCRC64NVME": "n", "ChecksumType": "FULL_OBJECT"}])
def test_equal_plain_md5s_need_no_second_request(storage: S3Storage, stub: Stubber, checksums: dict[str, str]) -> None:
    copied_as(stub, MD5, **checksums)
    assert storage.copy(replace(ENTRY, etag=MD5), PLAIN).verified is Verification.ETAG


FULL = {"ChecksumType": "FULL_OBJECT"}


@pytest.mark.parametrize(
    ("source", "copy", "verified"),
    [
        ({"ChecksumCRC64NVME": "n", **FULL}, {"ChecksumCRC64NVME": "n", **FULL}, Verification.CHECKSUM),
        ({"ChecksumSHA1": "s", "ChecksumCRC32": "c"}, {"ChecksumSHA1": "s"}, Verification.CHECKSUM),
        ({"ChecksumCRC32": "c-2", "ChecksumType": "COMPOSITE"}, {"ChecksumCRC32": "c", **FULL}, None),
        ({"ChecksumCRC32": "c"}, {"ChecksumCRC64NVME": "n"}, None),
        ({}, {"ChecksumCRC64NVME": "n"}, None),
        ({"ChecksumCRC64NVME": "n"}, {}, None),
        ({"ChecksumType": "FULL_OBJECT"}, {"ChecksumType": "FULL_OBJECT"}, None),
    ],
)
def test_of_a_source_uploaded_in_parts_the_checksums_decide(
    storage: S3Storage, stub: Stubber, source: dict[str, str], copy: dict[str, str], verified: Verification | None
) -> None:
    copied_as(stub, MD5, **copy)
    look_at_source(stub, source)
    assert storage.copy(ENTRY, PLAIN).verified is (verified or Verification.UNVERIFIABLE)


@pytest.mark.parametrize(
    ("checksum", "verified"), [("n", Verification.CHECKSUM), (None, Verification.UNVERIFIABLE), ("other", None)]
)
def test_unequal_etags_that_look_like_md5s_prove_nothing(
    storage: S3Storage, stub: Stubber, checksum: str | None, verified: Verification | None
) -> None:
    copied_as(stub, MD5[::-1], ChecksumCRC64NVME="n")
    asked = WHERE | {"IfMatch": f'"{MD5}"', "ChecksumMode": "ENABLED"}
    head = {"ContentLength": 25} | ({"ChecksumCRC64NVME": checksum} if checksum else {})
    stub.add_response("head_object", head, asked)
    entry = replace(ENTRY, etag=MD5)
    if verified:
        assert storage.copy(entry, PLAIN).verified is verified
        return
    stub.add_response("delete_object", {}, TARGET)
    with pytest.raises(ChecksumMismatch):
        storage.copy(entry, PLAIN)


def test_a_copy_with_another_checksum_is_removed(storage: S3Storage, stub: Stubber) -> None:
    copied_as(stub, MD5, ChecksumCRC64NVME="n")
    look_at_source(stub, {"ChecksumCRC64NVME": "other"})
    stub.add_response("delete_object", {}, TARGET)
    with pytest.raises(
        ChecksumMismatch, match="checksum differs from that of the source; the copy was removed"
    ) as caught:
        storage.copy(ENTRY, PLAIN)
    assert (caught.value.code, caught.value.uri) == ("CHECKSUM_MISMATCH", ENTRY.source_uri)


def test_only_the_version_that_is_wrong_is_removed(storage: S3Storage, stub: Stubber) -> None:
    stub.add_response(
        "copy_object", {"CopyObjectResult": {"ETag": f'"{MD5}"', "ChecksumCRC32": "n"}, "VersionId": "v9"}
    )
    look_at_source(stub, {"ChecksumCRC32": "other"})
    stub.add_response("delete_object", {}, TARGET | {"VersionId": "v9"})
    with pytest.raises(ChecksumMismatch):
        storage.copy(ENTRY, PLAIN)


def test_a_copy_by_parts_with_another_checksum_is_removed(by_parts: ByParts, stub: Stubber) -> None:
    begin(stub, {})
    finish_parts(stub, {"ChecksumCRC32": "c"})
    look_at_source(stub, {"ChecksumCRC32": "other"})
    stub.add_response("delete_object", {}, TARGET)
    error(stub, "abort_multipart_upload", "NoSuchUpload", 404)
    with pytest.raises(ChecksumMismatch):
        by_parts.copy(ENTRY, PLAIN)


@pytest.mark.parametrize(("code", "status", "kind"), [("SlowDown", 503, SourceUnavailable), ("403", 403, AccessDenied)])
def test_a_wrong_copy_that_cannot_be_removed_is_an_error_of_the_clip(
    storage: S3Storage, stub: Stubber, code: str, status: int, kind: type[ObjectError]
) -> None:
    copied_as(stub, MD5, ChecksumCRC64NVME="n")
    look_at_source(stub, {"ChecksumCRC64NVME": "other"})
    error(stub, "delete_object", code, status, TARGET)
    with pytest.raises(kind):
        storage.copy(ENTRY, PLAIN)


def test_a_source_that_changes_before_its_checksums_are_read_is_a_changed_source(
    storage: S3Storage, stub: Stubber
) -> None:
    copied_as(stub, MD5, ChecksumCRC64NVME="n")
    error(stub, "head_object", "412", 412)
    with pytest.raises(SourceChanged):
        storage.copy(ENTRY, PLAIN)


# --- errors ----------------------------------------------------------------------------------------------------------

CODES: list[tuple[str, int, type[ObjectError]]] = [
    ("NoSuchKey", 404, ObjectMissing),
    ("NoSuchBucket", 404, ObjectMissing),
    ("NoSuchVersion", 404, ObjectMissing),
    ("404", 404, ObjectMissing),
    ("AccessDenied", 403, AccessDenied),
    ("403", 403, AccessDenied),
    ("AllAccessDisabled", 403, AccessDenied),
    ("KMS.DisabledException", 400, AccessDenied),
    ("PreconditionFailed", 412, SourceChanged),
    ("412", 412, SourceChanged),
    ("SlowDown", 503, SourceUnavailable),
    ("InternalError", 500, SourceUnavailable),
    ("InternalError", 200, SourceUnavailable),
    ("ServiceUnavailable", 503, SourceUnavailable),
    ("RequestTimeout", 400, SourceUnavailable),
    ("OperationAborted", 409, SourceUnavailable),
    ("500", 500, SourceUnavailable),
    ("502", 502, SourceUnavailable),
    ("NeverHeardOf", 504, SourceUnavailable),
    ("TooManyRequests", 429, SourceUnavailable),
    ("Throttling", 400, SourceUnavailable),
    ("ExpiredToken", 400, CredentialsRejected),
    ("InvalidAccessKeyId", 403, CredentialsRejected),
    ("PermanentRedirect", 301, BucketElsewhere),
    ("302", 302, BucketElsewhere),
    ("IllegalLocationConstraintException", 400, BucketElsewhere),
    ("InvalidObjectState", 403, ObjectArchived),
    ("InvalidRequest", 400, ObjectRejected),
    ("KeyTooLongError", 400, ObjectRejected),
    ("NeverHeardOf", 400, ObjectRejected),
    ("400", 400, ObjectRejected),
]


def client_error(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "because"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "CopyObject")


@pytest.mark.parametrize(("code", "status", "kind"), CODES)
def test_an_answer_of_s3_is_one_kind_of_error(code: str, status: int, kind: type[ObjectError]) -> None:
    found = object_error(client_error(code, status), operation="copy", uri="s3://b/k")
    assert type(found) is kind
    assert found.message.startswith("cannot copy s3://b/k: ")
    assert found.message.endswith(f"({code})")
    assert (found.operation, found.uri) == ("copy", "s3://b/k")


@pytest.mark.parametrize(
    "fault",
    [
        EndpointConnectionError(endpoint_url="https://s3"),
        ConnectTimeoutError(endpoint_url="https://s3"),
        ReadTimeoutError(endpoint_url="https://s3"),
    ],
)
def test_no_answer_is_a_passing_fault(fault: Any) -> None:
    assert type(object_error(fault, operation="copy", uri="u")) is SourceUnavailable


def test_an_error_without_a_text_is_still_one() -> None:
    found = object_error(ClientError({}, "CopyObject"), operation="copy", uri="u")
    assert type(found) is ObjectRejected
    assert found.message.startswith("cannot copy u: no ")


def test_a_failed_copy_names_operation_source_and_destination(storage: S3Storage, stub: Stubber) -> None:
    error(stub, "copy_object", "AccessDenied", 403)
    with pytest.raises(AccessDenied) as caught:
        storage.copy(ENTRY, PLAIN)
    places = f"copy to s3://clips/demo/-/source/x from s3://source/{KEY}"
    assert caught.value.message.startswith(f"cannot {places}: because (AccessDenied); CopyObject needs s3:GetObject ")
    assert "s3:PutObject at the destination" in caught.value.message
    stub.add_client_error("copy_object", "AccessDenied", "u is not authorized to perform: s3:PutObject on r", 403)
    with pytest.raises(AccessDenied, match=r"to perform: s3:PutObject on r \(AccessDenied\)$"):
        storage.copy(ENTRY, PLAIN)


def test_failed_looks_name_what_they_looked_at(storage: S3Storage, stub: Stubber) -> None:
    error(stub, "head_object", "403", 403, WHERE)
    with pytest.raises(AccessDenied, match=r"^cannot inspect s3://source/a b.*: access is denied"):
        storage.stat(s3_at(SOURCE_BUCKET, KEY))
    error(stub, "list_objects_v2", "SlowDown", 503)
    with pytest.raises(SourceUnavailable, match=r"^cannot list s3://source/p/: because"):
        list(storage.list_pages(s3_at(SOURCE_BUCKET, "p/")))


# --- against moto ----------------------------------------------------------------------------------------------------

ODD_KEYS = [
    "p/plain.zip",
    "p/a b.zip",
    "p/a+b.zip",
    "p/a%20b.zip",
    "p/%",
    "p/日本 🚗.zip",
    "p/é",
    "p/e\u0301",
    "p/&<>'\".zip",
    "p/tab\there",
    "p/line\nbreak",
    "p/bell\x07",
    "p/a//b",
    "p/~",
]


def put(s3: "S3Client", key: str, body: bytes = b"0123456789", **options: Any) -> str:
    return s3.put_object(Bucket=SOURCE_BUCKET, Key=key, Body=body, **options)["ETag"].strip('"')


def pinned(storage: S3Storage, key: str, destination: str = "demo/x") -> ManifestEntry:
    found = storage.stat(s3_at(SOURCE_BUCKET, key))
    return an_entry(
        source_uri=f"s3://{SOURCE_BUCKET}/{key}",
        destination=destination,
        size=found.size,
        etag=found.etag,
        version=found.version,
    )


def test_a_streamed_copy_tells_its_source_by_a_head(storage: S3Storage, s3: "S3Client") -> None:
    put(s3, "copy", Metadata={"clipferry-source": "a mark"})
    put(s3, "other")
    assert [storage.stat(s3_at(SOURCE_BUCKET, key)).copied_from for key in ("copy", "other")] == ["a mark", None]


@pytest.mark.parametrize("group", [None, 0])
@pytest.mark.parametrize("in_parts", [False, True])
def test_a_copy_that_s3_made_tells_its_source_and_not_what_that_is_a_copy_of(
    storage: S3Storage, s3: "S3Client", in_parts: bool, group: int | None
) -> None:
    put(s3, "k", b"body", Metadata={"clipferry-source": "of another"})
    entry = replace(pinned(storage, "k"), group=group)
    (copies_by_parts(storage, 5 * 1024**2) if in_parts else storage).copy(entry, ImportSettings(), mark="ij_1-0")
    found = storage.stat(s3_at(CLIPS_BUCKET, "demo/x"))
    assert found.copied_from == source_mark(entry.size, entry.etag, entry.version)
    assert storage.landed(entry, etag=found.etag, mark="ij_1-0")
    assert not storage.landed(entry, etag=found.etag, mark="ij_1-5")


def test_odd_keys_are_listed_in_binary_order_as_they_are(storage: S3Storage, s3: "S3Client") -> None:
    for key in ODD_KEYS:
        put(s3, key)
    put(s3, "q/other")
    found = [item for page in storage.list_pages(s3_at(SOURCE_BUCKET, "p/")) for item in page]
    assert [item.key for item in found] == sorted(ODD_KEYS, key=str.encode)
    assert {item.size for item in found} == {10}
    assert not any('"' in item.etag for item in found)


@pytest.mark.parametrize("key", [*ODD_KEYS, "ü" * 512])
def test_odd_keys_are_inspected_and_copied_as_they_are(storage: S3Storage, s3: "S3Client", key: str) -> None:
    etag = put(s3, key)
    entry = pinned(storage, key, destination=f"d{key}"[:500])
    assert (entry.size, entry.etag) == (10, etag)
    storage.copy(entry, PLAIN)
    assert s3.get_object(Bucket=CLIPS_BUCKET, Key=entry.destination)["Body"].read() == b"0123456789"


def test_a_listing_continues_after_a_key(storage: S3Storage, s3: "S3Client") -> None:
    for n in range(5):
        put(s3, f"p/{n}")
    pages = list(storage.list_pages(s3_at(SOURCE_BUCKET, "p/"), start_after="p/2"))
    assert [item.key for page in pages for item in page] == ["p/3", "p/4"]


def test_pages_are_those_of_s3_each_after_the_last_key_of_the_one_before(storage: S3Storage, stub: Stubber) -> None:
    asked = {"Bucket": SOURCE_BUCKET, "Prefix": "p/", "StartAfter": "p/0"}
    written = datetime(2026, 11, 22, 18, 0, 0, 123_000, tzinfo=timezone(timedelta(hours=1)))
    modified = "2026-11-22T17:00:00.123Z"
    first = {
        "Contents": [{"Key": "p/a%20%2B", "Size": 1, "ETag": '"e1"', "LastModified": written}],
        "EncodingType": "url",
    }
    second = {
        "Contents": [{"Key": "p/b", "Size": 5 * 1024**4, "ETag": '"e2-3"', "LastModified": written}],
        "EncodingType": "url",
    }
    stub.add_response("list_objects_v2", first | {"IsTruncated": True, "NextContinuationToken": "token"}, asked)
    stub.add_response("list_objects_v2", second | {"IsTruncated": False}, asked | {"StartAfter": "p/a +"})
    pages = list(storage.list_pages(s3_at(SOURCE_BUCKET, "p/"), start_after="p/0"))
    assert pages == [
        [ListedObject(key="p/a +", size=1, etag="e1", modified=modified)],
        [ListedObject(key="p/b", size=5 * 1024**4, etag="e2-3", modified=modified)],
    ]


def test_a_page_without_objects_is_not_the_end(storage: S3Storage, stub: Stubber) -> None:
    asked = {"Bucket": SOURCE_BUCKET, "Prefix": "p/"}
    stub.add_response("list_objects_v2", {"IsTruncated": True, "NextContinuationToken": "1+/="}, asked)
    last = {"Key": "p/b", "Size": 1, "ETag": '"e"', "LastModified": datetime(2026, 11, 22, tzinfo=UTC)}
    answer = {"Contents": [last], "IsTruncated": False}
    stub.add_response("list_objects_v2", answer, asked | {"ContinuationToken": "1+/="})
    assert [[item.key for item in page] for page in storage.list_pages(s3_at(SOURCE_BUCKET, "p/"))] == [["p/b"]]


@pytest.mark.parametrize(("after", "keys"), [("", ["p/b", "p/a"]), ("p/a", ["p/a", "p/b"]), ("p/b", ["p/a"])])
def test_a_store_that_lists_in_another_order_is_refused(
    storage: S3Storage, stub: Stubber, after: str, keys: list[str]
) -> None:
    """Objects would be missed, or it would never end."""
    written = datetime(2026, 11, 22, tzinfo=UTC)
    contents = [{"Key": key, "Size": 1, "ETag": '"e"', "LastModified": written} for key in keys]
    stub.add_response("list_objects_v2", {"Contents": contents, "IsTruncated": False})
    with pytest.raises(ObjectRejected, match="not listed in UTF-8 binary order"):
        list(storage.list_pages(s3_at(SOURCE_BUCKET, "p/"), start_after=after))


def test_an_empty_prefix_lists_nothing(storage: S3Storage) -> None:
    assert [item for page in storage.list_pages(s3_at(SOURCE_BUCKET, "p/")) for item in page] == []


def test_a_missing_bucket_is_an_error_when_the_listing_is_read(storage: S3Storage) -> None:
    pages = storage.list_pages(s3_at("no-such-bucket", ""))
    with pytest.raises(ObjectMissing):
        next(iter(pages))


def test_a_missing_object_is_missing(storage: S3Storage) -> None:
    with pytest.raises(ObjectMissing):
        storage.stat(s3_at(SOURCE_BUCKET, "nope"))
    with pytest.raises(ObjectMissing):
        storage.copy(ENTRY, PLAIN)


def test_an_empty_object_is_copied(storage: S3Storage, s3: "S3Client") -> None:
    put(s3, "empty", b"")
    landed = storage.copy(pinned(storage, "empty"), PLAIN)
    assert landed.size == 0
    assert s3.head_object(Bucket=CLIPS_BUCKET, Key="demo/x")["ContentLength"] == 0


def test_a_copy_keeps_metadata(storage: S3Storage, s3: "S3Client") -> None:
    put(s3, "k", ContentType="application/zip", Metadata={"camera": "front"})
    storage.copy(pinned(storage, "k"), PLAIN)
    head = s3.head_object(Bucket=CLIPS_BUCKET, Key="demo/x")
    assert (head["ContentType"], head["Metadata"]) == ("application/zip", {"camera": "front"})


def test_an_object_that_changed_is_not_copied(storage: S3Storage, s3: "S3Client") -> None:
    put(s3, "k")
    entry = pinned(storage, "k")
    put(s3, "k", b"other")
    with pytest.raises(SourceChanged):
        storage.copy(entry, PLAIN)
    with pytest.raises(ObjectMissing):
        storage.stat(s3_at(CLIPS_BUCKET, "demo/x"))


def test_of_a_versioned_bucket_the_planned_version_is_copied(storage: S3Storage, s3: "S3Client") -> None:
    s3.put_bucket_versioning(Bucket=SOURCE_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    put(s3, "k", b"planned")
    entry = pinned(storage, "k")
    assert entry.version
    put(s3, "k", b"later")
    storage.copy(entry, PLAIN)
    assert s3.get_object(Bucket=CLIPS_BUCKET, Key="demo/x")["Body"].read() == b"planned"


def test_a_copy_by_parts_has_the_bytes_metadata_and_tags_of_its_source(storage: S3Storage, s3: "S3Client") -> None:
    body = bytes(range(256)) * 50_000
    put(s3, "big", body, ContentType="video/mp4", Metadata={"camera": "front"}, Tagging="team=a%2Bb+c")
    landed = copies_by_parts(storage, 5 * 1024**2).copy(pinned(storage, "big"), PLAIN)
    found = s3.get_object(Bucket=CLIPS_BUCKET, Key="demo/x")
    assert found["Body"].read() == body
    assert (found["ContentType"], found["Metadata"]) == ("video/mp4", {"camera": "front"})
    assert found["ETag"].strip('"') == landed.etag
    assert s3.get_object_tagging(Bucket=CLIPS_BUCKET, Key="demo/x")["TagSet"] == [{"Key": "team", "Value": "a+b c"}]
    assert not s3.list_multipart_uploads(Bucket=CLIPS_BUCKET).get("Uploads")


def test_what_is_not_to_be_kept_is_not_there(storage: S3Storage, s3: "S3Client") -> None:
    put(s3, "k", ContentType="application/zip", Metadata={"camera": "front"}, Tagging="team=a")
    bare = ImportSettings(keep_metadata=False, keep_tags=False, storage_class="STANDARD_IA")
    landed = storage.copy(pinned(storage, "k"), bare)
    head = s3.head_object(Bucket=CLIPS_BUCKET, Key="demo/x")
    assert (head["Metadata"], head["StorageClass"]) == ({}, "STANDARD_IA")
    assert head["ContentType"] != "application/zip"
    assert s3.get_object_tagging(Bucket=CLIPS_BUCKET, Key="demo/x")["TagSet"] == []
    assert landed.verified is Verification.ETAG


def test_tags_of_a_whole_copy_are_kept(storage: S3Storage, s3: "S3Client") -> None:
    put(s3, "k", Tagging="team=a%2Bb")
    storage.copy(pinned(storage, "k"), PLAIN)
    assert s3.get_object_tagging(Bucket=CLIPS_BUCKET, Key="demo/x")["TagSet"] == [{"Key": "team", "Value": "a+b"}]


def test_a_listing_and_a_look_tell_when_an_object_was_written(storage: S3Storage, s3: "S3Client") -> None:
    put(s3, "p/k")
    (page,) = storage.list_pages(s3_at(SOURCE_BUCKET, "p/"))
    found = storage.stat(s3_at(SOURCE_BUCKET, "p/k"))
    assert found.modified
    assert datetime.fromisoformat(found.modified).utcoffset() == timedelta(0)
    assert found.modified.endswith("Z")
    assert page[0].modified
    assert page[0].modified[:19] == found.modified[:19]


# --- a checksum that the caller gave ---------------------------------------------------------------------------------


@pytest.mark.parametrize("etag", [MD5, "abc-2"])
def test_a_given_checksum_is_asked_for_and_compared(storage: S3Storage, stub: Stubber, etag: str) -> None:
    asked = TARGET | {"CopySource": WHERE, "CopySourceIfMatch": f'"{etag}"', "ChecksumAlgorithm": "CRC32"}
    answer = {"CopyObjectResult": {"ETag": f'"{MD5}"', "ChecksumCRC32": "c"}}
    stub.add_response("copy_object", answer, asked)
    given = replace(ENTRY, etag=etag, checksum="CRC32:c")
    assert storage.copy(given, PLAIN).verified is Verification.CHECKSUM
    stub.add_response("copy_object", answer, asked)
    stub.add_response("delete_object", {}, TARGET)
    with pytest.raises(ChecksumMismatch, match="checksum differs from that of its line in the manifest"):
        storage.copy(replace(given, checksum="CRC32:d"), PLAIN)


@pytest.mark.parametrize(
    ("etag", "source", "verified"),
    [
        (MD5, {"ChecksumCRC32": "c"}, Verification.CHECKSUM),
        (MD5, {"ChecksumCRC32": "d"}, None),
        (MD5, {}, Verification.ETAG),
        ("abc-2", {"ChecksumCRC32": "c"}, Verification.UNVERIFIABLE),
        ("abc-2", {"ChecksumCRC32": "d"}, None),
        ("abc-2", {}, Verification.UNVERIFIABLE),
    ],
)
def test_where_the_copy_has_no_such_checksum_the_sources_counts(
    storage: S3Storage, stub: Stubber, etag: str, source: dict[str, str], verified: Verification | None
) -> None:
    stub.add_response("copy_object", {"CopyObjectResult": {"ETag": f'"{MD5}"'}})
    asked = WHERE | {"IfMatch": f'"{etag}"', "ChecksumMode": "ENABLED"}
    stub.add_response("head_object", {"ContentLength": 25} | source, asked)
    given = replace(ENTRY, etag=etag, checksum="CRC32:c")
    if verified:
        assert storage.copy(given, PLAIN).verified is verified
        return
    stub.add_response("delete_object", {}, TARGET)
    with pytest.raises(ChecksumMismatch):
        storage.copy(given, PLAIN)


def test_a_version_is_inspected_by_its_name(storage: S3Storage, stub: Stubber) -> None:
    head = {
        "ContentLength": 3,
        "ETag": '"e"',
        "VersionId": "v1",
        "LastModified": datetime(2026, 1, 1, tzinfo=UTC),
    }
    stub.add_response("head_object", head, WHERE | {"VersionId": "v1"})
    assert storage.stat(s3_at(SOURCE_BUCKET, KEY), version="v1").version == "v1"


# --- sets ------------------------------------------------------------------------------------------------------------

MARKED = {"clipferry-set": "ij_1-0"}


def told(view: ManifestEntry) -> dict[str, str]:
    """How the copy of a view tells its source."""
    return {"WebsiteRedirectLocation": f"/?{source_mark(view.size, view.etag, view.version)}"}


def test_a_marked_copy_sends_all_metadata_again(storage: S3Storage, stub: Stubber) -> None:
    entry = replace(ENTRY, etag=MD5, group=0)
    kept = {"Metadata": {"camera": "front"}, "ContentType": "video/mp4", "CacheControl": "no-cache"}
    asked = WHERE | {"IfMatch": f'"{MD5}"', "ChecksumMode": "ENABLED"}
    stub.add_response("head_object", {"ContentLength": 25} | kept, asked)
    expected = TARGET | {"CopySource": WHERE, "CopySourceIfMatch": f'"{MD5}"', "MetadataDirective": "REPLACE"}
    expected |= kept | {"Metadata": {"camera": "front"} | MARKED} | told(entry)
    stub.add_response("copy_object", {"CopyObjectResult": {"ETag": f'"{MD5}"'}}, expected)
    assert storage.copy(entry, PLAIN, mark="ij_1-0").verified is Verification.ETAG


def test_a_marked_copy_without_metadata_has_the_mark_alone(storage: S3Storage, stub: Stubber) -> None:
    expected = TARGET | {"CopySource": WHERE, "CopySourceIfMatch": f'"{MD5}"', "MetadataDirective": "REPLACE"}
    entry = replace(ENTRY, etag=MD5, group=0)
    expected = expected | {"Metadata": MARKED} | told(entry)
    stub.add_response("copy_object", {"CopyObjectResult": {"ETag": f'"{MD5}"'}}, expected)
    storage.copy(entry, ImportSettings(keep_metadata=False), mark="ij_1-0")


def test_a_source_that_changed_is_not_copied_for_a_set_either(storage: S3Storage, stub: Stubber) -> None:
    error(stub, "head_object", "412", 412)
    with pytest.raises(SourceChanged):
        storage.copy(replace(ENTRY, group=0), PLAIN, mark="ij_1-0")


def test_marked_copies_keep_what_others_keep(storage: S3Storage, s3: "S3Client") -> None:
    put(s3, "k", ContentType="video/mp4", Metadata={"camera": "front"}, Tagging="team=a%2Bb")
    for one in (storage, copies_by_parts(storage, 5 * 1024**2)):
        view = replace(pinned(storage, "k"), group=0)
        one.copy(view, ImportSettings(on_existing=OnExisting.OVERWRITE), mark="ij_1-0")
        head = s3.head_object(Bucket=CLIPS_BUCKET, Key="demo/x")
        assert (head["ContentType"], head["Metadata"]) == ("video/mp4", {"camera": "front"} | MARKED)
        assert s3.get_object_tagging(Bucket=CLIPS_BUCKET, Key="demo/x")["TagSet"] == [{"Key": "team", "Value": "a+b"}]


def test_the_mark_of_a_clip_outside_of_sets_leaves_its_metadata_as_they_are(storage: S3Storage, s3: "S3Client") -> None:
    put(s3, "k", Metadata={"camera": "front"}, WebsiteRedirectLocation="/elsewhere")
    for one in (storage, copies_by_parts(storage, 5 * 1024**2)):
        one.copy(pinned(storage, "k"), ImportSettings(on_existing=OnExisting.OVERWRITE), mark="ij_1-0")
        head = s3.head_object(Bucket=CLIPS_BUCKET, Key="demo/x")
        location = head["WebsiteRedirectLocation"].partition("?")[0]
        assert (head["Metadata"], location) == ({"camera": "front"}, "/ij_1-0")


def test_a_copy_without_a_mark_may_be_that_of_a_clip_but_of_no_set(storage: S3Storage, s3: "S3Client") -> None:
    put(s3, "k", b"body")
    entry = pinned(storage, "k")
    storage.copy(entry, PLAIN)
    assert storage.landed(entry, mark="ij_1-0") == storage.landed(entry) is not None
    assert storage.landed(replace(entry, group=0), mark="ij_1-0") is None


@pytest.mark.parametrize("group", [None, 0])
def test_a_finished_copy_is_recognized_by_its_mark(storage: S3Storage, s3: "S3Client", group: int | None) -> None:
    put(s3, "k", b"body")
    entry = replace(pinned(storage, "k"), group=group)
    storage.copy(entry, PLAIN, mark="ij_1-0")
    assert storage.landed(entry, mark="ij_1-0") == storage.landed(entry)
    assert storage.landed(entry, mark="ij_1-0") is not None
    assert storage.landed(entry, mark="ij_1-5") is None
    assert storage.landed(entry, etag="other", mark="ij_1-0") is None


@pytest.fixture
def versioned(s3: "S3Client") -> "S3Client":
    s3.put_bucket_versioning(Bucket=CLIPS_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return s3


def bodies(s3: "S3Client", prefix: str = "demo/x") -> list[tuple[str, bytes]]:
    """Key and bytes of every version, newest first."""
    listed = s3.list_object_versions(Bucket=CLIPS_BUCKET, Prefix=prefix)
    assert not listed.get("DeleteMarkers")
    return [
        (item["Key"], s3.get_object(Bucket=CLIPS_BUCKET, Key=item["Key"], VersionId=item["VersionId"])["Body"].read())
        for item in listed.get("Versions", [])
    ]


def copied(storage: S3Storage, s3: "S3Client", body: bytes, mark: str | None, destination: str = "demo/x") -> None:
    put(s3, "k", body)
    storage.copy(replace(pinned(storage, "k", destination), group=0 if mark else None), PLAIN, mark=mark)


def test_what_lay_there_before_a_set_is_there_again(storage: S3Storage, versioned: "S3Client") -> None:
    copied(storage, versioned, b"before", None)
    copied(storage, versioned, b"set", "ij_1-0")
    copied(storage, versioned, b"set", "ij_1-0")
    storage.remove_marked("demo/x", "ij_1-0")
    assert bodies(versioned) == [("demo/x", b"before")]
    assert versioned.get_object(Bucket=CLIPS_BUCKET, Key="demo/x")["Body"].read() == b"before"


def test_copies_of_others_stay(storage: S3Storage, versioned: "S3Client") -> None:
    copied(storage, versioned, b"mine", "ij_1-0")
    copied(storage, versioned, b"other set", "ij_1-10")
    copied(storage, versioned, b"other key", "ij_1-0", "demo/x.zip")
    storage.remove_marked("demo/x", "ij_1-0")
    assert bodies(versioned) == [("demo/x", b"other set"), ("demo/x.zip", b"other key")]
    storage.remove_marked("demo/x", "ij_1-0")
    storage.remove_marked("demo/nothing", "ij_1-0")
    assert len(bodies(versioned)) == 2


def test_a_set_alone_leaves_nothing(storage: S3Storage, versioned: "S3Client") -> None:
    copied(storage, versioned, b"mine", "ij_1-0")
    storage.remove_marked("demo/x", "ij_1-0")
    assert bodies(versioned) == []
    with pytest.raises(ObjectMissing):
        storage.stat(s3_at(CLIPS_BUCKET, "demo/x"))


LISTED = {"Versions": [{"Key": "x", "VersionId": "v2"}, {"Key": "x", "VersionId": "v1"}], "IsTruncated": False}


def test_a_version_that_is_gone_by_now_is_passed_over(storage: S3Storage, stub: Stubber) -> None:
    x = {"Bucket": CLIPS_BUCKET, "Key": "x"}
    stub.add_response("list_object_versions", LISTED, {"Bucket": CLIPS_BUCKET, "Prefix": "x"})
    error(stub, "head_object", "404", 404, x | {"VersionId": "v2"})
    stub.add_response("head_object", {"Metadata": MARKED}, x | {"VersionId": "v1"})
    stub.add_response("delete_object", {}, x | {"VersionId": "v1"})
    storage.remove_marked("x", "ij_1-0")


@pytest.mark.parametrize(("code", "status", "kind"), [("SlowDown", 503, SourceUnavailable), ("403", 403, AccessDenied)])
def test_a_removal_that_fails_names_the_clip(
    storage: S3Storage, stub: Stubber, code: str, status: int, kind: type[ObjectError]
) -> None:
    stub.add_response("list_object_versions", LISTED)
    error(stub, "head_object", code, status)
    with pytest.raises(kind, match="cannot remove s3://clips/x"):
        storage.remove_marked("x", "ij_1-0")


def test_a_copy_between_regions_that_s3_refuses_says_what_to_do() -> None:
    """One region is an opt-in region; S3 says only that a location constraint is incompatible."""
    found = object_error(client_error("IllegalLocationConstraintException", 400), operation="copy", uri="s3://b/k")
    assert "put the source into the clips bucket's region" in found.message


# --- archives --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "archive"),
    [
        ({"StorageClass": "GLACIER"}, "GLACIER"),
        ({"StorageClass": "DEEP_ARCHIVE", "Restore": 'ongoing-request="true"'}, "DEEP_ARCHIVE"),
        ({"StorageClass": "GLACIER", "Restore": 'ongoing-request="false", expiry-date="Fri, 01 Jan 2027"'}, None),
        ({"StorageClass": "INTELLIGENT_TIERING", "ArchiveStatus": "ARCHIVE_ACCESS"}, "ARCHIVE_ACCESS"),
        ({"StorageClass": "INTELLIGENT_TIERING"}, None),
        ({"StorageClass": "GLACIER_IR"}, None),
        ({}, None),
    ],
)
def test_a_head_tells_whether_the_object_is_archived(
    storage: S3Storage, stub: Stubber, told: dict[str, str], archive: str | None
) -> None:
    stub.add_response("head_object", {"ContentLength": 25, "ETag": '"e"', **told}, WHERE)
    assert storage.stat(s3_at(SOURCE_BUCKET, KEY)).archive == archive


@pytest.mark.parametrize("code", ["InvalidObjectState", "ObjectNotInActiveTierError"])
def test_a_copy_of_an_archived_object_fails_its_clip_as_archived(storage: S3Storage, stub: Stubber, code: str) -> None:
    error(stub, "copy_object", code, 403)
    with pytest.raises(ObjectArchived):
        storage.copy(ENTRY, PLAIN)


BULK = Restore(tier=RestoreTier.BULK, days=5)


@pytest.mark.parametrize(
    ("archive", "how", "request_of"),
    [
        ("GLACIER", BULK, {"Days": 5, "GlacierJobParameters": {"Tier": "Bulk"}}),
        ("DEEP_ARCHIVE", Restore(), {"Days": 3, "GlacierJobParameters": {"Tier": "Bulk"}}),
        ("GLACIER", Restore(tier=RestoreTier.EXPEDITED), {"Days": 3, "GlacierJobParameters": {"Tier": "Expedited"}}),
        ("ARCHIVE_ACCESS", Restore(tier=RestoreTier.STANDARD), {"GlacierJobParameters": {"Tier": "Standard"}}),
        ("DEEP_ARCHIVE_ACCESS", BULK, {"GlacierJobParameters": {"Tier": "Bulk"}}),
    ],
)
@pytest.mark.parametrize("version", [None, "v1"])
def test_a_restore_names_days_only_for_classes_that_keep_a_copy(
    storage: S3Storage, stub: Stubber, archive: str, how: Restore, request_of: dict[str, Any], version: str | None
) -> None:
    versioned = {"VersionId": version} if version else {}
    stub.add_response("restore_object", {}, WHERE | versioned | {"RestoreRequest": request_of})
    storage.restore(replace(ENTRY, archive=archive, version=version), how)


def test_a_restore_says_who_pays(storage: S3Storage, stub: Stubber) -> None:
    asked = WHERE | {
        "RequestPayer": "requester",
        "RestoreRequest": {"Days": 5, "GlacierJobParameters": {"Tier": "Bulk"}},
    }
    stub.add_response("restore_object", {}, asked)
    replace(storage, requester_pays=[SOURCE_BUCKET]).restore(replace(ENTRY, archive="GLACIER"), BULK)


@pytest.mark.parametrize(
    ("code", "status"),
    [("RestoreAlreadyInProgress", 409), ("ObjectAlreadyInActiveTierError", 403), ("InvalidObjectState", 403)],
)
def test_a_restore_that_needs_no_request_is_no_error(storage: S3Storage, stub: Stubber, code: str, status: int) -> None:
    error(stub, "restore_object", code, status)
    storage.restore(replace(ENTRY, archive="GLACIER"), BULK)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDenied", 403, AccessDenied),
        ("NoSuchKey", 404, ObjectMissing),
        ("GlacierExpeditedRetrievalNotAvailable", 503, SourceUnavailable),
    ],
)
def test_a_refused_restore_is_an_error(
    storage: S3Storage, stub: Stubber, code: str, status: int, kind: type[ObjectError]
) -> None:
    error(stub, "restore_object", code, status)
    with pytest.raises(kind) as refused:
        storage.restore(replace(ENTRY, archive="GLACIER"), BULK)
    assert ("restore_buckets" in refused.value.message) == (kind is AccessDenied)


@pytest.mark.parametrize(("text", "kept"), [("Wed, 21 Oct 2026 07:28:00 GMT", True), ("soon", False), ("0", False)])
def test_a_copy_by_parts_keeps_the_time_of_expiry_that_its_source_has(text: str, kept: bool) -> None:
    head = Head.of({"content-length": "1", "etag": "e", "expires": text, "content-type": "video/mp4"})
    expected = {"ContentType": "video/mp4"} | ({"Expires": text} if kept else {})
    assert described(head, None) == {**expected, "Metadata": {}}
    assert ("expires" in as_headers(described(head, "mark"))) is kept


def test_a_prefix_is_listed_as_it_was_at_a_time(storage: S3Storage, stub: Stubber) -> None:
    asked = {"Bucket": SOURCE_BUCKET, "Prefix": "p/", "OptionalObjectAttributes": ["RestoreStatus"]}
    when = datetime(2026, 1, 1, tzinfo=UTC)
    found = {"Key": "p/a.zip", "VersionId": "null", "LastModified": when, "ETag": '"e"', "Size": 3, "IsLatest": True}
    stub.add_response("list_object_versions", {"Versions": [found]}, asked)
    stub.add_response("get_bucket_versioning", {"Status": "Suspended"}, {"Bucket": SOURCE_BUCKET})
    pages = storage.list_as_of(s3_at(SOURCE_BUCKET, "p/"), "2026-01-01T00:00:00.000Z")
    (one,) = [one for page in pages for one in page]
    assert (one.key, one.version, one.etag, one.size) == ("p/a.zip", "null", "e", 3)
    stub.add_response("list_object_versions", {}, asked)
    stub.add_response("get_bucket_versioning", {}, {"Bucket": SOURCE_BUCKET})
    with pytest.raises(NotVersioned):
        list(storage.list_as_of(s3_at(SOURCE_BUCKET, "p/"), "2026-01-01T00:00:00.000Z"))
    error(stub, "list_object_versions", "AccessDenied", 403)
    with pytest.raises(AccessDenied, match="list the versions of"):
        list(storage.list_as_of(s3_at(SOURCE_BUCKET, "p/"), "2026-01-01T00:00:00.000Z"))
