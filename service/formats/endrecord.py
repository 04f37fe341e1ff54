"""Find the end record of a zip: one read of its last bytes gives the directory's position and size.

Sources: APPNOTE.TXT 4.3.14 to 4.3.16. Other bytes are accepted with a note, as other readers do: after the end record
(padding, a line end) and before the first member.
"""

import struct
from dataclasses import dataclass

from service.formats.facts import Findings
from service.formats.failures import ContentInvalid, Note, Reason
from service.formats.reader import Reader, Reading

TAIL_BYTES = 128 * 1024
"""An end record with the longest comment has 65,557 bytes; the rest often has the directory and some layers."""

_END = struct.Struct("<4s4H2LH")
_LOCATOR64 = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_SIGNATURE, _LOCATOR64_SIGNATURE, _END64_SIGNATURE, _ENTRY = b"PK\5\6", b"PK\6\7", b"PK\6\6", b"PK\1\2"
_FIRST_MEMBER = b"PK\3\4"
_ENCODINGS = {b"\x1f\x8b": Reason.GZIP_ENCODED, b"\x28\xb5\x2f\xfd": Reason.ZSTD_ENCODED}
_4_GIB = 2**32
_SEARCHED_BYTES = _END.size + 65_535
"""Bytes from the object's end in which `zipfile` and `unzip` search for the end record."""


@dataclass(frozen=True)
class EndRecord:
    count: int
    directory_start: int
    directory_size: int
    shift: int
    """Add this to the archive's offsets: bytes were put in front after it was written."""
    wraps: bool = False
    """Whether the sizes are those of a larger archive modulo 4 GiB."""


@dataclass(frozen=True)
class _Candidate:
    at: int
    fits: bool
    """Whether its comment ends exactly at the object's end."""


def check_encoding(head: bytes) -> None:
    """Raises `ContentInvalid` if the whole object was stored compressed."""
    for magic, reason in _ENCODINGS.items():
        if head.startswith(magic):
            name = "gzip" if reason is Reason.GZIP_ENCODED else "Zstandard"
            message = f"the object's bytes are {name}: store it as it is, without a content encoding"
            raise ContentInvalid(reason, message)


def find_end_record(reader: Reader, findings: Findings, *, everything: int = 0) -> Reading[EndRecord]:
    """Find the one end record. `everything`: read an object up to this size whole. Raises `ContentInvalid`."""
    if reader.size == 0:
        raise ContentInvalid(Reason.EMPTY_FILE, "the object is empty")
    tail = yield from reader.tail(reader.size if reader.size <= everything else TAIL_BYTES)
    base = reader.size - len(tail)
    candidates = _candidates(tail)
    if not candidates:
        head = yield from reader.read(0, len(_FIRST_MEMBER))
        check_encoding(head)
        if head == _FIRST_MEMBER:
            searched = f"the last {_SEARCHED_BYTES:,} bytes, where readers look"
            message = f"no end record within {searched}: the zip is not whole"
            raise ContentInvalid(Reason.ZIP_TRUNCATED, message)
        raise ContentInvalid(Reason.NOT_A_ZIP, "the object has no end record: it is not a zip")
    chosen = _choose(tail, base, candidates)
    if not chosen.fits:
        findings.note(Note.ZIP_TRAILER)
    record, start, claimed = yield from _resolve(reader, tail, chosen.at, base)
    surplus = start - record.directory_start - record.directory_size
    if start - claimed not in (0, surplus):
        raise _contradictory()
    if surplus >= _4_GIB and surplus % _4_GIB == 0:
        return EndRecord(record.count, record.directory_start + surplus, record.directory_size, 0, wraps=True)
    if surplus < 0:
        message = f"the directory should end at byte {start - surplus:,}, the end record begins at byte {start:,}"
        raise ContentInvalid(Reason.ZIP_TRUNCATED, message)
    return EndRecord(record.count, record.directory_start + surplus, record.directory_size, surplus)


