"""What HEAD tells of an object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Self

from service.aws.s3.http.requests import Requests, of_version
from service.domain.manifest import ManifestEntry
from service.domain.uris import parse_object
from service.support.clock import timestamp

DESCRIBING = {
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "content-type": "ContentType",
}
"""Headers that describe an object's content, and boto3's names for them."""
_METADATA = "x-amz-meta-"
_CHECKSUM = "x-amz-checksum-"
_NO_CHECKSUM = ("MODE", "TYPE", "ALGORITHM")


@dataclass(frozen=True, kw_only=True)
class Head:
    size: int
    etag: str
    version: str | None
    modified: str | None
    described: Mapping[str, str] = field(default_factory=dict)
    """By boto3's names (`DESCRIBING`)."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """User metadata, names in lower case."""
    checksums: Mapping[str, str] = field(default_factory=dict)
    """`{"CRC32": base64, …}`"""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self:
        """Of an answer's headers, names in lower case."""
        modified = headers.get("last-modified")
        checksums = {
            name.removeprefix(_CHECKSUM).upper(): value for name, value in headers.items() if name.startswith(_CHECKSUM)
        }
        return cls(
            size=int(headers.get("content-length", "0")),
            etag=headers.get("etag", "").strip('"'),
            version=headers.get("x-amz-version-id"),
            modified=timestamp(parsedate_to_datetime(modified)) if modified else None,
            described={DESCRIBING[name]: value for name, value in headers.items() if name in DESCRIBING},
            metadata={
                name.removeprefix(_METADATA): value for name, value in headers.items() if name.startswith(_METADATA)
            },
            checksums={kind: value for kind, value in checksums.items() if kind not in _NO_CHECKSUM},
        )


async def head_planned(requests: Requests, entry: ManifestEntry) -> Head:
    """Of exactly the planned object, with its checksums."""
    at = parse_object(entry.source_uri)
    headers = {"if-match": f'"{entry.etag}"', "x-amz-checksum-mode": "ENABLED"}
    return await head_of(requests, at.bucket, at.key, entry.version, headers)


async def head_of(
    requests: Requests, bucket: str, key: str, version: str | None = None, headers: Mapping[str, str] | None = None
) -> Head:
    return Head.of(await requests.head(bucket, key, headers or {}, of_version(version)))
