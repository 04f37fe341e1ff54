"""The requests of the service's own client, by boto3: Stubber and moto answer boto3 only.

tests/functional/test_s3_requests.py has them to the letter, as HTTP.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from service.aws.heads import DESCRIBING
from service.aws.requests import NOTHING, CopyAnswer, Query
from service.aws.session import S3Session

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Read = TypeVar("Read")

PARAMETERS = DESCRIBING | {
    "if-match": "IfMatch",
    "range": "Range",
    "x-amz-checksum-algorithm": "ChecksumAlgorithm",
    "x-amz-checksum-mode": "ChecksumMode",
    "x-amz-copy-source-if-match": "CopySourceIfMatch",
    "x-amz-copy-source-range": "CopySourceRange",
    "x-amz-metadata-directive": "MetadataDirective",
    "x-amz-storage-class": "StorageClass",
    "x-amz-tagging-directive": "TaggingDirective",
}
METADATA = "x-amz-meta-"


def boto_session(client: "S3Client") -> S3Session:
    return S3Session(BotoRequests(client), lambda: client)


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
        named = {"content-length": "ContentLength", "etag": "ETag", "x-amz-version-id": "VersionId"}
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
    ) -> Read:
        assert operation == "GetObject"
        given = {**given_by(headers), "Bucket": bucket, "Key": key}
        for name, value in query:
            assert name == "versionId"
            given["VersionId"] = value
        return read(self.client.get_object(**given)["Body"].read())


def given_by(headers: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {PARAMETERS[name]: value for name, value in headers.items() if name in PARAMETERS}
    metadata = {name.removeprefix(METADATA): value for name, value in headers.items() if name.startswith(METADATA)}
    assert len(given) + len(metadata) == len(headers), "a header that no parameter is for"
    return given | ({"Metadata": metadata} if metadata else {})


def source_of(header: str) -> dict[str, str]:
    path, separator, version = header.partition("?versionId=")
    bucket, _, key = unquote(path).partition("/")
    return {"Bucket": bucket, "Key": key} | ({"VersionId": version} if separator else {})
