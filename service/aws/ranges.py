"""Range reads of one planned object."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import object_error
from service.schema import ManifestEntry
from service.uris import parse_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef


def source_object(entry: ManifestEntry) -> "CopySourceTypeDef":
    """Bucket, key and (where it was planned) version of the clip's source, as all S3 requests name them."""
    location = parse_object(entry.source_uri)
    where: CopySourceTypeDef = {"Bucket": location.bucket, "Key": location.key}
    if entry.version:
        where["VersionId"] = entry.version
    return where


@dataclass(frozen=True)
class S3RangeReader:
    """Each read carries the planned ETag. Planning knows the size, so no read has to ask for it."""

    client: "S3Client"
    entry: ManifestEntry

    @property
    def size(self) -> int:
        assert self.entry.size is not None
        return self.entry.size

    def read(self, start: int, length: int) -> bytes:
        if start >= self.size or length <= 0:
            return b""  # S3 answers 416 to a range without a byte
        span = f"bytes={start}-{min(start + length, self.size) - 1}"
        try:
            answer = self.client.get_object(**source_object(self.entry), Range=span, IfMatch=f'"{self.entry.etag}"')
            return answer["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation="read", uri=self.entry.source_uri) from error

    def read_tail(self, length: int) -> tuple[bytes, int]:
        return self.read(max(0, self.size - length), length), self.size
