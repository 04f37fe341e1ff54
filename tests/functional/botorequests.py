"""The requests of the service's own client, by boto3: Stubber and moto answer boto3 only.

tests/functional/s3/test_requests.py has them to the letter, as HTTP.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from botocore.stub import Stubber

from service.aws.s3.heads import DESCRIBING
from service.aws.s3.http.requests import NOTHING, CopyAnswer, Query
from service.aws.s3.listing import ASKED
from service.aws.s3.session import S3Session

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Read = TypeVar("Read")

PARAMETERS = DESCRIBING | {
    "if-match": "IfMatch",
    "if-none-match": "IfNoneMatch",
    "range": "Range",
    "x-amz-checksum-algorithm": "ChecksumAlgorithm",
    "x-amz-checksum-mode": "ChecksumMode",
    "x-amz-copy-source-if-match": "CopySourceIfMatch",
    "x-amz-copy-source-range": "CopySourceRange",
    "x-amz-metadata-directive": "MetadataDirective",
    "x-amz-storage-class": "StorageClass",
    "x-amz-tagging-directive": "TaggingDirective",
    "x-amz-website-redirect-location": "WebsiteRedirectLocation",
}
METADATA = "x-amz-meta-"


LISTING: Any = {"continuation-token": "ContinuationToken", "prefix": "Prefix", "start-after": "StartAfter"}


def boto_session(client: "S3Client") -> S3Session:
    return S3Session(BotoRequests(client), client)


class WritesOverNothing(Stubber):
    """Expects every request that makes an object to ask for a destination where nothing lies, unless it says else."""

    def add_response(self, method: str, service_response: Any, expected_params: Any = None) -> None:
        super().add_response(method, service_response, self._conditional(method, expected_params))

    def add_client_error(self, method: str, *told: Any, expected_params: Any = None, **named: Any) -> None:
        named["expected_params"] = self._conditional(method, expected_params)
        super().add_client_error(method, *told, **named)

    @staticmethod
    def _conditional(method: str, expected: Any) -> Any:
        if method not in ("copy_object", "complete_multipart_upload", "put_object") or expected is None:
            return expected
        return expected if "IfMatch" in expected else {"IfNoneMatch": "*", **expected}


@dataclass(frozen=True)
class BotoRequests:
    client: "S3Client"

    async def put(
        self, operation: str, bucket: str, key: str, headers: Mapping[str, str], query: Query = ()
    ) -> CopyAnswer:
        copied = {name: value for name, value in headers.items() if name != "x-amz-copy-source"}
        given = {
            **given_by(copied),
            "Bucket": bucket,
            "Key": key,
            "CopySource": source_of(headers["x-amz-copy-source"]),
        }
        if operation == "UploadPartCopy":
            (_, number), (_, upload_id) = query
            answer: Any = self.client.upload_part_copy(**given, PartNumber=int(number), UploadId=upload_id)
            return CopyAnswer(answer["CopyPartResult"])
        assert not query
        answer = self.client.copy_object(**given)
        return CopyAnswer(answer["CopyObjectResult"], answer.get("VersionId"))

    async def head(self, bucket: str, key: str, headers: Mapping[str, str], query: Query = ()) -> Mapping[str, str]:
        given = {**given_by(headers), "Bucket": bucket, "Key": key}
        for name, value in query:
            assert name == "versionId"
            given["VersionId"] = value
        answer: Any = self.client.head_object(**given)
        said = {header: answer[name] for header, name in DESCRIBING.items() if name in answer}
        said |= {f"{METADATA}{name}".lower(): value for name, value in answer.get("Metadata", {}).items()}
        for name, value in answer.items():
            if name.startswith("Checksum"):
                said[f"x-amz-checksum-{name.removeprefix('Checksum')}".lower()] = value
        named = {
            "content-length": "ContentLength",
            "etag": "ETag",
            "x-amz-archive-status": "ArchiveStatus",
            "x-amz-restore": "Restore",
            "x-amz-storage-class": "StorageClass",
            "x-amz-version-id": "VersionId",
            "x-amz-website-redirect-location": "WebsiteRedirectLocation",
        }
        said |= {header: str(answer[name]) for header, name in named.items() if name in answer}
        if "LastModified" in answer:
            said["last-modified"] = format_datetime(answer["LastModified"].astimezone(UTC), usegmt=True)
        return said

    async def get(
        self,
        operation: str,
        bucket: str,
        key: str,
        read: Callable[[bytes], Read],
        *,
        headers: Mapping[str, str] = NOTHING,
        query: Query = (),
        most: float = 0,  # noqa: ARG002  # boto3 has no limit
    ) -> Read:
        if operation == "ListObjectsV2":
            assert (key, headers) == ("", ASKED)
            return read(self._page(bucket, dict(query)))
        assert operation == "GetObject"
        given = {**given_by(headers), "Bucket": bucket, "Key": key}
        for name, value in query:
            assert name == "versionId"
            given["VersionId"] = value
        return read(self.client.get_object(**given)["Body"].read())

    def _page(self, bucket: str, asked: dict[str, str]) -> bytes:
        assert (asked.pop("list-type"), asked.pop("encoding-type")) == ("2", "url")
        given: dict[str, Any] = {LISTING[name]: value for name, value in asked.items()}
        answer = self.client.list_objects_v2(Bucket=bucket, **given)
        return page_of(answer)


def page_of(answer: Any) -> bytes:
    """Return the XML that S3 would have sent for boto3's answer."""
    said = {"EncodingType": "url", "IsTruncated": str(answer["IsTruncated"]).lower()}
    said |= {name: answer[name] for name in ("NextContinuationToken",) if name in answer}
    objects = [
        {
            "Key": quote(item["Key"]),
            "LastModified": item["LastModified"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "ETag": item["ETag"],
            "Size": str(item["Size"]),
            "StorageClass": item.get("StorageClass", "STANDARD"),
        }
        for item in answer.get("Contents", [])
    ]
    return f"<ListBucketResult>{_leaves(said)}{''.join(map(_contents, objects))}</ListBucketResult>".encode()


def _contents(item: Mapping[str, str]) -> str:
    return f"<Contents>{_leaves(item)}</Contents>"


def _leaves(values: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())


def given_by(headers: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {PARAMETERS[name]: value for name, value in headers.items() if name in PARAMETERS}
    metadata = {name.removeprefix(METADATA): value for name, value in headers.items() if name.startswith(METADATA)}
    assert len(given) + len(metadata) == len(headers), "a header that no parameter is for"
    return given | ({"Metadata": metadata} if metadata else {})


def source_of(header: str) -> dict[str, str]:
    path, separator, version = header.partition("?versionId=")
    bucket, _, key = unquote(path).partition("/")
    return {"Bucket": bucket, "Key": key} | ({"VersionId": version} if separator else {})
