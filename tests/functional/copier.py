"""Copies by boto3: Stubber and moto answer boto3 only, and the service's own client speaks HTTP (tests/functional/
test_copyclient.py has its requests to the letter)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from service.aws.copies import HEADERS
from service.aws.copyclient import CopyAnswer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PARAMETERS = {header: name for name, header in HEADERS.items()} | {
    "x-amz-checksum-algorithm": "ChecksumAlgorithm",
    "x-amz-copy-source-if-match": "CopySourceIfMatch",
    "x-amz-copy-source-range": "CopySourceRange",
    "x-amz-metadata-directive": "MetadataDirective",
    "x-amz-storage-class": "StorageClass",
    "x-amz-tagging-directive": "TaggingDirective",
}
METADATA = "x-amz-meta-"


@dataclass(frozen=True)
class BotoCopier:
    client: "S3Client"

    def put(
        self, operation: str, bucket: str, key: str, headers: Mapping[str, str], query: Sequence[tuple[str, str]] = ()
    ) -> CopyAnswer:
        given: dict[str, Any] = {"Bucket": bucket, "Key": key, "CopySource": source_of(headers["x-amz-copy-source"])}
        given |= {PARAMETERS[name]: value for name, value in headers.items() if name in PARAMETERS}
        metadata = {name.removeprefix(METADATA): value for name, value in headers.items() if name.startswith(METADATA)}
        assert len(given) - 2 + len(metadata) == len(headers), "a header that no parameter is for"
        if metadata:
            given["Metadata"] = metadata
        if operation == "UploadPartCopy":
            (_, number), (_, upload_id) = query
            answer: Any = self.client.upload_part_copy(**given, PartNumber=int(number), UploadId=upload_id)
            return CopyAnswer(answer["CopyPartResult"])
        assert not query
        answer = self.client.copy_object(**given)
        return CopyAnswer(answer["CopyObjectResult"], answer.get("VersionId"))


def source_of(header: str) -> dict[str, str]:
    path, separator, version = header.partition("?versionId=")
    bucket, _, key = unquote(path).partition("/")
    return {"Bucket": bucket, "Key": key} | ({"VersionId": version} if separator else {})
