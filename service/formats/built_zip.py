"""Lay out a zip of members of another zip, before any of them is read: stored, with the same bytes every time.

APPNOTE.TXT 4.3.7 (local header), 4.3.12 (directory), 4.3.16 (end record). All times are 1980-01-01, the first one that
a zip can have.
"""

import struct
from collections.abc import Sequence

from service.domain.members import PackedMember
from service.formats.directory import LOCAL_HEADER
from service.formats.names import UTF8_FLAG

MAX_BYTES = 2**32 - 2
"""Size without zip64 records."""
MAX_FILES = 1_000
"""Files of a built zip, since a line of the manifest names each. A clip has about 30."""

_ENTRY = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION, _STORED, _TIME, _DATE = 20, 0, 0, 0x21


def layout(members: Sequence[PackedMember]) -> list[bytes | PackedMember]:
    """Return the zip's bytes in order: headers, and members whose unpacked bytes follow them."""
    pieces: list[bytes | PackedMember] = []
    directory, at = bytearray(), 0
    for member in members:
        name = member.name.encode()
        flags = 0 if member.name.isascii() else UTF8_FLAG
        sizes = member.crc, member.size, member.size, len(name), 0
        header = LOCAL_HEADER.pack(b"PK\3\4", _VERSION, flags, _STORED, _TIME, _DATE, *sizes) + name
        directory += _ENTRY.pack(b"PK\1\2", _VERSION, _VERSION, flags, _STORED, _TIME, _DATE, *sizes, 0, 0, 0, 0, at)
        directory += name
        pieces += [header, member]
        at += len(header) + member.size
    end = _END.pack(b"PK\5\6", 0, 0, len(members), len(members), len(directory), at, 0)
    return [*pieces, bytes(directory) + end]


def built_size(members: Sequence[PackedMember]) -> int:
    """Return the size of the zip of `layout`."""
    names = sum(len(member.name.encode()) for member in members)
    contents = sum(member.size for member in members)
    return contents + 2 * names + len(members) * (LOCAL_HEADER.size + _ENTRY.size) + _END.size
