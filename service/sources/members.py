"""Copy clips out of zips: each is an object of its own for `StreamCopy`, and neighbours are read by one range."""

import base64
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock

from service.domain.errors import MemberUnreadable
from service.domain.manifest import ManifestEntry
from service.domain.members import PackedMember
from service.domain.uris import Location
from service.formats.built_zip import layout
from service.formats.failures import ContentInvalid, ContentUnchecked
from service.formats.members import read_member
from service.formats.reader import RangeReader
from service.sources.digests import joined
from service.sources.port import CHUNK_BYTES, Pin, SourceObject
from service.support.parallel import Once

KEPT_READS = 16
"""Joined ranges (`domain.member_reads.JOINED_BYTES`) in memory: 64 MiB. Clips that are copied at the same time are
mostly neighbours, which share ranges."""


class JoinedReads:
    """Keeps the latest ranges that were read for several members, so that each is read once. Thread-safe."""

    def __init__(self, kept: int = KEPT_READS) -> None:
        self._most, self._kept, self._lock = kept, OrderedDict[object, Once[bytes]](), Lock()

    def get(self, key: object, read: Callable[[], bytes]) -> bytes:
        """Return the bytes, by `read` if no other member needed them before. Raises its errors, and keeps none."""
        with self._lock:
            known = self._kept.setdefault(key, Once(read))
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return known()


@dataclass
class _Zip:
    """Reads the zip for one call: the joined range of a member from memory, the rest from its store."""

    source: RangeReader
    reads: JoinedReads
    key: object
    """Tells the zip, and what opens it, from all others."""
    span: tuple[int, int] = (0, 0)
    """The joined range of the member that is read: first byte and length."""
    _held: tuple[tuple[int, int], bytes] = ((0, 0), b"")

    @property
    def size(self) -> int:
        return self.source.size

    def read(self, start: int, length: int) -> bytes:
        first, count = self.span
        if not first <= start < first + count:
            return self.source.read(start, length)
        if self._held[0] != self.span:
            found = self.reads.get((self.key, self.span), lambda: self.source.read(first, count))
            self._held = self.span, found
        data = self._held[1][start - first : start - first + length]
        rest = length - len(data)
        return data + self.source.read(start + len(data), rest) if rest else data


class MemberSource:
    """A `PinnedSource` of one clip. The zip is read as planning pinned it, so that needs no request of its own."""

    def __init__(self, entry: ManifestEntry, source: RangeReader, reads: JoinedReads) -> None:
        """`source` reads the zip (`ManifestEntry.zip_entry`)."""
        assert entry.packed is not None
        members = entry.packed.members
        self._entry, self._source, self._reads = entry, source, reads
        self._pieces: list[bytes | PackedMember] = layout(members) if entry.packed.built else [*members]

    def stat(self, location: Location, pin: Pin | None = None, *, version: str | None = None) -> SourceObject:  # noqa: ARG002
        """Return the clip as it was planned, with its CRC-32. Reading it raises `SourceChanged`."""
        assert self._entry.size is not None
        assert self._entry.etag is not None
        crc = 0
        for piece in self._pieces:
            own = piece.crc if isinstance(piece, PackedMember) else zlib.crc32(piece)
            crc = joined("CRC32", crc, own, _size(piece))
        return SourceObject(
            key=location.key,
            size=self._entry.size,
            etag=self._entry.etag,
            version=self._entry.version,
            checksums={"CRC32": base64.b64encode(crc.to_bytes(4, "big")).decode()},
        )

    def tags(self, location: Location, pin: Pin) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    def read(self, location: Location, start: int, length: int, pin: Pin) -> bytes:
        return b"".join(self.chunks(location, start, length, pin))

    def chunks(
        self, location: Location, start: int, length: int, pin: Pin, chunk_bytes: int = CHUNK_BYTES
    ) -> Iterator[bytes]:
        """Yield the clip's bytes, unpacked. Raises `MemberUnreadable`."""
        at, end = 0, min(start + length, pin.size)
        zipped = _Zip(self._source, self._reads, (self._entry.integration, self._entry.zip_key))
        try:
            for piece in self._pieces:
                first, last = max(start - at, 0), min(end - at, _size(piece))
                at += _size(piece)
                if first >= last:
                    continue
                for block in _blocks(piece, zipped, first, last - first):
                    for begin in range(0, len(block), chunk_bytes):
                        yield block[begin : begin + chunk_bytes]
        except (ContentInvalid, ContentUnchecked) as error:
            raise MemberUnreadable(error.message, operation="read", uri=str(location)) from error


def _blocks(piece: bytes | PackedMember, zipped: _Zip, start: int, length: int) -> Iterator[bytes]:
    if isinstance(piece, bytes):
        yield piece[start : start + length]
        return
    zipped.span = piece.joined or (0, 0)
    yield from read_member(piece, zipped, start, length)


def _size(piece: bytes | PackedMember) -> int:
    return piece.size if isinstance(piece, PackedMember) else len(piece)
