"""Unpack one member of a zip strictly: other readers may interpret unchecked fields differently."""

import zlib
from collections.abc import Callable

from service.formats.archive import DEFLATED, ENCRYPTED
from service.formats.directory import LOCAL_HEADER, Member
from service.formats.failures import ContentInvalid, Reason
from service.formats.reader import Reader, Reading

WINDOW_BYTES = 4 * 1024**2
"""Bytes per read of a larger member. Usual layers (about 20 kB) need one read."""
UNPACK_BYTES = 256 * 1024
"""Bytes of one unpacked piece."""

_DESCRIPTOR = 0x8
"""Flag: size and CRC follow the data, and the directory has them too."""
_UNKNOWN = 0xFFFFFFFF


class Kept:
    """Keeps the first `head` and the last `tail` bytes of a stream; all of it if `tail` is None."""

    def __init__(self, *, head: int = 4, tail: int | None = None) -> None:
        self.head = b""
        self._head, self._tail = head, tail
        self._pieces: list[bytes] = []
        self._held = 0

    def __call__(self, piece: bytes) -> None:
        if len(self.head) < self._head:
            self.head += piece[: self._head - len(self.head)]
        self._pieces.append(piece)
        self._held += len(piece)
        while self._tail is not None and self._pieces and self._held - len(self._pieces[0]) >= self._tail:
            self._held -= len(self._pieces.pop(0))

    def data(self) -> bytes:
        """Return the kept bytes; at least the last `tail` ones. Call it once: it releases the pieces."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


def unpack(reader: Reader, member: Member, keep: Callable[[bytes], None], *, ahead: int = 0) -> Reading[None]:
    """Pass the member's bytes to `keep` in pieces, and check its header, size and CRC.

    Needs one read for a member of up to `WINDOW_BYTES`, which reads `ahead` more. Raises `ContentInvalid`.
    """
    reader.work.add_unpacked(member.size)
    start = yield from data_start(reader, member, ahead=ahead)
    if member.method == DEFLATED:
        crc = yield from _inflate(reader, member, start, keep, ahead)
    else:
        crc = yield from _copy(reader, member, start, keep, ahead)
    if crc != member.crc:
        raise _corrupt(member, f"the CRC is {crc:08x}, its directory entry says {member.crc:08x}")


def data_start(reader: Reader, member: Member, *, ahead: int = 0) -> Reading[int]:
    """Return the byte at which the member's data begins. Check its local header. Raises `ContentInvalid`."""
    wanted = min(member.end - member.offset, WINDOW_BYTES)
    data, at = yield from reader.view(member.offset, LOCAL_HEADER.size, ahead=wanted - LOCAL_HEADER.size + ahead)
    signature, _, flags, method, _, _, crc, packed, unpacked, name_length, extra_length = LOCAL_HEADER.unpack_from(
        data, at
    )
    if signature != b"PK\3\4":
        raise _corrupt(member, f"no member begins at byte {member.offset:,}")
    if flags & ENCRYPTED:
        raise ContentInvalid(Reason.ZIP_ENCRYPTED, "the member is encrypted", part=member.name)
    name = yield from reader.read(member.offset + LOCAL_HEADER.size, name_length, ahead=wanted + ahead)
    if name != member.raw_name or method != member.method:
        raise _corrupt(member, "its local header has another name or method than the directory")
    # Streaming writers leave zeros here, with or without the flag; zip64 has the sizes in an extra field.
    known = not flags & _DESCRIPTOR and _UNKNOWN not in (packed, unpacked) and (crc, packed, unpacked) != (0, 0, 0)
    if known and (crc, packed, unpacked) != (member.crc, member.packed_size, member.size):
        raise _corrupt(member, "its local header has another size or CRC than the directory")
    start: int = member.offset + LOCAL_HEADER.size + name_length + extra_length
    if start + member.packed_size > member.limit:
        message = f"its {member.packed_size:,} packed bytes run into what begins at byte {member.limit:,}"
        raise ContentInvalid(Reason.ZIP_OVERLAP, message, part=member.name)
    return start


def _blocks(start: int, length: int) -> list[tuple[int, int]]:
    return [(at, min(WINDOW_BYTES, start + length - at)) for at in range(start, start + length, WINDOW_BYTES)]


def _copy(reader: Reader, member: Member, start: int, keep: Callable[[bytes], None], ahead: int) -> Reading[int]:
    crc = 0
    for at, length in _blocks(start, member.packed_size):
        block = yield from reader.read(at, length, ahead=ahead)
        crc = zlib.crc32(block, crc)
        keep(block)
    return crc


def _inflate(reader: Reader, member: Member, start: int, keep: Callable[[bytes], None], ahead: int) -> Reading[int]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    size, crc = 0, 0
    for at, length in _blocks(start, member.packed_size):
        rest = yield from reader.read(at, length, ahead=ahead)
        while True:
            try:
                piece = inflater.decompress(rest, UNPACK_BYTES)
            except zlib.error as error:
                raise _corrupt(member, f"its compressed data is damaged ({error})") from error
            if not piece:
                break
            size += len(piece)
            if size > member.size:
                raise _corrupt(member, f"unpacks to more than the {member.size:,} bytes of its directory entry")
            crc = zlib.crc32(piece, crc)
            keep(piece)
            rest = inflater.unconsumed_tail
    if not inflater.eof or inflater.unused_data:
        raise _corrupt(member, "bytes follow its data" if inflater.eof else "its compressed data ends early")
    if size != member.size:
        raise _corrupt(member, f"unpacks to {size:,} bytes, its directory entry says {member.size:,}")
    return crc


def _corrupt(member: Member, message: str) -> ContentInvalid:
    return ContentInvalid(Reason.ZIP_CORRUPT_MEMBER, message, part=member.name)
