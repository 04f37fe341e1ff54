"""S3 checksums: of whole objects that were uploaded in parts, and in the answers of copies.

The emulator takes each checksum of a completed upload for one of its parts' (COMPOSITE), also where the request says
FULL_OBJECT, and so refuses the right one. Its answers to CopyObject and UploadPartCopy have no checksums.
"""

import base64
import threading
from typing import Any

_POLYNOMIALS = {"CRC32": 0xEDB88320, "CRC32C": 0x82F63B78}
_ONE = 1 << 31
"""1 as a polynomial: the highest bit is the lowest power."""


def combined(kind: str, sums: list[tuple[str, int]]) -> str:
    """Combine the CRCs of the parts (base64) and their sizes (bytes) into the CRC of the whole object (base64)."""
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
    """Multiply two polynomials modulo `polynomial`."""
    product, bit = 0, _ONE
    while bit:
        if a & bit:
            product ^= b
        b = (b >> 1) ^ (polynomial if b & 1 else 0)
        bit >>= 1
    return product


def keep_whole_checksums(s3: Any) -> None:
    """Combine the parts' CRCs where an upload, or its completion, asks for `FULL_OBJECT`; CRC64NVME always does."""
    completing = threading.local()
    begin, complete, of_parts = s3._create_multipart_upload, s3._complete_multipart_upload, s3._composite_checksum

    def begin_upload(bucket: str, key: str, headers: dict[str, str]) -> Any:
        before = set(s3._multipart_uploads)
        answer = begin(bucket, key, headers)
        for upload_id in set(s3._multipart_uploads) - before:
            s3._multipart_uploads[upload_id]["checksum_type"] = headers.get("x-amz-checksum-type")
        return answer

    def checksum(algorithm: str, part_checksums: list[str | None]) -> str | None:
        parts = getattr(completing, "parts", None)
        if parts is None or None in part_checksums:
            return of_parts(algorithm, part_checksums)  # type: ignore[no-any-return]
        numbered = [parts[number] for number in sorted(parts)]
        if algorithm in _POLYNOMIALS:
            sizes = [part["size"] for part in numbered]
            return combined(algorithm, list(zip(part_checksums, sizes, strict=True)))  # type: ignore[arg-type]
        return s3._compute_s3_checksum(algorithm, b"".join(part["body"] for part in numbered))  # type: ignore[no-any-return]

    def complete_whole(
        bucket: str, key: str, body: bytes, query: dict[str, Any], headers: dict[str, str] | None = None
    ) -> Any:
        upload = s3._multipart_uploads.get(s3._qp(query, "uploadId")) or {}
        asked = (headers or {}).get("x-amz-checksum-type") or upload.get("checksum_type")
        if asked != "FULL_OBJECT" and upload.get("checksum_algorithm") != "CRC64NVME":
            return complete(bucket, key, body, query, headers)
        completing.parts = upload["parts"]
        try:
            status, answered, text = complete(bucket, key, body, query, headers)
        finally:
            del completing.parts
        completed = s3._ensure_bucket(bucket)["objects"].get(key, {})
        if status == 200 and completed.get("checksums"):
            completed["checksum_type"] = "FULL_OBJECT"
            text = text.replace(b">COMPOSITE<", b">FULL_OBJECT<")
        return status, answered, text

    s3._create_multipart_upload, s3._complete_multipart_upload = begin_upload, complete_whole
    s3._composite_checksum = checksum


def answer_copies_with_checksums(s3: Any) -> None:
    """Put the checksum of the destination, or of the part, into the answer of a copy; compute it where asked for.

    S3 computes the checksum of a copied object anew, over the whole object: a composite one does not survive a copy.
    """
    copy, copy_part = s3._copy_object, s3._upload_part_copy

    def copy_object(bucket: str, key: str, headers: dict[str, str]) -> Any:
        asked = headers.get("x-amz-checksum-algorithm")
        if asked:
            headers = {**headers, "x-amz-sdk-checksum-algorithm": asked}
        status, answered, body = copy(bucket, key, headers)
        if status != 200:
            return status, answered, body
        copied = s3._ensure_bucket(bucket)["objects"][key]
        known = {kind: value for kind, value in copied["checksums"].items() if not asked or kind == asked.upper()}
        if any("-" in value for value in known.values()):
            whole = s3._read_body(bucket, key, copied)
            known = {kind: s3._compute_s3_checksum(kind, whole) for kind in known}
        copied["checksums"], copied["checksum_type"] = known, "FULL_OBJECT" if known else None
        return status, answered, _with_checksums(body, copied["checksums"], b"</CopyObjectResult>", whole=True)

    def copy_part_summed(bucket: str, key: str, query: dict[str, Any], headers: dict[str, str]) -> Any:
        status, answered, body = copy_part(bucket, key, query, headers)
        upload = s3._multipart_uploads.get(s3._qp(query, "uploadId"))
        kind = (upload or {}).get("checksum_algorithm")
        if status != 200 or not kind:
            return status, answered, body
        part = upload["parts"][int(s3._qp(query, "partNumber", "1"))]
        part["checksums"] = {kind: s3._compute_s3_checksum(kind, part["body"])}
        return status, answered, _with_checksums(body, part["checksums"], b"</CopyPartResult>", whole=False)

    s3._copy_object, s3._upload_part_copy = copy_object, copy_part_summed


def _with_checksums(body: bytes, checksums: dict[str, str], end: bytes, *, whole: bool) -> bytes:
    """`body` with an element for each checksum before its `end` tag."""
    elements = "".join(f"<Checksum{kind}>{value}</Checksum{kind}>" for kind, value in checksums.items())
    if whole and elements:
        elements += "<ChecksumType>FULL_OBJECT</ChecksumType>"
    return body.replace(end, elements.encode() + end)
