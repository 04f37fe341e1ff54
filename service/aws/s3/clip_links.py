"""Presigned links to clips."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class S3ClipLinks:
    """`client` signs for the hosts of the buckets (`s3_client(virtual_hosts=True)`)."""

    client: "S3Client"
    clips: str

    @cached_property
    def origin(self) -> str:
        return origin_of(self.client, self.clips)

    def clip_url(self, key: str, *, seconds: int, content_type: str | None = None, name: str | None = None) -> str:
        params = {"Bucket": self.clips, "Key": key}
        if content_type:
            params["ResponseContentType"] = content_type
        if name:
            # RFC 6266: a plain name for old readers, and the real one in UTF-8.
            plain = "".join(one if one.isascii() and one.isprintable() and one not in '"\\' else "_" for one in name)
            params["ResponseContentDisposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
        return self.client.generate_presigned_url("get_object", Params=params, ExpiresIn=seconds)


def origin_of(client: "S3Client", bucket: str) -> str:
    """Return scheme, host and port of the presigned links to a bucket's objects."""
    parts = urlsplit(client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"}))
    return f"{parts.scheme}://{parts.netloc}"
