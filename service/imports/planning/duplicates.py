"""Find repeated sources and clashing destinations among a million clips, over all rounds, in little memory."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from service.domain.batching import PART_CLIPS
from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import InvalidUri, NotFound
from service.domain.fates import DESTINATION_TAKEN
from service.domain.jobs import Job, SourceKind
from service.domain.manifest import ManifestEntry, Rounds
from service.imports.manifest.store import read_entries, read_part
from service.imports.planning.pin import destination_of
from service.ports.state import StateReader

_WIDTH = 12
"""Bytes of a hash: two of ten million texts have the same one with a probability below 10^-15."""
_EMPTY = bytes(_WIDTH)


class Seen:
    """A set of texts, stored as hashes in one block: 16 to 32 bytes a text, where Python's set takes 200."""

    def __init__(self) -> None:
        self._slots, self._used = 1 << 12, 0
        self._table = bytearray(self._slots * _WIDTH)

    def add(self, text: str) -> bool:
        """Add the text; return False if it was there."""
        digest = _digest(text)
        at = self._find(digest)
        if self._table[at : at + _WIDTH] == digest:
            return False
        self._table[at : at + _WIDTH] = digest
        self._used += 1
        if self._used > self._slots * 3 // 4:
            self._grow()
        return True

    def __contains__(self, text: str) -> bool:
        digest = _digest(text)
        at = self._find(digest)
        return self._table[at : at + _WIDTH] == digest

    def _find(self, digest: bytes) -> int:
        """Return the place of the hash, or a free place for it."""
        slot = int.from_bytes(digest[:6], "big") % self._slots
        while self._table[slot * _WIDTH : (slot + 1) * _WIDTH] not in (_EMPTY, digest):
            slot = (slot + 1) % self._slots
        return slot * _WIDTH

    def _grow(self) -> None:
        old, self._slots = self._table, self._slots * 2
        self._table = bytearray(self._slots * _WIDTH)
        for start in range(0, len(old), _WIDTH):
            digest = bytes(old[start : start + _WIDTH])
            if digest != _EMPTY:
                at = self._find(digest)
                self._table[at : at + _WIDTH] = digest


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=_WIDTH).digest()


@dataclass(frozen=True)
class Ledger:
    """The sources and destinations of a job's clips so far, in the order of the clips."""

    sources: Seen = field(default_factory=Seen)
    destinations: Seen = field(default_factory=Seen)

    @classmethod
    def of(
        cls, job_id: str, ordinal: int, rounds: Rounds, carried: Iterable[ManifestEntry], state: StateReader
    ) -> "Ledger":
        """Rebuild it after the first `ordinal` clips, which earlier rounds planned, and the carried ones."""
        ledger = cls()
        for entry in (*_written(job_id, ordinal, rounds, state), *carried):
            if entry.code not in (ClipCode.DUPLICATE, ClipCode.INVALID_LINE):
                ledger.first_of(entry.source_uri, entry.version)
            if occupies(entry):
                ledger.destinations.add(entry.destination)
        return ledger

    def first_of(self, uri: str, version: str | None) -> bool:
        """Record a source; return whether no earlier clip had it."""
        return self.sources.add(f"{version or ''}\0{uri}")

    def settled(self, entry: ManifestEntry) -> ManifestEntry:
        """Record the clip's destination; return the clip, failed if an earlier clip has the same one."""
        if not occupies(entry) or self.destinations.add(entry.destination):
            return entry
        return entry.with_fate(DESTINATION_TAKEN)


def _written(job_id: str, ordinal: int, rounds: Rounds, state: StateReader) -> Iterator[ManifestEntry]:
    for first in range(0, ordinal, PART_CLIPS):
        yield from read_entries(state, job_id, first, first + PART_CLIPS, rounds)


def occupies(entry: ManifestEntry) -> bool:
    """Whether the plan gives the destination to this clip."""
    return entry.status is ClipStatus.PENDING or entry.code == ClipCode.UNCHANGED


def destinations_of_others(job: Job, state: StateReader) -> set[int]:
    """Return the ordinals of clips whose destination belongs to another clip: the one to copy there, else the first.

    Only the first manifest decides, so every attempt gives the same answer. Reads it twice.
    """
    owned, others = Seen(), set()
    for owners in (True, False):
        for entry in _entries(job, state):
            if entry.status is ClipStatus.SKIPPED and not occupies(entry):
                continue
            destination = entry.destination
            if not destination and entry.source_uri and job.source.kind is not SourceKind.MANIFEST:
                with suppress(InvalidUri):
                    destination, _ = destination_of(job, entry.location, entry.ordinal)
            if destination and occupies(entry) is owners and not owned.add(destination):
                others.add(entry.ordinal)
    return others


def _entries(job: Job, state: StateReader) -> Iterator[ManifestEntry]:
    for part in range(-(-job.counts.total // PART_CLIPS)):
        with suppress(NotFound):
            yield from read_part(state, job.id, part, job.plan_rounds)
