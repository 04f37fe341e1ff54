"""Read ranges of one planned object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import Unanswered, object_error
from service.aws.s3.http.connections import MAX_ANSWER_BYTES
from service.aws.s3.http.event_loop import run
from service.aws.s3.http.requests import NOTHING, Requests, of_version
from service.domain.manifest import ManifestEntry

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CopySourceTypeDef


def source_object(entry: ManifestEntry) -> "CopySourceTypeDef":
    """Return bucket, key and (if planned) version of the clip's source, in the form of all S3 requests."""
    location = entry.location
    where: CopySourceTypeDef = {"Bucket": location.bucket, "Key": location.key}
    if entry.version:
        where["VersionId"] = entry.version
    return where


@dataclass(frozen=True)
class S3RangeReader:
    """Each read is pinned to the planned ETag. The manifest has the size, so no read requests it."""

    requests: Requests
    entry: ManifestEntry
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Parameters that the source's terms add."""

    @property
    def size(self) -> int:
        assert self.entry.size is not None
        return self.entry.size

    def read(self, start: int, length: int) -> bytes:
        return run(self.read_on_loop(start, length))

    async def read_on_loop(self, start: int, length: int) -> bytes:
        """Like `read`, for callers on the event loop."""
        if start >= self.size or length <= 0:
            return b""  # S3 answers 416 to an empty range
        end = min(start + length, self.size)
        where = source_object(self.entry)
        try:
            return await range_of(self.requests, where, start, end - start, str(self.entry.etag), self.headers)
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation="read", uri=self.entry.source_uri) from error


async def range_of(
    requests: Requests,
    where: "CopySourceTypeDef",
    start: int,
    length: int,
    etag: str,
    headers: Mapping[str, str] = NOTHING,
) -> bytes:
    """Read a range of the object with this ETag. Raises botocore's `ClientError` or `BotoCoreError`."""

    def whole(body: bytes) -> bytes:
        if len(body) != length:
            raise Unanswered(reason=f"the store sent {len(body):,} bytes for a range of {length:,}")
        return body

    return await requests.get(
        "GetObject",
        where["Bucket"],
        where["Key"],
        whole,
        headers={"range": f"bytes={start}-{start + length - 1}", "if-match": f'"{etag}"', **headers},
        query=of_version(where.get("VersionId")),
        most=max(length, MAX_ANSWER_BYTES),
    )
