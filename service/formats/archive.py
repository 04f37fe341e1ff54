"""A zip's directory by one or two reads, judged before anything is unpacked, and its members one by one.

`zipfile` reads the directory; what it forgives is refused here, since another reader may see other files in it:

- Accepted: zip64, data descriptors (the directory has the sizes), an archive comment, gaps between members, folders.
- Refused: bytes before the first member (self-extracting archives), between directory and end record, and after it.

A member's local header, size and CRC are checked when it is read (`service.formats.unpack`). Sizes are bytes.
"""

import stat
import struct
import unicodedata
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from service.formats.endrecord import EndRecord, find_end_record
from service.formats.failures import ContentInvalid, Reason
from service.formats.reader import RangeFile, Reader

MAX_MEMBERS = 1_000
"""A clip has about 30."""
MAX_DIRECTORY_BYTES = 1024**2
"""1,000 members of 150-byte names take 350 kB. `zipfile` makes a few hundred bytes of objects out of each 46."""
MAX_UNPACKED_BYTES = 16 * 1024**3
MAX_RATIO = 200

LOCAL_HEADER = struct.Struct("<4s5H3L2H")
ENCRYPTED = 0x1 | 0x40 | 0x2000
"""Flags: traditional, strong, and strong with a masked directory."""

_DIRECTORY_ENTRY_BYTES = 46
_UTF8 = 0x800
_OTHER_METHODS = {9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz", 98: "ppmd", 99: "AES"}
_SPECIAL_FILES = (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)
_UNREADABLE = (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OverflowError, EOFError)


@dataclass(frozen=True)
class Member:
    """A file of the archive: `info` as `zipfile` read it, `limit` the offset at which something else begins."""

    info: zipfile.ZipInfo
    limit: int

    @property
    def name(self) -> str:
        return self.info.filename


def read_members(reader: Reader) -> list[Member]:
    """All files of the archive in the order of their bytes, after every check that the directory alone allows."""
    end = find_end_record(reader)
    if end.count > MAX_MEMBERS:
        raise ContentInvalid(Reason.ZIP_TOO_MANY_MEMBERS, f"{end.count} members, at most {MAX_MEMBERS} are allowed")
    if end.directory_size > MAX_DIRECTORY_BYTES:
        message = f"the directory takes {end.directory_size} bytes, at most {MAX_DIRECTORY_BYTES} are allowed"
        raise ContentInvalid(Reason.ZIP_DIRECTORY_TOO_LARGE, message)
    infos = _read_directory(reader, end)
    for info in infos:
        _check_member(info)
    _check_names(infos)
    _check_unpacked(infos)
    infos.sort(key=lambda info: info.header_offset)
    limits = _check_extents(infos, end.directory_start)
    return [Member(info, limit) for info, limit in zip(infos, limits, strict=True) if not info.is_dir()]


def _read_directory(reader: Reader, end: EndRecord) -> list[zipfile.ZipInfo]:
    # To the object's end and not only the directory: one request for what the tail lacks, and `zipfile` makes none.
    directory = reader.read(end.directory_start, reader.size - end.directory_start)[: end.directory_size]
    if not _holds(directory, end.count):
        message = f"its {end.directory_size} bytes are not the {end.count} members of which the end record speaks"
        raise ContentInvalid(Reason.ZIP_CORRUPT_DIRECTORY, message, part="central directory")
    try:
        with zipfile.ZipFile(RangeFile(reader)) as archive:
            return archive.infolist()
    except _UNREADABLE as error:
        raise ContentInvalid(Reason.ZIP_CORRUPT_DIRECTORY, f"unreadable ({error})", part="central directory") from error


def _holds(directory: bytes, count: int) -> bool:
    """Whether it is that many entries, by the lengths they declare; `zipfile` reads as many as there are."""
    at = 0
    for _ in range(count):
        if at + _DIRECTORY_ENTRY_BYTES > len(directory):
            return False
        at += _DIRECTORY_ENTRY_BYTES + sum(struct.unpack_from("<3H", directory, at + 28))  # name, extra, comment
    return at == len(directory)


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    if _unsafe(name) or info.filename != name:
        raise ContentInvalid(Reason.ZIP_UNSAFE_NAME, "the name is not safe to unpack", part=name)
    if info.volume:
        raise ContentInvalid(Reason.ZIP_SPLIT, "the member is on another disk of a split archive", part=name)
    if info.flag_bits & ENCRYPTED:
        raise ContentInvalid(Reason.ZIP_ENCRYPTED, "the member is encrypted", part=name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        method = _OTHER_METHODS.get(info.compress_type, "unknown")
        message = f"packed by method {info.compress_type} ({method}); only stored and deflate are allowed"
        raise ContentInvalid(Reason.ZIP_UNSUPPORTED_METHOD, message, part=name)
    if stat.S_IFMT(info.external_attr >> 16) in _SPECIAL_FILES:
        raise ContentInvalid(Reason.ZIP_SYMLINK, "a link or a device, not a file", part=name)
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        message = f"stored as it is, yet {info.compress_size} packed bytes are to be {info.file_size}"
        raise ContentInvalid(Reason.ZIP_CORRUPT_MEMBER, message, part=name)
    if info.file_size > MAX_RATIO * info.compress_size:
        message = f"{info.compress_size} bytes unpack to {info.file_size}, more than {MAX_RATIO} times as many"
        raise ContentInvalid(Reason.ZIP_BOMB, message, part=name)


def _unsafe(name: str) -> bool:
    segments = name.removesuffix("/").split("/")
    return (
        any(segment in ("", ".", "..") for segment in segments)
        or "\\" in name
        or name[1:2] == ":"
        or any(unicodedata.category(character) in ("Cc", "Cs") for character in name)
    )


def _check_names(infos: Sequence[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for info in infos:
        folded = unicodedata.normalize("NFC", info.filename).casefold()
        if folded in seen:
            raise ContentInvalid(Reason.ZIP_DUPLICATE_NAME, "more than one member has this name", part=info.filename)
        seen.add(folded)


def _check_unpacked(infos: Sequence[zipfile.ZipInfo]) -> None:
    total = sum(info.file_size for info in infos)
    if total > MAX_UNPACKED_BYTES:
        message = f"all members together unpack to {total} bytes, at most {MAX_UNPACKED_BYTES} are allowed"
        raise ContentInvalid(Reason.ZIP_BOMB, message)


def _check_extents(infos: Sequence[zipfile.ZipInfo], directory_start: int) -> list[int]:
    """Where something else begins after each of `infos`, which are in the order of their offsets."""
    starts = [*(info.header_offset for info in infos), directory_start]
    if starts[0]:
        message = f"{starts[0]} bytes come before the first member"
        raise ContentInvalid(Reason.ZIP_AMBIGUOUS, message)
    for info, (start, following) in zip(infos, pairwise(starts), strict=True):
        # At least that: the extra fields of the local header are unknown until it is read.
        if start + LOCAL_HEADER.size + len(raw_name(info)) + info.compress_size > following:
            message = f"its {info.compress_size} packed bytes run into what begins at byte {following}"
            raise ContentInvalid(Reason.ZIP_OVERLAP, message, part=info.filename)
    return starts[1:]


def raw_name(info: zipfile.ZipInfo) -> bytes:
    """As the archive has it; the other way round from how `zipfile` decoded it."""
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")
