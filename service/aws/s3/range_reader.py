"""Range reads of one planned object."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import object_error
from service.aws.s3.http.event_loop import run
from service.aws.s3.http.requests import Requests, Unanswered, of_version
from service.domain.manifest import ManifestEntry

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CopySourceTypeDef


def source_object(entry: ManifestEntry) -> "CopySourceTypeDef":
    """Bucket, key and (where it was planned) version of the clip's source, as all S3 requests name them."""
    location = entry.location
    where: CopySourceTypeDef = {"Bucket": location.bucket, "Key": location.key}
    if entry.version:
        where["VersionId"] = entry.version
    return where


@dataclass(frozen=True)
class S3RangeReader:
    """Each read carries the planned ETag. Planning knows the size, so no read has to ask for it."""

    requests: Requests
    entry: ManifestEntry

    @property
    def size(self) -> int:
        assert self.entry.size is not None
        return self.entry.size

    def read(self, start: int, length: int) -> bytes:
        return run(self.read_on_loop(start, length))

    async def read_on_loop(self, start: int, length: int) -> bytes:
        """`read`, for what runs on the event loop already."""
        if start >= self.size or length <= 0:
            return b""  # S3 answers 416 to a range without a byte
        end = min(start + length, self.size)
        where = source_object(self.entry)
        try:
            return await range_of(self.requests, where, start, end - start, str(self.entry.etag))
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation="read", uri=self.entry.source_uri) from error


async def range_of(requests: Requests, where: "CopySourceTypeDef", start: int, length: int, etag: str) -> bytes:
    """Of the object that has this very ETag. Raises botocore's `ClientError` or `BotoCoreError`."""

    def whole(body: bytes) -> bytes:
        if len(body) != length:
            raise Unanswered(reason=f"{len(body)} bytes came where {length} were asked for")
        return body

    return await requests.get(
        "GetObject",
        where["Bucket"],
        where["Key"],
        whole,
        headers={"range": f"bytes={start}-{start + length - 1}", "if-match": f'"{etag}"'},
        query=of_version(where.get("VersionId")),
    )
