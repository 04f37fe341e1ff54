"""Parse the headers of a HEAD answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Self

from botocore.exceptions import ClientError

from service.aws.clients import Unanswered
from service.aws.s3.http.requests import NOTHING, Requests, of_version
from service.domain.archives import archive_in, is_restoring
from service.domain.errors import SourceChanged
from service.domain.manifest import ManifestEntry
from service.support.clock import is_http_date, timestamp

DESCRIBING = {
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "content-type": "ContentType",
    "expires": "Expires",
}
"""Headers that describe an object's content, and botocore's names for them."""
BAD_REQUEST = 400
"""S3's answer to a HEAD with an expired token, or without the key of an object that a customer's key encrypts."""
_METADATA = "x-amz-meta-"
_CHECKSUM = "x-amz-checksum-"
_NO_CHECKSUM = ("MODE", "TYPE", "ALGORITHM")


@dataclass(frozen=True, kw_only=True)
class Head:
    size: int
    """-1 if the answer has none."""
    etag: str
    """Empty if the answer has none."""
    version: str | None
    modified: str | None
    archive: str | None = None
    """The same as in `ListedObject`."""
    restoring: bool = False
    described: Mapping[str, str] = field(default_factory=dict)
    """By botocore's names (`DESCRIBING`)."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """User metadata, names in lower case."""
    checksums: Mapping[str, str] = field(default_factory=dict)
    """`{"CRC32": base64, …}`"""
    redirect: str | None = None
    """Website redirect location."""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self:
        """Parse an answer's headers, names in lower case. Raises `Unanswered` if they are malformed."""
        try:
            return cls._of(headers)
        except (KeyError, TypeError, ValueError) as error:
            raise Unanswered(reason=f"the answer's headers are malformed ({type(error).__name__})") from error

    @classmethod
    def _of(cls, headers: Mapping[str, str]) -> Self:
        modified = headers.get("last-modified")
        checksums = {
            name.removeprefix(_CHECKSUM).upper(): value for name, value in headers.items() if name.startswith(_CHECKSUM)
        }
        return cls(
            size=int(headers.get("content-length", "-1")),
            etag=headers.get("etag", "").strip('"'),
            version=headers.get("x-amz-version-id"),
            modified=timestamp(parsedate_to_datetime(modified)) if modified else None,
            archive=archive_in(headers),
            restoring=is_restoring(headers.get("x-amz-restore")),
            described={
                DESCRIBING[name]: value
                for name, value in headers.items()
                # botocore takes no other text for it.
                if name in DESCRIBING and (name != "expires" or is_http_date(value))
            },
            metadata={
                name.removeprefix(_METADATA): value for name, value in headers.items() if name.startswith(_METADATA)
            },
            checksums={kind: value for kind, value in checksums.items() if kind not in _NO_CHECKSUM},
            redirect=headers.get("x-amz-website-redirect-location"),
        )


async def head_planned(requests: Requests, entry: ManifestEntry, headers: Mapping[str, str] = NOTHING) -> Head:
    """HEAD exactly the planned object, with its checksums. Raises `SourceChanged` if its size differs."""
    at = entry.location
    pinned = {"if-match": f'"{entry.etag}"', "x-amz-checksum-mode": "ENABLED", **headers}
    head = await head_of(requests, at.bucket, at.key, entry.version, pinned)
    if head.size != entry.size:
        message = f"it has {head.size:,} bytes, {entry.size:,} were planned"
        raise SourceChanged(message, operation="inspect", uri=entry.source_uri)
    return head


async def head_of(
    requests: Requests, bucket: str, key: str, version: str | None = None, headers: Mapping[str, str] | None = None
) -> Head:
    """HEAD an object. If S3 answers 400, raise the error of a GET: a HEAD has no body, which would say why."""
    given, query = headers or {}, of_version(version)
    try:
        return Head.of(await requests.head(bucket, key, given, query))
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status != BAD_REQUEST or error.operation_name != "HeadObject":  # the role may be what cannot be assumed
            raise
        first_byte = {name: value for name, value in given.items() if name != "x-amz-checksum-mode"}
        await requests.get("GetObject", bucket, key, len, headers=first_byte | {"range": "bytes=0-0"}, query=query)
        raise


def etag_in(answer: Mapping[str, Any]) -> str:
    """Return the answer's ETag without quotes. Raises `Unanswered` if it has none."""
    etag = str(answer.get("ETag") or "").strip('"')
    if not etag:
        raise Unanswered(reason="the answer has no ETag")
    return etag
