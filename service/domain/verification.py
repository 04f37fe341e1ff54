"""Whether a copy is its source, by what the store says of both."""

import hashlib
import re
from collections.abc import Mapping, Sequence

from service.domain.clips import Verification

_MD5 = re.compile(r"[0-9a-f]{32}")


def etags_agree(source: str, copy: str) -> bool:
    """Whether both ETags are plain MD5s (32 hex digits, no `-parts`) and equal.

    Unequal ones prove nothing: objects encrypted with KMS have ETags that look like an MD5 and are none (S3 API
    reference, "Object").
    """
    return source == copy and len(source) == 32 and "-" not in source


def etag_of_parts(etags: Sequence[str]) -> str:
    """The ETag that S3 gives an object of parts with these ETags: the MD5 of their MD5s, and how many they are."""
    digests = b"".join(bytes.fromhex(etag) if _MD5.fullmatch(etag) else etag.encode() for etag in etags)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(etags)}"


def compare_checksums(source: Mapping[str, str], copy: Mapping[str, str]) -> bool | None:
    """Whether the checksums of the first kind that both have are equal; None where they have none of one kind.

    `{"CRC64NVME": base64, …}`. Composite checksums (`…-parts`) are of the parts, not of the object: left out.
    """
    for kind in sorted(source.keys() & copy.keys()):
        if "-" not in source[kind] and "-" not in copy[kind]:
            return source[kind] == copy[kind]
    return None


def given_checksum(text: str | None) -> dict[str, str]:
    """`CRC64NVME:base64` as `{"CRC64NVME": base64}`, nothing as nothing."""
    kind, _, value = (text or "").partition(":")
    return {kind: value} if kind else {}


def verdict(*, etags: bool, checksums: bool | None) -> Verification | None:
    """None where the copy is certainly not its source."""
    if checksums is False:
        return None
    if checksums:
        return Verification.CHECKSUM
    return Verification.ETAG if etags else Verification.UNVERIFIABLE
