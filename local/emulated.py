"""Run ministack with what S3 does and it does not: checksums of whole objects that came in parts.

Ministack takes each checksum of a completed upload for one of its parts' (COMPOSITE), also where the request says
FULL_OBJECT, and so refuses the right one. Runs in the emulator's own environment, as a program, not as a module.
"""

import base64
import importlib
import threading
from typing import Any

_POLYNOMIALS = {"CRC32": 0xEDB88320, "CRC32C": 0x82F63B78}
_ONE = 1 << 31
"""1 as a polynomial: the highest bit is the lowest power."""


def combined(kind: str, sums: list[tuple[str, int]]) -> str:
    """The CRC of a whole out of those of its parts (base64) and their sizes in bytes."""
    polynomial, whole = _POLYNOMIALS[kind], 0
    for text, size in sums:
        part = int.from_bytes(base64.b64decode(text), "big")
        whole = _times(_power_of_x(8 * size, polynomial), whole, polynomial) ^ part
    return base64.b64encode(whole.to_bytes(4, "big")).decode()


def _power_of_x(exponent: int, polynomial: int) -> int:
    power, square = _ONE, _ONE >> 1
    while exponent:
        if exponent & 1:
            power = _times(power, square, polynomial)
        square = _times(square, square, polynomial)
        exponent >>= 1
    return power


def _times(a: int, b: int, polynomial: int) -> int:
    """Their product modulo the polynomial."""
    product, bit = 0, _ONE
    while bit:
        if a & bit:
            product ^= b
        b = (b >> 1) ^ (polynomial if b & 1 else 0)
        bit >>= 1
    return product


def keep_whole_checksums(s3: Any) -> None:
    completing = threading.local()
    complete, of_parts = s3._complete_multipart_upload, s3._composite_checksum

    def checksum(algorithm: str, part_checksums: list[str]) -> str | None:
        parts = getattr(completing, "parts", None)
        if parts is None or algorithm not in _POLYNOMIALS:
            return of_parts(algorithm, part_checksums)  # type: ignore[no-any-return]
        sizes = [parts[number]["size"] for number in sorted(parts)]
        return combined(algorithm, list(zip(part_checksums, sizes, strict=True)))

    def complete_whole(
        bucket: str, key: str, body: bytes, query: dict[str, Any], headers: dict[str, str] | None = None
    ) -> Any:
        upload = s3._multipart_uploads.get(s3._qp(query, "uploadId"))
        if upload is None or (headers or {}).get("x-amz-checksum-type") != "FULL_OBJECT":
            return complete(bucket, key, body, query, headers)
        completing.parts = upload["parts"]
        try:
            answer = complete(bucket, key, body, query, headers)
        finally:
            del completing.parts
        if answer[0] == 200:
            s3._ensure_bucket(bucket)["objects"][key]["checksum_type"] = "FULL_OBJECT"
        return answer

    s3._composite_checksum, s3._complete_multipart_upload = checksum, complete_whole


if __name__ == "__main__":
    keep_whole_checksums(importlib.import_module("ministack.services.s3"))
    importlib.import_module("ministack.app").main()
