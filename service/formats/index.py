"""Indexes of an mp4: where `moov` is in a tail, and where the last fragment is.

Layouts: ISO/IEC 14496-12, 8.8.9 to 8.8.11 and 8.16.3.
"""

import struct
from dataclasses import dataclass

from service.formats.boxes import Box, parse_header
from service.formats.failures import ContentInvalid, Reason

_MAX_TRIES = 1_000
"""Maximum places in a tail that look like the box; media has those four bytes once in 4 GB."""
_FIRST_IN_MOOV = {b"mvhd", b"cmov", b"free", b"udta", b"iods", b"trak", b"meta", b"uuid", b"skip", b"wide", b"prfl"}


@dataclass(frozen=True, slots=True)
class Index:
    last: int
    """Byte of the object at which the last known fragment begins."""
    end: int
    """End of the known fragments."""
    seconds: float | None
    """Total duration of the known fragments, if the index has it."""


def last_moov(tail: bytes, base: int, size: int) -> int | None:
    """Return the byte of the object at which the last `moov` box of its tail begins; `base` is the tail's own."""
    at = tail.rfind(b"moov")
    for _ in range(_MAX_TRIES):
        if at < 4:
            break
        box = parse_header(tail, at - 4, base + at - 4, size)
        if box and box.end <= size and tail[box.body - base + 4 : box.body - base + 8] in _FIRST_IN_MOOV:
            return box.start
        at = tail.rfind(b"moov", 0, at)
    return None


def parse_sidx(data: bytes, box: Box, anchor: int, size: int) -> Index | None:
    """Return the index of segments that begins at `box.body` of `data`; `anchor`: the object's byte after it.

    None if it has only one segment, or refers to further indexes. Raises `ContentInvalid` if it refers to bytes beyond
    the object's end.
    """
    start = box.body
    if box.end - start < 32:
        return None
    wide = data[start] >= 1
    scale = int.from_bytes(data[start + 8 : start + 12], "big")
    first = struct.unpack_from(">Q" if wide else ">I", data, start + (20 if wide else 16))[0]
    at = start + (28 if wide else 20)
    count = int.from_bytes(data[at + 2 : at + 4], "big")
    if at + 4 + 12 * count > box.end:
        return None
    ends, units = anchor + first, 0
    last = ends
    for index in range(count):
        reference, duration = struct.unpack_from(">2I", data, at + 4 + 12 * index)
        if reference >> 31:
            return None
        last, ends, units = ends, ends + (reference & 0x7FFFFFFF), units + duration
    if ends > size:
        message = f"its index names bytes up to {ends:,}, the object has {size:,}"
        raise ContentInvalid(Reason.MP4_TRUNCATED, message, part="sidx")
    return Index(last, ends, units / scale if scale else None) if count > 1 else None


def parse_mfra(tail: bytes, size: int) -> Index | None:
    """Return the random access index at the object's end, whose last bytes are `tail`; None if there is none."""
    if len(tail) < 16 or tail[-12:-8] != b"mfro":
        return None
    length = int.from_bytes(tail[-4:], "big")
    if not 24 <= length <= len(tail) or tail[-length + 4 : -length + 8] != b"mfra":
        return None
    at, last = len(tail) - length + 8, 0
    while (box := parse_header(tail, at, at, len(tail))) and box.end <= len(tail):
        if box.type == b"tfra" and box.end - box.body >= 16:
            last = max(last, _last_entry(tail, box))
        at = box.end
    return Index(last, size - length, None) if 0 < last < size - length else None


def _last_entry(data: bytes, box: Box) -> int:
    """Return the offset of a track's last fragment."""
    version, lengths, count = (
        data[box.body],
        data[box.body + 11],
        int.from_bytes(data[box.body + 12 : box.body + 16], "big"),
    )
    width = 8 if version == 1 else 4
    row = 2 * width + sum((lengths >> shift & 3) + 1 for shift in (4, 2, 0))
    start = box.body + 16 + (count - 1) * row + width
    return int.from_bytes(data[start : start + width], "big") if count and start + width <= box.end else 0
