"""Read the lines of one text file in a store, packed or not, in constant memory."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from service.domain.errors import InvalidManifest
from service.domain.manifest import ManifestEntry
from service.domain.uris import Location
from service.ports.objects import Objects

BLOCK_BYTES = 4 * 1024**2
"""Bytes that are read, or unpacked, at once."""
MAX_LINE = 16 * 1024
"""Maximum bytes of a line. A key of 1,024 bytes takes at most 6 KiB of JSON escapes."""
MAX_SKIPPED = 64 * 1024**2
"""Bytes of a longer line that planning skips before it rejects the manifest."""


@dataclass(frozen=True)
class ManifestFile:
    """A pinned file: the manifest itself, or one of an inventory's."""

    uri: Location
    size: int
    etag: str
    version: str | None
    integration: str | None
    """Id of the integration that opens it."""

    def blocks(self, storage: Objects, start: int, *, block_bytes: int | None = None) -> Iterator[bytes]:
        """Yield the file's text from byte `start`, `block_bytes` (`BLOCK_BYTES`) at a time.

        Raises `ObjectError`, `InvalidManifest`.
        """
        block_bytes = block_bytes or BLOCK_BYTES
        if self.uri.key.endswith(".gz"):
            return self._unpacked(storage, start, block_bytes)
        return self._raw(storage, start, block_bytes)

    def _raw(self, storage: Objects, start: int, block_bytes: int) -> Iterator[bytes]:
        pinned = ManifestEntry(
            ordinal=0,
            source_uri=str(self.uri),
            destination="",
            size=self.size,
            etag=self.etag,
            version=self.version,
            integration=self.integration,
        )
        reader = storage.reader(pinned)
        for at in range(start, self.size, block_bytes):
            yield reader.read(at, block_bytes)

    def _unpacked(self, storage: Objects, start: int, block_bytes: int) -> Iterator[bytes]:
        """Unpack the file from its beginning, since gzip cannot start elsewhere, and skip what is before `start`."""
        unpack, skip, whole = zlib.decompressobj(wbits=31), start, False
        for packed in self._raw(storage, 0, block_bytes):
            more = packed.lstrip(b"\0") if whole else packed
            while more:
                try:
                    text = unpack.decompress(more, block_bytes)
                    while text:
                        if text[skip:]:
                            yield text[skip:]
                        skip = max(0, skip - len(text))
                        text = b"" if unpack.eof else unpack.decompress(unpack.unconsumed_tail, block_bytes)
                except zlib.error as error:
                    raise InvalidManifest(f"{self.uri} is not a gzip file, or it is damaged") from error
                whole, more = unpack.eof, b""
                if whole:  # several gzip files may be joined, and zeros may follow
                    more = unpack.unused_data.lstrip(b"\0")
                    unpack = zlib.decompressobj(wbits=31)
        if not whole:
            raise InvalidManifest(f"{self.uri} ends in the middle of its compressed text")


def split_lines(blocks: Iterator[bytes]) -> Iterator[tuple[bytes | None, int]]:
    """Yield each line and its bytes with the line end. A line that is too long is not kept: None."""
    rest, dropped = b"", 0
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            length = dropped + len(line) + 1
            yield (line if length <= MAX_LINE else None), length
            dropped = 0
        if len(rest) > MAX_LINE:
            dropped, rest = dropped + len(rest), b""
        if dropped > MAX_SKIPPED:
            raise InvalidManifest(f"a line has more than {MAX_SKIPPED:,} bytes: this is not a manifest")
    if rest or dropped:
        length = dropped + len(rest)
        yield (rest if length <= MAX_LINE else None), length


def first_line(blocks: Iterator[bytes]) -> bytes | None:
    """Return the first line without its end, or None if it is too long. Reads little more than the longest line."""
    start = b""
    for block in blocks:
        start += block
        if b"\n" in start or len(start) > MAX_LINE:
            break
    line, _, _ = start.partition(b"\n")
    return line if len(line) < MAX_LINE else None


def decode_line(line: bytes, *, first: bool) -> str:
    return line.decode("utf-8-sig" if first else "utf-8").removesuffix("\r")
