"""Source objects and the clips bucket on S3. Copies are server-side: no clip passes through the function."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import object_error
from service.planning import S3Uri, copy_parts, parse_object_uri
from service.schema import ListedObject, ManifestEntry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        CompletedPartTypeDef,
        CopySourceTypeDef,
        CreateMultipartUploadRequestTypeDef,
        GetObjectTaggingRequestTypeDef,
        HeadObjectRequestTypeDef,
    )

PARTS_IN_FLIGHT = 16
"""UploadPartCopy requests of one object at a time."""


@dataclass(frozen=True, kw_only=True)
class S3Storage:
    client: "S3Client"
    clips_bucket: str
    multipart_threshold: int
    """Objects above this many bytes are copied by parts; at most 5 GiB, the end of CopyObject."""
    part_bytes: int

    def list_pages(self, bucket: str, prefix: str, *, start_after: str = "") -> Iterator[Sequence[ListedObject]]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, StartAfter=start_after
        )
        try:
            for page in pages:
                yield [
                    ListedObject(key=item["Key"], size=item["Size"], etag=item["ETag"].strip('"'))
                    for item in page.get("Contents", [])
                ]
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation="list", uri=str(S3Uri(bucket, prefix))) from error

    def stat(self, bucket: str, key: str) -> ListedObject:
        try:
            head = self.client.head_object(Bucket=bucket, Key=key)
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation="inspect", uri=str(S3Uri(bucket, key))) from error
        return ListedObject(
            key=key, size=head["ContentLength"], etag=head["ETag"].strip('"'), version=head.get("VersionId")
        )

    def copy(self, entry: ManifestEntry) -> ListedObject:
        assert entry.size is not None, "planning pins every clip that is to be copied"
        assert entry.etag is not None
        source = parse_object_uri(entry.source_uri)
        where: CopySourceTypeDef = {"Bucket": source.bucket, "Key": source.key}
        if entry.version:
            where["VersionId"] = entry.version
        try:
            if entry.size > self.multipart_threshold:
                etag = self._copy_parts(where, entry.size, entry.etag, entry.destination)
            else:
                etag = self._copy_whole(where, entry.etag, entry.destination)
        except (ClientError, BotoCoreError) as error:
            destination = S3Uri(self.clips_bucket, entry.destination)
            raise object_error(error, operation=f"copy to {destination} from", uri=entry.source_uri) from error
        return ListedObject(key=entry.destination, size=entry.size, etag=etag.strip('"'))

    def _copy_whole(self, where: "CopySourceTypeDef", etag: str, key: str) -> str:
        answer = self.client.copy_object(
            Bucket=self.clips_bucket, Key=key, CopySource=where, CopySourceIfMatch=f'"{etag}"'
        )
        return answer["CopyObjectResult"]["ETag"]

    def _copy_parts(self, where: "CopySourceTypeDef", size: int, etag: str, key: str) -> str:
        """Every part is pinned to the same ETag. Metadata and tags, which parts do not carry, are asked for and set."""
        upload_id = self._begin_upload(where, etag, key)
        try:
            with ThreadPoolExecutor(PARTS_IN_FLIGHT) as pool:

                def copy_part(number: int, span: tuple[int, int]) -> "CompletedPartTypeDef":
                    answer = self.client.upload_part_copy(
                        Bucket=self.clips_bucket,
                        Key=key,
                        UploadId=upload_id,
                        PartNumber=number,
                        CopySource=where,
                        CopySourceIfMatch=f'"{etag}"',
                        CopySourceRange=f"bytes={span[0]}-{span[1]}",
                    )
                    return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

                spans = copy_parts(size, part_bytes=self.part_bytes)
                parts = list(pool.map(copy_part, range(1, len(spans) + 1), spans))
            done = self.client.complete_multipart_upload(
                Bucket=self.clips_bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            # What went wrong before is what counts; a lifecycle rule removes uploads that could not be aborted.
            with suppress(ClientError, BotoCoreError):
                self.client.abort_multipart_upload(Bucket=self.clips_bucket, Key=key, UploadId=upload_id)
            raise
        return done["ETag"]

    def _begin_upload(self, where: "CopySourceTypeDef", etag: str, key: str) -> str:
        pinned: HeadObjectRequestTypeDef = {"Bucket": where["Bucket"], "Key": where["Key"], "IfMatch": f'"{etag}"'}
        tagged: GetObjectTaggingRequestTypeDef = {"Bucket": where["Bucket"], "Key": where["Key"]}
        if "VersionId" in where:
            pinned["VersionId"] = tagged["VersionId"] = where["VersionId"]
        head = self.client.head_object(**pinned)
        tags = self.client.get_object_tagging(**tagged)["TagSet"]
        upload: CreateMultipartUploadRequestTypeDef = {
            "Bucket": self.clips_bucket,
            "Key": key,
            "Metadata": head["Metadata"],
            "Tagging": urlencode({tag["Key"]: tag["Value"] for tag in tags}),
        }
        for name in ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType"):
            if name in head:
                upload[name] = head[name]
        return self.client.create_multipart_upload(**upload)["UploadId"]
