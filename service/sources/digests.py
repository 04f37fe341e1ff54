"""Compute checksums of streamed bytes, and compare them with those of the copy."""

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal

import google_crc32c

from service.domain.clips import Verification
from service.domain.verification import compare_checksums, etags_agree, verdict
from service.sources.port import SourceObject

Kind = Literal["CRC32C", "CRC32"]
"""Checksum kinds that S3 stores for a whole multipart object, and that the sender can compute part by part."""

_MD5 = re.compile("[0-9a-f]{32}")


_EXTEND: dict[Kind, Callable[[int, bytes], int]] = {
    "CRC32C": google_crc32c.extend,
    "CRC32": lambda value, data: zlib.crc32(data, value),
}
_POLYNOMIALS: dict[Kind, int] = {"CRC32C": 0x82F63B78, "CRC32": 0xEDB88320}
"""CRC polynomials without the leading term, lowest power in the highest bit."""
_ONE, _X8 = 1 << 31, 1 << 23


_HASHES = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256"}


def kind_for(found: SourceObject, given: Mapping[str, str]) -> Kind:
    """Return the checksum kind of the copy: the given kind, else the source's own, so that both can be compared."""
    for known in (given, found.checksums):
        if "CRC32C" in known:
            return "CRC32C"
        if "CRC32" in known:
            return "CRC32"
    return "CRC32C"


def extended(kind: Kind, value: int, data: bytes) -> int:
    """Return the CRC of some bytes followed by `data`. `value` is the CRC of the bytes before (0 if there are none)."""
    return _EXTEND[kind](value, data)


def joined(kind: Kind, first: int, second: int, length: int) -> int:
    """Return the CRC of two runs of bytes from their CRCs and the second one's `length`."""
    return _product(_shift(kind, length), first, _POLYNOMIALS[kind]) ^ second


@lru_cache(maxsize=8)
def _shift(kind: Kind, length: int) -> int:
    """Return x^(8·length)."""
    power, factor = _ONE, _X8
    while length:
        if length & 1:
            power = _product(power, factor, _POLYNOMIALS[kind])
        factor = _product(factor, factor, _POLYNOMIALS[kind])
        length >>= 1
    return power


def _product(one: int, other: int, polynomial: int) -> int:
    """Multiply two polynomials over GF(2), modulo the CRC's."""
    product = 0
    while one:
        if one & _ONE:
            product ^= other
        one = (one << 1) & 0xFFFFFFFF
        other = (other >> 1) ^ (polynomial if other & 1 else 0)
    return product


def encoded(value: int) -> str:
    """Return base64, the form that S3 expects."""
    return base64.b64encode(value.to_bytes(4, "big")).decode()


class Digests:
    """Checksums of all bytes of one object, which must come in order.

    Always computes the copy's CRC, and a hash if the caller gave one (`given`), or the source's SHA-256 where it has no
    comparable CRC. MD5 takes as long as everything else
    together, so it is computed only if needed: the source has no comparable CRC, but an MD5 or an ETag like one.
    """

    def __init__(self, found: SourceObject, given: Mapping[str, str]) -> None:
        self._kind = kind_for(found, given)
        self._sum = 0
        wanted = set(given)
        if self._kind not in found.checksums and "SHA256" in found.checksums:
            wanted.add("SHA256")
        elif self._kind not in found.checksums and ("MD5" in found.checksums or _MD5.fullmatch(found.etag)):
            wanted.add("MD5")
        self._hashes = {
            kind: hashlib.new(_HASHES[kind], usedforsecurity=False) for kind in sorted(wanted & _HASHES.keys())
        }

    def update(self, data: bytes | bytearray, crc: int) -> None:
        """Add bytes. `crc` is the CRC of `data`, of the copy's kind."""
        self._sum = joined(self._kind, self._sum, crc, len(data))
        for one in self._hashes.values():
            one.update(data)

    def sums(self) -> dict[str, str]:
        """Return base64 by kind."""
        hashes = {kind: base64.b64encode(one.digest()).decode() for kind, one in self._hashes.items()}
        return {str(self._kind): encoded(self._sum)} | hashes


def verdict_of(
    found: SourceObject, given: Mapping[str, str], sums: Mapping[str, str], etag: str | None = None
) -> Verification | None:
    """Compare the copy's checksums and ETag. None: the copy differs from the source, or from the given checksum."""
    compared = [compare_checksums(known, sums) for known in (given, found.checksums)]
    if False in compared or compare_checksums(given, found.checksums) is False:
        return None
    md5 = base64.b64decode(sums["MD5"]).hex() if "MD5" in sums else etag
    return verdict(etags=md5 is not None and etags_agree(found.etag, md5), checksums=True if True in compared else None)
