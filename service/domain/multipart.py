"""Part sizes of multipart uploads, by the limits of S3."""

MAX_COPY_BYTES = 5 * 1024**3  # S3: one CopyObject or UploadPartCopy request


MAX_PARTS = 10_000  # S3: parts of a multipart upload


MAX_OBJECT_BYTES = MAX_PARTS * MAX_COPY_BYTES  # S3: 48.8 TiB


STREAM_PART_BYTES = 16 * 1024**2
"""Bytes of a streamed copy's part, which is held in memory while it passes."""


def copy_parts(size: int, *, part_bytes: int) -> list[tuple[int, int]]:
    """Return (first byte, last byte) of each part of a multipart copy, as `CopySourceRange` counts them.

    If `part_bytes` is at least 5 MiB, S3 accepts each part's size (5 MiB to 5 GiB; the last one may be smaller).
    Raises `ValueError` for a size beyond `MAX_OBJECT_BYTES`.
    """
    part = part_size(size, part_bytes=part_bytes)
    return [(start, min(start + part, size) - 1) for start in range(0, size, part)]


def part_size(size: int, *, part_bytes: int) -> int:
    """Return the bytes of each part but the last: `part_bytes`, or more if 10,000 parts would not be enough."""
    if size > MAX_OBJECT_BYTES:
        raise ValueError(f"{size:,} bytes are beyond S3's largest object")
    return max(part_bytes, -(-size // MAX_PARTS))
