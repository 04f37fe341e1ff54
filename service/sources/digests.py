"""What is computed of the bytes that pass through, and what it says about the copy."""

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
"""Kinds that S3 keeps of a whole object though it came in parts, and that a part's sender can compute for it."""

_MD5 = re.compile("[0-9a-f]{32}")


_EXTEND: dict[Kind, Callable[[int, bytes], int]] = {
    "CRC32C": google_crc32c.extend,
    "CRC32": lambda value, data: zlib.crc32(data, value),
}
_POLYNOMIALS: dict[Kind, int] = {"CRC32C": 0x82F63B78, "CRC32": 0xEDB88320}
"""Without x³², the lowest power in the highest bit."""
_ONE, _X8 = 1 << 31, 1 << 23


_HASHES = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256"}


def kind_for(found: SourceObject, given: Mapping[str, str]) -> Kind:
    """What the copy is kept with: the given kind or else the source's own, so that the sums can be compared."""
    for known in (given, found.checksums):
        if "CRC32C" in known:
            return "CRC32C"
        if "CRC32" in known:
            return "CRC32"
    return "CRC32C"


def extended(kind: Kind, value: int, data: bytes) -> int:
    """The CRC of bytes whose CRC is `value` (of none: 0) with `data` behind them."""
    return _EXTEND[kind](value, data)


def joined(kind: Kind, first: int, second: int, length: int) -> int:
    """The CRC of two runs of bytes, from theirs and the `length` of the second: the first, shifted by as many bytes."""
    return _product(_shift(kind, length), first, _POLYNOMIALS[kind]) ^ second


@lru_cache(maxsize=8)
def _shift(kind: Kind, length: int) -> int:
    """x^(8·length)."""
    power, factor = _ONE, _X8
    while length:
        if length & 1:
            power = _product(power, factor, _POLYNOMIALS[kind])
        factor = _product(factor, factor, _POLYNOMIALS[kind])
        length >>= 1
    return power


def _product(one: int, other: int, polynomial: int) -> int:
    """Of two polynomials over GF(2), modulo the CRC's."""
    product = 0
    while one:
        if one & _ONE:
            product ^= other
        one = (one << 1) & 0xFFFFFFFF
        other = (other >> 1) ^ (polynomial if other & 1 else 0)
    return product


def encoded(value: int) -> str:
    """Base64, as S3 wants it."""
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

    def update(self, data: bytes | bytearray, crc: int) -> None:
        """`crc` is that of `data`, of the kind that the copy is kept with."""
        self._sum = joined(self._kind, self._sum, crc, len(data))
        for one in self._hashes.values():
            one.update(data)

    def sums(self) -> dict[str, str]:
        """Base64 by kind."""
        hashes = {kind: base64.b64encode(one.digest()).decode() for kind, one in self._hashes.items()}
        return {str(self._kind): encoded(self._sum)} | hashes


def verdict_of(
    found: SourceObject, given: Mapping[str, str], sums: Mapping[str, str], etag: str | None = None
) -> Verification | None:
    """What the copy's checksums and its ETag say; None where it is certainly not the source, or not what was given."""
    compared = [compare_checksums(known, sums) for known in (given, found.checksums)]
    if False in compared or compare_checksums(given, found.checksums) is False:
        return None
    md5 = base64.b64decode(sums["MD5"]).hex() if "MD5" in sums else etag
    return verdict(etags=md5 is not None and etags_agree(found.etag, md5), checksums=True if True in compared else None)
