"""Boxes of ISO/IEC 14496-12 (4.2): a big-endian size, four characters, then the content, often more boxes."""

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.formats.failures import ContentInvalid, Reason, shown

HEADER_BYTES = 16
"""The longest header: 32-bit size 1, type, 64-bit size. A `uuid` box's 16 bytes more count as content."""
MAX_CHILDREN = 1_000
"""Of one box; a `moov` has as many tracks as the film, a track ten boxes."""


@dataclass(frozen=True, slots=True)
class Box:
    """Offsets are those of the bytes it was read from: the object's for a top-level box, `moov`'s for its children."""

    type: str
    """Four characters, each one byte (Latin-1)."""
    path: str
    """Types from the top, such as `moov/trak[1]/mdia`."""
    start: int
    body: int
    end: int


def parse_header(head: bytes, start: int, end: int, *, parent: str = "", number: int = 0) -> Box:
    """The box whose first bytes are `head`, in a parent that ends at `end`. Raises `ContentInvalid`.

    A box that runs past the end is MP4_TRUNCATED at the top, where the object ends, and MP4_CORRUPT within another.
    """
    place = parent or "the file"
    if len(head) < 8 or end - start < 8:
        raise _past_end(parent, f"{place} ends within a box header, {end - start} bytes after byte {start}")
    size, kind = struct.unpack_from(">I4s", head)
    name = kind.decode("latin-1")
    path = f"{parent}/{name}[{number}]" if parent and number else f"{parent}/{name}" if parent else name
    body = start + 8
    if size == 1:
        if len(head) < HEADER_BYTES or end - start < HEADER_BYTES:
            raise _past_end(parent, f"{place} ends within the header of its box {shown(name)} at byte {start}")
        (size,) = struct.unpack_from(">Q", head, 8)
        body = start + HEADER_BYTES
    elif size == 0:
        size = end - start
    if size < body - start:
        raise corrupt(path, f"its size of {size} bytes is less than its own header")
    if size > end - start:
        message = f"the box at byte {start} is to take {size} bytes, {end - start} are left"
        raise _past_end(parent, message, part=path)
    return Box(name, path, start, body, start + size)


def children(data: bytes, box: Box) -> Iterator[Box]:
    """The boxes within `box`, whose offsets are those of `data`."""
    at, seen = box.body, Counter[bytes]()
    for _ in range(MAX_CHILDREN):
        if at >= box.end:
            return
        kind = data[at + 4 : at + 8]
        child = parse_header(data[at : at + HEADER_BYTES], at, box.end, parent=box.path, number=seen[kind])
        seen[kind] += 1
        yield child
        at = child.end
    raise corrupt(box.path, f"more than {MAX_CHILDREN} boxes in it")


def first(data: bytes, box: Box, path: str) -> Box | None:
    """The first box on a path of types below `box`, None where a step has none."""
    found: Box | None = box
    for step in path.split("/"):
        found = next((child for child in children(data, found) if child.type == step), None) if found else None
    return found


def need(data: bytes, box: Box, path: str) -> Box:
    """As `first`; raises `ContentInvalid` (MP4_CORRUPT) where there is none."""
    found = first(data, box, path)
    if found is None:
        raise corrupt(box.path, f"no {path} box in it")
    return found


def fields(data: bytes, box: Box, layout: str, offset: int = 0) -> tuple[Any, ...]:
    """Big-endian values from `offset` of the box's content. Raises `ContentInvalid` where the box is too short."""
    if box.body + offset + struct.calcsize(f">{layout}") > box.end:
        raise corrupt(box.path, "the box is too short for its fields")
    return struct.unpack_from(f">{layout}", data, box.body + offset)


def version_and_flags(data: bytes, box: Box, versions: int = 1) -> tuple[int, int]:
    """Of a full box, at the start of its content; raises where the version is above `versions`."""
    (word,) = fields(data, box, "I")
    if word >> 24 > versions:
        raise corrupt(box.path, f"version {word >> 24} of the box is unknown")
    return word >> 24, word & 0xFFFFFF


def corrupt(path: str, message: str) -> ContentInvalid:
    return ContentInvalid(Reason.MP4_CORRUPT, message, part=path)


def _past_end(parent: str, message: str, part: str | None = None) -> ContentInvalid:
    return ContentInvalid(Reason.MP4_CORRUPT if parent else Reason.MP4_TRUNCATED, message, part=part or parent or None)
