"""Files that find the clips which planning skipped: they have no row, and so no place in an index (decision 92).

A file covers `FILE_CLIPS` clips with four bytes each, at the place of their ordinal: a hash of the clip id or of the
source URI, or zeros where a clip has a row. Two texts may have the same hash, so readers compare the clip itself.

Each planning call writes files of its own (`domain.manifest.Rounds`). One that continues a file of an earlier round
writes all of it, so the file of the latest round counts.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import get_args

from service.domain.batching import PART_CLIPS
from service.domain.clip_names import gt_clip_id
from service.domain.errors import NotFound
from service.domain.manifest import ManifestEntry, Rounds, tokens_of
from service.domain.state_keys import skipped_key
from service.ports.clips import ClipIndex
from service.ports.state import StateFiles, StateReader

_FILE_PARTS = 250
FILE_CLIPS = _FILE_PARTS * PART_CLIPS
"""Clips of a file, which then has 1 MB."""
_HASH = struct.Struct("<I")


def _hash(text: str) -> int:
    """Return a hash of 32 bits that is never 0."""
    return zlib.crc32(text.encode(errors="surrogatepass")) or 1


@dataclass
class SkippedFiles:
    """Writes the files part by part. Only the file in progress is in memory."""

    state: StateFiles
    job_id: str
    rounds: Rounds
    """The calls of the earlier rounds, and this one."""
    _number: int | None = None
    """The file in progress."""
    _hashes: dict[ClipIndex, bytearray] = field(default_factory=dict)

    def add(self, entries: Sequence[ManifestEntry]) -> None:
        """Add clips that planning skipped, in the order of their ordinals."""
        for entry in entries:
            number, place = divmod(entry.ordinal, FILE_CLIPS)
            if number != self._number:
                self.store()
                self._open(number, place)
            self._put("clip", place, gt_clip_id(entry.source_uri, None, entry.clip_id))
            self._put("url", place, entry.source_uri)

    def store(self) -> None:
        """Store the file in progress. The next round of planning continues it."""
        for index, hashes in self._hashes.items():
            assert self._number is not None
            self.state.put(skipped_key(self.job_id, index, self._number, self.rounds[-1][0]), bytes(hashes))

    def _open(self, number: int, place: int) -> None:
        """Continue the file, if an earlier round began it."""
        self._number = number
        begun_before = self.rounds[-1][1] > number * _FILE_PARTS
        for index in get_args(ClipIndex):
            earlier = _read(self.state, self.job_id, index, number, self.rounds[:-1]) if begun_before else b""
            # A file without a token may hold more than the earlier rounds: a repeated call of older code wrote it.
            self._hashes[index] = bytearray(earlier[: place * _HASH.size])

    def _put(self, index: ClipIndex, place: int, text: str) -> None:
        hashes = self._hashes[index]
        hashes += bytes(place * _HASH.size - len(hashes)) + _HASH.pack(_hash(text))


def files_of(total: int) -> int:
    """Return the number of files that an import of `total` clips may have."""
    return -(-total // FILE_CLIPS)


def possible_ordinals(
    state: StateReader, job_id: str, index: ClipIndex, number: int, rounds: Rounds, text: str, *, before: int
) -> Iterator[int]:
    """Yield the ordinals, highest first and below `before`, of clips in one file that may have this clip id or URI."""
    hashes, wanted, first = _read(state, job_id, index, number, rounds), _HASH.pack(_hash(text)), number * FILE_CLIPS
    end = max(0, before - first) * _HASH.size
    while (at := hashes.rfind(wanted, 0, end)) >= 0:
        if at % _HASH.size == 0:
            yield first + at // _HASH.size
        end = at + _HASH.size - 1


def _read(state: StateReader, job_id: str, index: ClipIndex, number: int, rounds: Rounds) -> bytes:
    """Return the file; nothing if none of its clips was skipped, or if it has expired."""
    first = number * _FILE_PARTS
    for token in tokens_of(rounds, first, first + _FILE_PARTS - 1):
        with suppress(NotFound):
            return state.get(skipped_key(job_id, index, number, token))
    return b""