def _candidates(tail: bytes) -> list[_Candidate]:
    """Return every complete end record, the last one first."""
    found = []
    at = tail.rfind(_SIGNATURE)
    while at >= max(len(tail) - _SEARCHED_BYTES, 0):
        end = at + _END.size
        if end <= len(tail):
            found.append(_Candidate(at, end + int.from_bytes(tail[end - 2 : end], "little") == len(tail)))
        at = tail.rfind(_SIGNATURE, 0, at)
    return found


def _choose(tail: bytes, base: int, candidates: list[_Candidate]) -> _Candidate:
    """Return the only one with a directory before it; a signature in a comment or in a member has none."""
    if len(candidates) == 1:
        return candidates[0]
    real = [candidate for candidate in candidates if _has_directory(tail, base, candidate.at)]
    fitting = [candidate for candidate in real or candidates if candidate.fits]
    chosen = (fitting or real or candidates)[0]
    if len(fitting) > 1 or any(candidate.at > chosen.at for candidate in real):
        raise ContentInvalid(Reason.ZIP_AMBIGUOUS, "there are two end records, each with a directory of its own")
    return chosen


def _has_directory(tail: bytes, base: int, at: int) -> bool:
    """Return whether it can be an end record: all on one disk, after a directory or, in an empty archive, nothing."""
    if tail[max(at - _LOCATOR64.size, 0) : at].startswith(_LOCATOR64_SIGNATURE):
        return True
    _, disk, first_disk, here, count, size, _, _ = _END.unpack_from(tail, at)
    if disk or first_disk or here != count or size > base + at:
        return False
    return tail.startswith(_ENTRY, at - size) if 0 < size <= at else size > 0 or count == 0


def _resolve(reader: Reader, tail: bytes, at: int, base: int) -> Reading[tuple[EndRecord, int, int]]:
    """Return the record (the zip64 one if it exists), the byte where it begins, and the byte where it should begin."""
    _, disk, first_disk, here, count, size, offset, _ = _END.unpack_from(tail, at)
    start = base + at
    locator_start = start - _LOCATOR64.size
    locator = (yield from reader.read(locator_start, _LOCATOR64.size)) if locator_start >= 0 else b""
    if not locator.startswith(_LOCATOR64_SIGNATURE):
        if (disk, first_disk) != (0, 0) or here != count:
            raise ContentInvalid(Reason.ZIP_SPLIT, "the archive is one disk of a split archive")
        return EndRecord(count, offset, size, 0), start, start
    _, _, claimed_start, disks = _LOCATOR64.unpack(locator)
    record, start = yield from _end64(reader, claimed_start, locator_start)
    if not record:
        # A name or a comment at the directory's end may look like a locator.
        if 0xFFFF in (disk, first_disk, here, count) or 0xFFFFFFFF in (size, offset):
            raise _contradictory()
        return EndRecord(count, offset, size, 0), base + at, base + at
    _, _, _, _, disk64, first_disk64, here64, count64, size64, offset64 = _END64.unpack_from(record)
    if disks > 1 or (disk64, first_disk64) != (0, 0) or here64 != count64:
        raise ContentInvalid(Reason.ZIP_SPLIT, "the archive is one disk of a split archive")
    pairs = ((here, here64, 16), (count, count64, 16), (size, size64, 32), (offset, offset64, 32))
    if any(short not in (long, 2**bits - 1) for short, long, bits in pairs):
        raise _contradictory()
    return EndRecord(count64, offset64, size64, 0), start, claimed_start


def _end64(reader: Reader, claimed: int, locator: int) -> Reading[tuple[bytes, int]]:
    """Read the zip64 end record. It may be longer than its fields (4.3.14.2), and moved by bytes put in front.

    Return nothing if there is none.
    """
    for start in (claimed, locator - _END64.size):
        if 0 <= start <= locator - _END64.size:
            record = yield from reader.read(start, _END64.size)
            length = int.from_bytes(record[4:12], "little")
            if record.startswith(_END64_SIGNATURE) and start + 12 + length == locator:
                return record, start
    return b"", 0


def _contradictory() -> ContentInvalid:
    return ContentInvalid(Reason.ZIP_AMBIGUOUS, "the end record, its zip64 form and its locator contradict each other")
