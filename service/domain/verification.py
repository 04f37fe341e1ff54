"""Compare a copy with its source by ETags and checksums."""

import hashlib
import re
from collections.abc import Mapping, Sequence

from service.domain.clips import Verification

_MD5 = re.compile(r"[0-9a-f]{32}")


def is_md5(etag: str) -> bool:
    """Whether the ETag has the form of an MD5: 32 hex digits, no `-parts`."""
    return _MD5.fullmatch(etag) is not None


def etags_agree(source: str, copy: str) -> bool:
    """Whether both ETags are plain MD5s (32 hex digits, no `-parts`) and equal.

    Unequal ones prove nothing: objects encrypted with KMS have ETags that look like an MD5 and are none (S3 API
    reference, "Object").
    """
    return source == copy and len(source) == 32 and "-" not in source


def etag_of_parts(etags: Sequence[str]) -> str:
    """Return the ETag that S3 gives an object of these parts: the MD5 of their MD5s, then their number."""
    digests = b"".join(bytes.fromhex(etag) if is_md5(etag) else etag.encode() for etag in etags)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(etags)}"


def compare_checksums(source: Mapping[str, str], copy: Mapping[str, str]) -> bool | None:
    """Whether the checksums of the first common kind are equal; None if there is no common kind.

    Arguments are `{"CRC64NVME": base64, …}`. Composite checksums (`…-parts`) depend on the parts and are ignored.
    """
    for kind in sorted(source.keys() & copy.keys()):
        if "-" not in source[kind] and "-" not in copy[kind]:
            return source[kind] == copy[kind]
    return None


def given_checksum(text: str | None) -> dict[str, str]:
    """Parse `CRC64NVME:base64` to `{"CRC64NVME": base64}`; None gives an empty dict."""
    kind, _, value = (text or "").partition(":")
    return {kind: value} if kind else {}


def verdict(*, etags: bool, checksums: bool | None) -> Verification | None:
    """Return how the copy was verified, or None if it certainly differs from its source."""
    if checksums is False:
        return None
    if checksums:
        return Verification.CHECKSUM
    return Verification.ETAG if etags else Verification.UNVERIFIABLE
