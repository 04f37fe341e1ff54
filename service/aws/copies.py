"""The two ways to copy an object on S3's side: whole, or by parts. Errors are botocore's; the storage names them."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.ranges import source_object
from service.planning import copy_parts
from service.schema import ImportSettings, ManifestEntry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        CompletedPartTypeDef,
        CopyObjectRequestTypeDef,
        CreateMultipartUploadRequestTypeDef,
        HeadObjectOutputTypeDef,
    )

    from service.aws.storage import S3Storage

PARTS_IN_FLIGHT = 16
"""UploadPartCopy requests of one object at a time."""

WHOLE_OBJECT_CHECKSUMS = ("CRC64NVME", "CRC32C", "CRC32")
"""Kinds that S3 computes over an object uploaded in parts as if it were whole (S3 user guide, "Checking integrity")."""


@dataclass(frozen=True)
class Copy:
    """What S3 says of the object that it made."""

    etag: str
    checksums: Mapping[str, str]


@dataclass(frozen=True)
class CopyWhole:
    """One CopyObject. It carries metadata and tags by itself."""

    storage: "S3Storage"
    entry: ManifestEntry
    settings: ImportSettings

    def run(self) -> Copy:
        request: CopyObjectRequestTypeDef = {
            "Bucket": self.storage.clips_bucket,
            "Key": self.entry.destination,
            "CopySource": source_object(self.entry),
            "CopySourceIfMatch": f'"{self.entry.etag}"',
        }
        if self.entry.checksum:  # S3 computes it of what it copies
            request["ChecksumAlgorithm"] = self.entry.checksum.partition(":")[0]  # type: ignore[typeddict-item]  # checked
        if self.settings.storage_class:
            request["StorageClass"] = self.settings.storage_class  # type: ignore[typeddict-item]  # checked at the edge
        if not self.settings.keep_metadata:
            request["MetadataDirective"] = "REPLACE"
        if not self.settings.keep_tags:
            request["TaggingDirective"] = "REPLACE"
        result = self.storage.client.copy_object(**request)["CopyObjectResult"]
        return Copy(result["ETag"].strip('"'), checksums_of(result))


@dataclass(frozen=True)
class CopyParts:
    """A multipart upload of copied ranges, each pinned to the same ETag.

    Parts carry neither metadata nor tags, so both are asked for and set; the source's kind of checksum is kept.
    """

    storage: "S3Storage"
    entry: ManifestEntry
    settings: ImportSettings

    def run(self) -> Copy:
        upload_id = self._begin()
        client, target = self.storage.client, self._target()
        try:
            with ThreadPoolExecutor(PARTS_IN_FLIGHT) as pool:
                assert self.entry.size is not None
                spans = copy_parts(self.entry.size, part_bytes=self.storage.part_bytes)
                numbered = [(upload_id, number, span) for number, span in enumerate(spans, 1)]
                parts = list(pool.map(self._copy_part, numbered))
            done = client.complete_multipart_upload(**target, UploadId=upload_id, MultipartUpload={"Parts": parts})
        except BaseException:
            # What went wrong before is what counts; a lifecycle rule removes uploads that could not be aborted.
            with suppress(ClientError, BotoCoreError):
                client.abort_multipart_upload(**target, UploadId=upload_id)
            raise
        return Copy(done["ETag"].strip('"'), checksums_of(done))

    def _target(self) -> dict[str, Any]:
        return {"Bucket": self.storage.clips_bucket, "Key": self.entry.destination}

    def _copy_part(self, numbered: tuple[str, int, tuple[int, int]]) -> "CompletedPartTypeDef":
        upload_id, number, (first, last) = numbered
        answer = self.storage.client.upload_part_copy(
            **self._target(),
            UploadId=upload_id,
            PartNumber=number,
            CopySource=source_object(self.entry),
            CopySourceIfMatch=f'"{self.entry.etag}"',
            CopySourceRange=f"bytes={first}-{last}",
        )
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    def _begin(self) -> str:
        head = head_planned(self.storage.client, self.entry)
        upload: CreateMultipartUploadRequestTypeDef = {
            "Bucket": self.storage.clips_bucket,
            "Key": self.entry.destination,
        }
        if self.settings.keep_metadata:
            upload["Metadata"] = head["Metadata"]
            for name in ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType"):
                if name in head:
                    upload[name] = head[name]
        tags = self._tags() if self.settings.keep_tags else {}
        if tags:
            upload["Tagging"] = urlencode(tags)
        if self.settings.storage_class:
            upload["StorageClass"] = self.settings.storage_class  # type: ignore[typeddict-item]  # checked at the edge
        known = checksums_of(head)
        kind = next((kind for kind in WHOLE_OBJECT_CHECKSUMS if "-" not in known.get(kind, "-")), None)
        if kind:
            upload["ChecksumAlgorithm"] = kind  # type: ignore[typeddict-item]  # one of three literals
            upload["ChecksumType"] = "FULL_OBJECT"
        return self.storage.client.create_multipart_upload(**upload)["UploadId"]

    def _tags(self) -> dict[str, str]:
        answer = self.storage.client.get_object_tagging(**source_object(self.entry))
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def head_planned(client: "S3Client", entry: ManifestEntry) -> "HeadObjectOutputTypeDef":
    """HEAD of exactly the planned object, with its checksums."""
    return client.head_object(**source_object(entry), IfMatch=f'"{entry.etag}"', ChecksumMode="ENABLED")


def checksums_of(answer: Mapping[str, Any]) -> dict[str, str]:
    """`{"CRC32": base64, …}` out of an S3 answer's `ChecksumCRC32`, …"""
    named = ((name.removeprefix("Checksum"), value) for name, value in answer.items() if name.startswith("Checksum"))
    return {kind: value for kind, value in named if kind != "Type"}
