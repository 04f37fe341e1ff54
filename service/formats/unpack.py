"""Unpacks one member of a zip, strictly: what it does not check, another reader might take for something else."""

import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from service.formats.archive import ENCRYPTED, LOCAL_HEADER, Member, raw_name
from service.formats.failures import ContentInvalid, Reason
from service.formats.reader import Reader

WINDOW_BYTES = 4 * 1024**2
"""Of one read of a member: usual layers (about 20 kB) come in one, and memory stays below it."""
UNPACK_BYTES = 256 * 1024

_DESCRIPTOR = 0x8
"""Flag: size and CRC follow the data, and the directory has them too."""


def unpack(reader: Reader, member: Member) -> Iterator[bytes]:
    """The member's bytes in pieces of at most `UNPACK_BYTES`; its header, size and CRC must be right.

    One read for a member of up to `WINDOW_BYTES`. Raises `ContentInvalid`, at the latest after the last piece.
    """
    info = member.info
    start = _data_start(reader, member)
    size, checksum = 0, 0
    blocks = _blocks(reader, start, start + info.compress_size)
    for piece in blocks if info.compress_type == zipfile.ZIP_STORED else _inflate(blocks, member):
        size += len(piece)
        if size > info.file_size:
            raise _corrupt(member, f"unpacks to more than the {info.file_size} bytes of its directory entry")
        checksum = zlib.crc32(piece, checksum)
        yield piece
    if size != info.file_size:
        raise _corrupt(member, f"unpacks to {size} bytes, its directory entry says {info.file_size}")
    if checksum != info.CRC:
        raise _corrupt(member, f"the CRC is {checksum:08x}, its directory entry says {info.CRC:08x}")


def _data_start(reader: Reader, member: Member) -> int:
    info = member.info
    head = reader.read(info.header_offset, min(member.limit - info.header_offset, WINDOW_BYTES))
    header: tuple[Any, ...] = LOCAL_HEADER.unpack_from(head)
    signature, _, flags, method, _, _, crc, packed, unpacked, name_length, extra_length = header
    name = head[LOCAL_HEADER.size : LOCAL_HEADER.size + name_length]
    sizes_here = not flags & _DESCRIPTOR and 0xFFFFFFFF not in (packed, unpacked)
    if signature != b"PK\3\4":
        raise _corrupt(member, f"no member begins at byte {info.header_offset}")
    if flags & ENCRYPTED:
        raise ContentInvalid(Reason.ZIP_ENCRYPTED, "the member is encrypted", part=member.name)
    if name != raw_name(info) or method != info.compress_type:
        raise _corrupt(member, "its local header has another name or method than the directory")
    if sizes_here and (crc, packed, unpacked) != (info.CRC, info.compress_size, info.file_size):
        raise _corrupt(member, "its local header has another size or CRC than the directory")
    start: int = info.header_offset + LOCAL_HEADER.size + name_length + extra_length
    if start + info.compress_size > member.limit:
        message = f"its {info.compress_size} packed bytes run into what begins at byte {member.limit}"
        raise ContentInvalid(Reason.ZIP_OVERLAP, message, part=member.name)
    return start


def _blocks(reader: Reader, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        length = min(end - start, UNPACK_BYTES)
        block = reader.read(start, length, ahead=min(end - start, WINDOW_BYTES) - length)
        start += len(block)
        yield block


def _inflate(blocks: Iterator[bytes], member: Member) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for block in blocks:
            rest = block
            while piece := inflater.decompress(rest, UNPACK_BYTES):
                yield piece
                rest = inflater.unconsumed_tail
    except zlib.error as error:
        raise _corrupt(member, f"its compressed data is damaged ({error})") from error
    if not inflater.eof or inflater.unused_data:
        raise _corrupt(member, "its compressed data ends early" if not inflater.eof else "bytes follow its data")


def _corrupt(member: Member, message: str) -> ContentInvalid:
    return ContentInvalid(Reason.ZIP_CORRUPT_MEMBER, message, part=member.name)
