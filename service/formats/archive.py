"""A zip's directory by one or two reads, judged before anything is unpacked.

Written here and not with `zipfile`, because verdicts must not depend on the Python version and because `zipfile` makes
objects of whatever a hostile directory says. Source: APPNOTE.TXT 4.3.12, 4.5.3. Sizes are bytes.

A member's local header, size and CRC are checked when it is read (`service.formats.unpack`).
"""

import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from service.formats.endrecord import EndRecord, find_end_record
from service.formats.facts import Findings
from service.formats.failures import ContentInvalid, ContentUnchecked, Note, Reason
from service.formats.limits import MAX_DIRECTORY_BYTES, MAX_MEMBERS, MAX_RATIO, RATIO_FLOOR_BYTES
from service.formats.names import UNICODE_PATH, decode_name, folded, is_system_file, normal_name, unicode_path
from service.formats.reader import Reader, Reading

STORED, DEFLATED = 0, 8
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
ENCRYPTED = 0x1 | 0x40 | 0x2000
"""Flags: traditional, strong, and strong with a masked directory."""

_ENTRY = struct.Struct("<4s4B4H3L5H2L")
_ZIP64, _UNKNOWN = 1, 0xFFFFFFFF
_NEWEST_VERSION = 63
_MARKER_BYTES = 4
_EXTRA_BYTES = 1024
_OTHER_METHODS = {9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz", 98: "ppmd", 99: "AES"}
_SPECIAL_FILES = (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)


@dataclass(slots=True)
class Member:
    """A file or a folder of the archive, as the directory describes it."""

    name: str
    """Normal form: `/` between segments, one at the end of a folder; empty for the root."""
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
    """Byte at which something else begins."""

    @property
    def end(self) -> int:
        """Where its bytes end at the latest, unless its local header has unusually long extra fields."""
        return min(self.limit, self.offset + LOCAL_HEADER.size + len(self.raw_name) + self.packed_size + _EXTRA_BYTES)

    @property
    def is_folder(self) -> bool:
        return not self.name or self.name.endswith("/")


def read_members(reader: Reader, findings: Findings, *, everything: int = 0) -> Reading[list[Member]]:
    """Read the directory and return all files in the order of their bytes. Raises `ContentInvalid`.

    `everything`: an object up to this size is read whole at once.
    """
    end = yield from find_end_record(reader, findings, everything=everything)
    if end.count > MAX_MEMBERS:
        raise ContentUnchecked(Reason.ZIP_TOO_MANY_MEMBERS, f"{end.count} members, at most {MAX_MEMBERS} are checked")
    if end.directory_size > MAX_DIRECTORY_BYTES:
        message = f"the directory takes {end.directory_size} bytes, at most {MAX_DIRECTORY_BYTES} are read"
        raise ContentUnchecked(Reason.ZIP_DIRECTORY_TOO_LARGE, message)
    # To the object's end and not only the directory: one request for what the tail lacks.
    ahead = reader.size - end.directory_start - end.directory_size
    directory = yield from reader.read(end.directory_start, end.directory_size, ahead=ahead)
    members = _parse(directory, end, findings)
    for member in members:
        if not member.ignored:
            _check_member(member)
    files = [member for member in members if not member.ignored]
    _check_names(files)
    _check_ratio(files)
    members.sort(key=lambda member: member.offset)
    _check_extents(members, end.directory_start)
    if members and members[0].offset:
        yield from _check_prefix(reader, members[0].offset)
        findings.note(Note.ZIP_PREFIX)
    if any(member.ignored and member.name for member in members):
        findings.note(Note.SYSTEM_FILES_IGNORED)
    return [member for member in members if not member.ignored and not member.is_folder]


def _parse(directory: bytes, end: EndRecord, findings: Findings) -> list[Member]:
    members: list[Member] = []
    at = 0
    while at < len(directory) and len(members) <= MAX_MEMBERS:
        if not directory.startswith(b"PK\1\2", at) or at + _ENTRY.size > len(directory):
            raise _corrupt(f"no entry begins at its byte {at}")
        fields = _ENTRY.unpack_from(directory, at)
        at += _ENTRY.size
        following = at + fields[12] + fields[13] + fields[14]  # name, extra, comment
        if following > len(directory):
            raise _corrupt(f"its entry before byte {at} runs over its end")
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
        raise _corrupt(f"it has {len(members)} members, the end record says {end.count}")
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
    """Readers that ignore the field go by the header's name: it must be safe too, and not that of another layer."""
    one, two = normal_name(name), normal_name(other)
    roles = [path.rpartition("/")[2].casefold().split(".")[-2:] for path in (one, two)]
    layers = any(role[-1] in ("parquet", "json") for role in roles)
    if layers and (roles[0] != roles[1] or other.isascii()):
        message = "its header and its Unicode Path field name different files"
        raise ContentInvalid(Reason.ZIP_AMBIGUOUS, message, part=one)


def _extra_fields(extra: bytes) -> dict[int, bytes]:
    """The first field of each kind; a rest too short to be one is padding."""
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
    """The zip64 field has those values only that do not fit, in this order."""
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


def _check_member(member: Member) -> None:
    name = member.name
    if member.disk:
        raise ContentInvalid(Reason.ZIP_SPLIT, "the member is on another disk of a split archive", part=name)
    if member.flags & ENCRYPTED:
        raise ContentInvalid(Reason.ZIP_ENCRYPTED, "the member is encrypted", part=name)
    if member.method not in (STORED, DEFLATED):
        method = _OTHER_METHODS.get(member.method, "unknown")
        message = f"packed by method {member.method} ({method}); only stored and deflate are allowed"
        raise ContentInvalid(Reason.ZIP_UNSUPPORTED_METHOD, message, part=name)
    if member.version > _NEWEST_VERSION:
        message = f"needs version {member.version / 10} of the zip format"
        raise ContentInvalid(Reason.ZIP_UNSUPPORTED_METHOD, message, part=name)
    if stat.S_IFMT(member.mode) in _SPECIAL_FILES:
        raise ContentInvalid(Reason.ZIP_SYMLINK, "a link or a device, not a file", part=name)
    if member.method == STORED and member.packed_size != member.size:
        message = f"stored as it is, yet {member.packed_size} packed bytes are to be {member.size}"
        raise ContentInvalid(Reason.ZIP_CORRUPT_MEMBER, message, part=name)


def _check_names(members: Sequence[Member]) -> None:
    seen: set[str] = set()
    for member in members:
        name = folded(member.name)
        if name in seen and not member.is_folder:
            raise ContentInvalid(Reason.ZIP_DUPLICATE_NAME, "more than one member has this name", part=member.name)
        seen.add(name)


def _check_ratio(members: Sequence[Member]) -> None:
    size, packed = sum(member.size for member in members), sum(member.packed_size for member in members)
    if size > RATIO_FLOOR_BYTES and size > MAX_RATIO * packed:
        largest = max(members, key=lambda member: member.size)
        message = f"{packed} bytes unpack to {size}, more than {MAX_RATIO} times as many"
        raise ContentInvalid(Reason.ZIP_BOMB, message, part=largest.name)


def _check_prefix(reader: Reader, length: int) -> Reading[None]:
    """Writers leave a marker of 4 bytes in front. More may be a program or a header, but no archive of its own."""
    if length > _MARKER_BYTES and (yield from reader.read(0, _MARKER_BYTES)) == b"PK\3\4":
        message = f"{length} bytes come before the first member, and they are an archive too"
        raise ContentInvalid(Reason.ZIP_AMBIGUOUS, message)


def _check_extents(members: Sequence[Member], directory_start: int) -> None:
    """Set each member's `limit`; `members` are in the order of their offsets."""
    following = directory_start
    for member in reversed(members):
        member.limit = following
        # At least that: the extra fields of the local header are unknown until it is read.
        if member.offset + LOCAL_HEADER.size + len(member.raw_name) + member.packed_size > following:
            message = f"its {member.packed_size} packed bytes run into what begins at byte {following}"
            raise ContentInvalid(Reason.ZIP_OVERLAP, message, part=member.name)
        following = member.offset


def _corrupt(message: str) -> ContentInvalid:
    return ContentInvalid(Reason.ZIP_CORRUPT_DIRECTORY, message, part="central directory")
