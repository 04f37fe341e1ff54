"""Parse the central directory of a zip. `service.formats.archive` checks the entries.

Our own code instead of `zipfile`, because results must not depend on the Python version, and because `zipfile` makes
an object for every entry of a hostile directory. Source: APPNOTE.TXT 4.3.12, 4.5.3. Sizes are bytes.
"""

import struct
from dataclasses import dataclass

from service.domain.clip_names import is_system_file
from service.formats.endrecord import EndRecord
from service.formats.facts import Findings
from service.formats.failures import ContentInvalid, ContentUnchecked, Note, Reason
from service.formats.limits import MAX_MEMBERS
from service.formats.names import UNICODE_PATH, decode_name, normal_name, unicode_path

LOCAL_HEADER = struct.Struct("<4s5H3L2H")

_ENTRY = struct.Struct("<4s4B4H3L5H2L")
_EXTRA_BYTES = 1024
_ZIP64, _UNKNOWN = 1, 0xFFFFFFFF


@dataclass(slots=True)
class Member:
    """A file or a folder of the archive, as the directory describes it."""

    name: str
    """Normalized: `/` between segments, one at the end of a folder; empty for the root."""
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    offset: int
    """Byte of the object at which its local header begins."""
    mode: int
    version: int
    disk: int
    ignored: bool
    limit: int = 0
    """Byte at which the next member or the directory begins."""

    @property
    def end(self) -> int:
        """Return the end of its bytes, unless its local header has unusually long extra fields."""
        return min(self.limit, self.offset + LOCAL_HEADER.size + len(self.raw_name) + self.packed_size + _EXTRA_BYTES)

    @property
    def is_folder(self) -> bool:
        return not self.name or self.name.endswith("/")


def parse_directory(directory: bytes, end: EndRecord, findings: Findings) -> list[Member]:
    """Return every entry, in the directory's order. Raises `ContentInvalid`, `ContentUnchecked`."""
    members: list[Member] = []
    at = 0
    while at < len(directory):
        if len(members) == MAX_MEMBERS:
            raise too_many(f"more than {MAX_MEMBERS:,}")
        if not directory.startswith(b"PK\1\2", at) or at + _ENTRY.size > len(directory):
            raise _corrupt(f"no entry begins at its byte {at:,}")
        fields = _ENTRY.unpack_from(directory, at)
        at += _ENTRY.size
        following = at + fields[12] + fields[13] + fields[14]  # name, extra, comment
        if following > len(directory):
            raise _corrupt(f"its entry before byte {at:,} runs over its end")
        name_end = at + fields[12]
        members.append(_member(fields, directory[at:name_end], directory[name_end : name_end + fields[13]], findings))
        at = following
    wraps = end.wraps or (len(members) > end.count and (len(members) - end.count) % 2**16 == 0)
    if wraps:
        message = (
            "the archive is larger than its records can say: it has no zip64 records. Pack it again with a tool that"
            " writes zip64 (`zip -r`, `ditto -c -k`, 7-Zip); Finder's Compress does not"
        )
        raise ContentInvalid(Reason.ZIP_NEEDS_ZIP64, message)
    if len(members) != end.count:
        raise _corrupt(f"it has {len(members):,} members, the end record says {end.count:,}")
    for member in members:
        member.offset += end.shift
    return members


def _member(fields: tuple[int, ...], raw: bytes, extra: bytes, findings: Findings) -> Member:
    flags, method, crc, packed, size, disk, offset = (fields[index] for index in (5, 6, 9, 10, 11, 15, 18))
    name = decode_name(raw, flags)
    if extra:
        found = _extra_fields(extra)
        if _UNKNOWN in (packed, size, offset) or disk == 0xFFFF:
            size, packed, offset, disk = _wide(found.get(_ZIP64, b""), size, packed, offset, disk, name)
        if (other := unicode_path(found.get(UNICODE_PATH, b""), raw)) and other != name:
            findings.note(Note.ZIP_UNICODE_PATH)
            _check_same_role(name, other)
            name = other
    if "\\" in name:
        findings.note(Note.ZIP_BACKSLASHES)
    normal = normal_name(name)
    mode = fields[17] >> 16
    return Member(
        normal, raw, flags, method, crc, packed, size, offset, mode, fields[3], disk,
        ignored=normal == "" or is_system_file(normal),
    )  # fmt: skip


def _check_same_role(name: str, other: str) -> None:
    """Check the header's name too, which some readers use: it must be safe, and not name another layer."""
    one, two = normal_name(name.partition("\0")[0] or name, shown=False), normal_name(other)
    roles = [path.rpartition("/")[2].casefold().split(".")[-2:] for path in (one, two)]
    layers = any(role[-1] in ("parquet", "json") for role in roles)
    if layers and (roles[0] != roles[1] or other.isascii()):
        message = "its header and its Unicode Path field name different files"
        raise ContentInvalid(Reason.ZIP_AMBIGUOUS, message, part=one)


def _extra_fields(extra: bytes) -> dict[int, bytes]:
    """Return the first field of each kind. A rest too short for a field is padding."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        at += 4
        if at + length <= len(extra):
            found.setdefault(kind, extra[at : at + length])
        at += length
    return found


def _wide(field: bytes, size: int, packed: int, offset: int, disk: int, name: str) -> tuple[int, int, int, int]:
    """Read a zip64 field: it contains only the values that do not fit, in this order."""
    values, at = [], 0
    for value, unknown, length in (
        (size, _UNKNOWN, 8),
        (packed, _UNKNOWN, 8),
        (offset, _UNKNOWN, 8),
        (disk, 0xFFFF, 4),
    ):
        if value == unknown:
            if at + length > len(field):
                raise ContentInvalid(Reason.ZIP_CORRUPT_DIRECTORY, "its zip64 field lacks values", part=name)
            values.append(int.from_bytes(field[at : at + length], "little"))
            at += length
        else:
            values.append(value)
    return values[0], values[1], values[2], values[3]


def too_many(count: str) -> ContentUnchecked:
    return ContentUnchecked(Reason.ZIP_TOO_MANY_MEMBERS, f"{count} members, at most {MAX_MEMBERS:,} are checked")


def _corrupt(message: str) -> ContentInvalid:
    return ContentInvalid(Reason.ZIP_CORRUPT_DIRECTORY, message, part="central directory")
