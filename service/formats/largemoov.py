"""A `moov` box too large for one read, without the tables that only a deep check needs."""

import struct

from service.formats.boxes import HEADER_BYTES, Box, is_type, parse_header
from service.formats.failures import ContentUnchecked, Reason
from service.formats.reader import Reader, Reading

_CONTAINERS = (b"trak", b"mdia", b"minf", b"stbl")
"""Containers, each within the one before."""
_WHOLE = {b"mvhd", b"mvex", b"cmov", b"tkhd", b"edts", b"mdhd", b"hdlr", b"stsd", b"stts"}
_COUNTED = {b"stsz", b"stz2"}
_COUNT_BYTES = 12
_AHEAD_BYTES = 64 * 1024
_MAX_WHOLE_BYTES = 8 * 1024**2
"""Maximum bytes of all kept boxes. The long boxes of a `moov` are left out."""


def read_outline(reader: Reader, moov: Box) -> Reading[bytes]:
    """Return the content of `moov` without long tables: the boxes that describe the film, and the tables' counts.

    Raises `ContentUnchecked` if those alone are too large.
    """
    return (yield from _outline(reader, moov, 0, [_MAX_WHOLE_BYTES]))


def _outline(reader: Reader, parent: Box, level: int, left: list[int]) -> Reading[bytes]:
    out, at = [], parent.body
    while at < parent.end:
        head = yield from reader.read(at, HEADER_BYTES, ahead=_AHEAD_BYTES)
        box = parse_header(head, 0, at, parent.end)
        if box is None or box.end > parent.end or not is_type(box.type):
            out.append(head[:8])  # the reader of the outline reports the error
            break
        reader.work.add_boxes(1)
        content = None
        if _CONTAINERS[level : level + 1] == (box.type,):
            content = yield from _outline(reader, box, level + 1, left)
        elif box.type in _WHOLE or box.type in _COUNTED:
            length = box.end - box.body if box.type in _WHOLE else min(_COUNT_BYTES, box.end - box.body)
            left[0] -= length
            if left[0] < 0:
                message = f"more than {_MAX_WHOLE_BYTES:,} bytes of it describe the tracks"
                raise ContentUnchecked(Reason.MP4_MOOV_TOO_LARGE, message, part="moov")
            content = yield from reader.read(box.body, length)
        if content is not None:
            out.append(struct.pack(">I4s", len(content) + 8, box.type) + content)
        at = box.end
    return b"".join(out)
