"""What is computed of the bytes that pass through, and what it says about the copy."""

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Literal

import google_crc32c

from service.schema import Verification
from service.sources.port import CHUNK_BYTES, SourceObject
from service.verification import compare_checksums, etags_agree, verdict

Kind = Literal["CRC32C", "CRC32"]
"""Kinds that S3 keeps of a whole object though it came in parts, and that a part's sender can compute for it."""

_MD5 = re.compile("[0-9a-f]{32}")


def _crc32c(value: int, data: bytes | bytearray) -> int:
    """By pieces: the library takes nothing that could change under it, and a piece is cheaply copied."""
    view = memoryview(data)
    for start in range(0, len(view), CHUNK_BYTES):
        value = google_crc32c.extend(value, bytes(view[start : start + CHUNK_BYTES]))
    return value


_EXTEND: dict[Kind, Callable[[int, bytes | bytearray], int]] = {
    "CRC32C": _crc32c,
    "CRC32": lambda value, data: zlib.crc32(data, value),
}


_HASHES = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256"}


def kind_for(found: SourceObject, given: Mapping[str, str]) -> Kind:
    """What the copy is kept with: the given kind or else the source's own, so that the sums can be compared."""
    for known in (given, found.checksums):
        if "CRC32C" in known:
            return "CRC32C"
        if "CRC32" in known:
            return "CRC32"
    return "CRC32C"


def checksum(kind: Kind, data: bytes | bytearray) -> str:
    """Base64, as S3 wants it."""
    return _encoded(_EXTEND[kind](0, data))


def _encoded(value: int) -> str:
    return base64.b64encode(value.to_bytes(4, "big")).decode()


class Digests:
    """Of all bytes of one object, which must come in order.

    Besides the CRC that the copy is kept with, a hash that the caller gave (`given`). The MD5, which takes as long as
    all else together, is computed only where it can tell something: the source has no such CRC to be compared with, but
    an MD5, or an ETag that looks like one.
    """

    def __init__(self, found: SourceObject, given: Mapping[str, str]) -> None:
        self._kind = kind_for(found, given)
        self._sum = 0
        wanted = set(given)
        if self._kind not in found.checksums and ("MD5" in found.checksums or _MD5.fullmatch(found.etag)):
            wanted.add("MD5")
        self._hashes = {
            kind: hashlib.new(_HASHES[kind], usedforsecurity=False) for kind in sorted(wanted & _HASHES.keys())
        }

    def update(self, data: bytes | bytearray) -> None:
        self._sum = _EXTEND[self._kind](self._sum, data)
        for one in self._hashes.values():
            one.update(data)

    def sums(self) -> dict[str, str]:
        """Base64 by kind."""
        hashes = {kind: base64.b64encode(one.digest()).decode() for kind, one in self._hashes.items()}
        return {str(self._kind): _encoded(self._sum)} | hashes


def verdict_of(
    found: SourceObject, given: Mapping[str, str], sums: Mapping[str, str], etag: str | None = None
) -> Verification | None:
    """What the copy's checksums and its ETag say; None where it is certainly not the source, or not what was given."""
    compared = [compare_checksums(known, sums) for known in (given, found.checksums)]
    if False in compared or compare_checksums(given, found.checksums) is False:
        return None
    md5 = base64.b64decode(sums["MD5"]).hex() if "MD5" in sums else etag
    return verdict(etags=md5 is not None and etags_agree(found.etag, md5), checksums=True if True in compared else None)
