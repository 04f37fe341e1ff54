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


def kind_for(found: SourceObject) -> Kind:
    """The source's own kind where it has one of the two, so that the sums can be compared."""
    return "CRC32" if "CRC32" in found.checksums and "CRC32C" not in found.checksums else "CRC32C"


def checksum(kind: Kind, data: bytes | bytearray) -> str:
    """Base64, as S3 wants it."""
    return _encoded(_EXTEND[kind](0, data))


def _encoded(value: int) -> str:
    return base64.b64encode(value.to_bytes(4, "big")).decode()


class Digests:
    """Of the bytes of one object, which must come in order, all of them or (where a copy is resumed) none.

    The MD5, which takes as long as all else together, is computed only where it can tell something: the source has no
    CRC to be compared with, but an MD5, or an ETag that looks like one.
    """

    def __init__(self, found: SourceObject) -> None:
        self._found = found
        self._kind = kind_for(found)
        self._sum = 0
        wanted = self._kind not in found.checksums and ("MD5" in found.checksums or _MD5.fullmatch(found.etag))
        self._md5 = hashlib.md5(usedforsecurity=False) if wanted else None

    def update(self, data: bytes | bytearray) -> None:
        self._sum = _EXTEND[self._kind](self._sum, data)
        if self._md5:
            self._md5.update(data)

    def sums(self) -> dict[str, str]:
        sums = {str(self._kind): _encoded(self._sum)}
        if self._md5:
            sums["MD5"] = base64.b64encode(self._md5.digest()).decode()
        return sums

    def verdict(self) -> Verification | None:
        """None where these are certainly not the source's bytes."""
        agree = self._md5 is not None and etags_agree(self._found.etag, self._md5.hexdigest())
        return verdict(etags=agree, checksums=compare_checksums(self._found.checksums, self.sums()))


def verdict_by_store(found: SourceObject, stored: Mapping[str, str]) -> Verification | None:
    """Of a copy whose bytes did not all pass here: what the destination says of the whole, against the source."""
    return verdict(etags=False, checksums=compare_checksums(found.checksums, stored))
