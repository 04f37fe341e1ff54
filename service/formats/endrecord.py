"""The end of a zip: one read of its last 65,558 bytes says where the directory lies and how large it is."""

import struct
from dataclasses import dataclass

from service.formats.failures import ContentInvalid, Reason
from service.formats.reader import Reader

TAIL_BYTES = 65_558
"""An end record (22) with the longest comment (65,535) and one byte more, as `zipfile` looks for it."""

_END = struct.Struct("<4s4H2LH")
_LOCATOR64 = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_SIGNATURE, _LOCATOR64_SIGNATURE, _END64_SIGNATURE = b"PK\5\6", b"PK\6\7", b"PK\6\6"
_FIRST_MEMBER = b"PK\3\4"


@dataclass(frozen=True)
class EndRecord:
    count: int
    directory_start: int
    directory_size: int


def find_end_record(reader: Reader) -> EndRecord:
    """Raises `ContentInvalid` unless there is exactly one, at the very end, right behind its directory."""
    tail = reader.tail(TAIL_BYTES)
    tail_start = reader.size - len(tail)
    if not tail:
        raise ContentInvalid(Reason.EMPTY_FILE, "the object is empty")
    at = tail.rfind(_SIGNATURE)
    if at < 0 or at + _END.size > len(tail):
        if reader.read(0, len(_FIRST_MEMBER)) == _FIRST_MEMBER:
            raise ContentInvalid(Reason.ZIP_TRUNCATED, "the end record of the zip is missing: the object ends early")
        raise ContentInvalid(Reason.NOT_A_ZIP, "the object has no end record: it is not a zip")
    _check_only_one(tail, at)
    record, start = _resolve(reader, tail, at, tail_start)
    surplus = start - record.directory_start - record.directory_size
    if surplus < 0:
        message = f"the directory should end at byte {start - surplus}, the end record begins at byte {start}"
        raise ContentInvalid(Reason.ZIP_TRUNCATED, message)
    if surplus:
        message = f"{surplus} bytes more than the end record knows of, before the first member or after the directory"
        raise ContentInvalid(Reason.ZIP_AMBIGUOUS, message)
    return record


def _check_only_one(tail: bytes, at: int) -> None:
    """`at` is the last signature. Another one whose comment ends the object too would be just as good."""
    if at + _END.size + _comment_length(tail, at) != len(tail):
        raise ContentInvalid(Reason.ZIP_AMBIGUOUS, "the end record and its comment do not end the object")
    other = tail.rfind(_SIGNATURE, 0, at)
    while other >= 0:
        if other + _END.size + _comment_length(tail, other) == len(tail):
            raise ContentInvalid(Reason.ZIP_AMBIGUOUS, "there is a second end record in the comment of the first")
        other = tail.rfind(_SIGNATURE, 0, other)


def _comment_length(tail: bytes, at: int) -> int:
    return int.from_bytes(tail[at + _END.size - 2 : at + _END.size], "little")


def _resolve(reader: Reader, tail: bytes, at: int, tail_start: int) -> tuple[EndRecord, int]:
    """The record, from its zip64 form where there is one, and the byte where that begins: the directory's end."""
    _, disk, first_disk, here, count, size, offset, _ = _END.unpack_from(tail, at)
    start = tail_start + at
    locator = reader.read(start - _LOCATOR64.size, _LOCATOR64.size) if start >= _LOCATOR64.size else b""
    if not locator.startswith(_LOCATOR64_SIGNATURE):
        if (disk, first_disk) != (0, 0) or here != count:
            raise ContentInvalid(Reason.ZIP_SPLIT, "the archive is one disk of a split archive")
        return EndRecord(count, offset, size), start
    start -= _LOCATOR64.size + _END64.size
    _, _, claimed_start, disks = _LOCATOR64.unpack(locator)
    record = reader.read(start, _END64.size) if start >= 0 else b""
    if claimed_start != start or not record.startswith(_END64_SIGNATURE):
        raise ContentInvalid(Reason.ZIP_AMBIGUOUS, "the zip64 end record is not where its locator says")
    _, length, _, _, disk64, first_disk64, here64, count64, size64, offset64 = _END64.unpack(record)
    if disks > 1 or (disk64, first_disk64) != (0, 0) or here64 != count64:
        raise ContentInvalid(Reason.ZIP_SPLIT, "the archive is one disk of a split archive")
    pairs = ((here, here64, 16), (count, count64, 16), (size, size64, 32), (offset, offset64, 32))
    if length != _END64.size - 12 or any(short not in (long, 2**bits - 1) for short, long, bits in pairs):
        raise ContentInvalid(Reason.ZIP_AMBIGUOUS, "the end record and its zip64 form contradict each other")
    return EndRecord(count64, offset64, size64), start
