"""Read a zip's directory with one or two reads, and check it before anything is unpacked.

`service.formats.unpack` checks a member's local header, size and CRC when it reads the member.
"""

import stat
from collections.abc import Callable, Sequence

from service.formats.directory import LOCAL_HEADER, Member, parse_directory, too_many
from service.formats.endrecord import find_end_record
from service.formats.facts import Findings
from service.formats.failures import ContentInvalid, ContentUnchecked, Note, Reason
from service.formats.limits import (
    HOLLOW_FLOOR_BYTES,
    HOLLOW_RATIO,
    MAX_DIRECTORY_BYTES,
    MAX_MEMBERS,
    MAX_RATIO,
    RATIO_FLOOR_BYTES,
)
from service.formats.names import folded
from service.formats.reader import Reader, Reading

STORED, DEFLATED = 0, 8
ENCRYPTED = 0x1 | 0x40 | 0x2000
"""Flags: traditional, strong, and strong with a masked directory."""

_NEWEST_VERSION = 63
_MARKER_BYTES = 4
_OTHER_METHODS = {9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz", 98: "ppmd", 99: "AES"}
_SPECIAL_FILES = (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)


def read_members(
    reader: Reader, findings: Findings, *, everything: int = 0, check: Callable[[Member], None] | None = None
) -> Reading[list[Member]]:
    """Read the directory and return all files in the order of their bytes. Raises `ContentInvalid`.

    `everything`: an object up to this size is read whole at once. `check` is called with each member, and raises for
    one that makes the whole archive invalid (None: `check_member`).
    """
    end = yield from find_end_record(reader, findings, everything=everything)
    if end.count > MAX_MEMBERS:
        raise too_many(f"{end.count:,}")
    if end.directory_size > MAX_DIRECTORY_BYTES:
        message = f"the directory takes {end.directory_size:,} bytes, at most {MAX_DIRECTORY_BYTES:,} are read"
        raise ContentUnchecked(Reason.ZIP_DIRECTORY_TOO_LARGE, message)
    # Up to the object's end, not only the directory: one request for everything that the tail lacks.
    ahead = reader.size - end.directory_start - end.directory_size
    directory = yield from reader.read(end.directory_start, end.directory_size, ahead=ahead)
    members = parse_directory(directory, end, findings)
    for member in members:
        if not member.ignored:
            (check or check_member)(member)
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


def check_member(member: Member) -> None:
    """Check that the member can be unpacked. Raises `ContentInvalid`."""
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
    if member.method == STORED and member.packed_size != member.size and not member.is_folder:
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
    if not members:
        return
    size, packed = sum(member.size for member in members), sum(member.packed_size for member in members)
    largest = max(members, key=lambda member: member.size)
    hollow = largest.size > HOLLOW_FLOOR_BYTES and largest.size > HOLLOW_RATIO * largest.packed_size
    if hollow or (size > RATIO_FLOOR_BYTES and size > MAX_RATIO * packed):
        message = f"{packed:,} bytes unpack to {size:,}: nothing of value packs so well"
        raise ContentInvalid(Reason.ZIP_BOMB, message, part=largest.name)


def _check_prefix(reader: Reader, length: int) -> Reading[None]:
    """Check the bytes before the first member. They may be a 4-byte marker, a program or a header, but no archive."""
    if length > _MARKER_BYTES and (yield from reader.read(0, _MARKER_BYTES)) == b"PK\3\4":
        message = f"{length:,} bytes come before the first member, and they are an archive too"
        raise ContentInvalid(Reason.ZIP_AMBIGUOUS, message)


def _check_extents(members: Sequence[Member], directory_start: int) -> None:
    """Set each member's `limit`; `members` are in the order of their offsets."""
    following = directory_start
    for member in reversed(members):
        member.limit = following
        # A lower bound: the extra fields of the local header are unknown until it is read.
        if member.offset + LOCAL_HEADER.size + len(member.raw_name) + member.packed_size > following:
            message = f"its {member.packed_size:,} packed bytes run into what begins at byte {following:,}"
            raise ContentInvalid(Reason.ZIP_OVERLAP, message, part=member.name)
        following = member.offset
