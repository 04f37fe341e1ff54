"""Files that callers upload through the API: keys below the project's inbox, sizes, parts and their checksums."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.errors import InvalidRequest, UploadTooLarge
from service.domain.limits import check_text
from service.domain.multipart import MAX_COPY_BYTES, MAX_PARTS, part_size
from service.domain.service_buckets import INBOX
from service.domain.uris import MAX_KEY_BYTES

MIN_PART_BYTES = 5 * 1024**2
"""S3: every part but the last."""
MAX_PUT_BYTES = 5 * 1024**3
"""S3: one PutObject or UploadPart."""
PART_BYTES = 16 * 1024**2
"""Bytes of a part where the caller names none: few requests, and a break loses little."""
MAX_LINKS = 100
"""Parts of one request for links: its answer, with some 2 KB a link, stays far below Lambda's 6 MB."""
MAX_UPLOAD_ID = 1_024
"""Characters of S3's upload ids, with room to spare."""
_SHA256_BYTES = 32
_NOT_IN_XML = "\ufffe\uffff"
"""XML 1.0 has no such characters, besides control characters."""


@dataclass(frozen=True, kw_only=True)
class UploadPlan:
    """How a file is cut. It is the same in every request, since the service keeps nothing about uploads."""

    size: int
    part_bytes: int

    @property
    def count(self) -> int:
        return -(-self.size // self.part_bytes)

    def bytes_of(self, number: int) -> int:
        """Return the size of a part. Numbers begin with 1. Raises `InvalidRequest`."""
        if not 1 <= number <= self.count:
            raise InvalidRequest(f"part {number} does not exist: the file has parts 1 to {self.count:,}")
        return min(self.part_bytes, self.size - (number - 1) * self.part_bytes)


@dataclass(frozen=True, kw_only=True)
class UploadedPart:
    """A part that S3 has. `etag` has its quotes, `sha256` is base64 (S3, ListParts)."""

    number: int
    size: int
    etag: str
    sha256: str | None


def inbox_key(project: str, key: str) -> str:
    """Return the drop bucket's key for a caller's. Raises `InvalidRequest` for a key that could leave the inbox."""
    check_text("key", key, limit=MAX_KEY_BYTES)
    if set(_NOT_IN_XML) & set(key):
        raise InvalidRequest("key has U+FFFE or U+FFFF, which the answers of S3 cannot hold")
    if {"", ".", ".."} & set(key.split("/")):
        raise InvalidRequest("key must not begin or end with a slash, or have the segments '', '.' or '..'")
    whole = f"{INBOX}{project}/{key}"
    size = len(whole.encode())
    if size > MAX_KEY_BYTES:
        raise InvalidRequest(f"{INBOX}{project}/ and the key have {size:,} bytes, S3 allows {MAX_KEY_BYTES:,}")
    return whole


def check_bytes(size: int, *, limit: int) -> None:
    """Raises `UploadTooLarge` for files beyond `limit` bytes."""
    if size > limit:
        raise UploadTooLarge(f"the file has {size:,} bytes, the limit is {limit:,} (one request: {MAX_PUT_BYTES:,})")


def upload_plan(size: int, part_bytes: int | None, *, limit: int) -> UploadPlan:
    """Return the plan of a multipart upload. Raises `InvalidRequest`, `UploadTooLarge`."""
    check_bytes(size, limit=limit)
    if size < 1:
        raise InvalidRequest("an empty file has no parts: upload it in one request, with sha256")
    if part_bytes is None:
        return UploadPlan(size=size, part_bytes=part_size(size, part_bytes=PART_BYTES))
    if not MIN_PART_BYTES <= part_bytes <= MAX_COPY_BYTES:
        raise InvalidRequest(f"part_bytes is {part_bytes:,}: S3 allows {MIN_PART_BYTES:,} to {MAX_COPY_BYTES:,}")
    plan = UploadPlan(size=size, part_bytes=part_bytes)
    if plan.count > MAX_PARTS:
        raise InvalidRequest(f"part_bytes is {part_bytes:,}: the file would have more than {MAX_PARTS:,} parts")
    return plan


def digest_of(sha256: str) -> bytes:
    """Decode a base64 SHA-256. Raises `InvalidRequest`."""
    try:
        digest = base64.b64decode(sha256, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("sha256 is not base64") from error
    if len(digest) != _SHA256_BYTES:
        raise InvalidRequest(f"sha256 has {len(digest):,} bytes, a SHA-256 has {_SHA256_BYTES}")
    return digest


def composite(sha256s: Sequence[str]) -> str:
    """Return S3's checksum of an object with these parts: the SHA-256 of their SHA-256s, and their number."""
    joined = hashlib.sha256(b"".join(map(digest_of, sha256s))).digest()
    return f"{base64.b64encode(joined).decode()}-{len(sha256s)}"
