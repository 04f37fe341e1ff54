"""Boxes of ISO/IEC 14496-12 (4.2): a big-endian size, four characters, then the content, often more boxes.

Parsed in place in `data`, without copies.
"""

import struct
import sys
from array import array
from typing import Any, NamedTuple

from service.formats.failures import ContentInvalid, Reason, shown
from service.formats.limits import MAX_BOXES, Work

HEADER_BYTES = 16
"""The longest header: 32-bit size 1, type, 64-bit size. A `uuid` box's 16 bytes more count as content."""

_HEADER = struct.Struct(">I4s")


class Box(NamedTuple):
    """A box. Its offsets are those of the data it was read from: of the object for a top-level box."""

    type: bytes
    start: int
    body: int
    end: int

    @property
    def name(self) -> str:
        return self.type.decode("latin-1")


def is_type(kind: bytes) -> bool:
    """Return whether the four bytes can be a box's type. QuickTime has a copyright sign in some."""
    return len(kind) == 4 and all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in kind)


def parse_header(head: bytes, at: int, start: int, end: int) -> Box | None:
    """Return the box whose header is at `at` of `head` and which begins at `start`. None if it is not a box.

    Its end may lie after `end`, which is the end of a box of size 0.
    """
    if end - start < 8 or len(head) - at < 8:
        return None
    size, kind = _HEADER.unpack_from(head, at)
    body = start + 8
    if size == 1:
        if end - start < HEADER_BYTES or len(head) - at < HEADER_BYTES:
            return None
        size = int.from_bytes(head[at + 8 : at + 16], "big")
        body = start + HEADER_BYTES
    elif size == 0:
        if kind == bytes(4):
            return None
        size = end - start
    return Box(kind, start, body, start + size) if size >= body - start and is_type(kind) else None


class Children(dict[bytes, Box]):
    """The first box of each type within another."""

    padded = False
    """Whether other bytes than boxes end the parent: zeros, as QuickTime ends lists, or bytes that players skip."""
    every: list[Box]
    """All child boxes, in order."""


def children(data: bytes, start: int, end: int, path: str, work: Work, needed: frozenset[bytes]) -> Children:
    """Return the boxes in [start, end). Raises `ContentInvalid` (MP4_CORRUPT) if a `needed` one exceeds the end."""
    found = Children()
    every = found.every = []
    allowed = MAX_BOXES - work.boxes
    while start < end and len(every) <= allowed:
        box = parse_header(data, start, start, end)
        if box is None or box.end > end:
            if data[start + 4 : min(start + 8, end)] in needed:
                size = f"{box.end - start:,}" if box else "an impossible number of"
                name = data[start + 4 : start + 8].decode("latin-1")
                raise corrupt(
                    path, f"its {shown(name)} box says that it has {size} bytes, but only {end - start:,} are left"
                )
            found.padded = True
            break
        every.append(box)
        if box.type not in found:
            found[box.type] = box
        start = box.end
    work.add_boxes(len(every))
    return found


def fields(data: bytes, box: Box, layout: str, offset: int = 0) -> tuple[Any, ...]:
    """Return big-endian values from `offset` of the box's content. Raises `ContentInvalid` if the box is too short."""
    if box.body + offset + struct.calcsize(f">{layout}") > box.end:
        raise corrupt(box.name, "the box is too short for its fields")
    return struct.unpack_from(f">{layout}", data, box.body + offset)


def numbers(data: bytes, start: int, count: int, *, wide: bool = False) -> "array[int]":
    """Return `count` big-endian integers of 32 or 64 bits. The caller has checked that they exist."""
    values = array("Q" if wide else "I")
    values.frombytes(memoryview(data)[start : start + count * (8 if wide else 4)])
    if sys.byteorder == "little":
        values.byteswap()
    return values


def corrupt(path: str, message: str) -> ContentInvalid:
    return ContentInvalid(Reason.MP4_CORRUPT, message, part=path)
