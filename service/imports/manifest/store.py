"""Write a job's manifest and batches part by part, and read them back by ordinal.

A part has the lines of the clips that can be copied at once, then of those that wait for a restore, then of those whose
result is the plan. So a batch is one range of bytes. It holds nothing but clips that copy functions work on, and all of
them wait for restores, or none.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace

from service.domain.batching import PART_CLIPS, batches_of, sets_of
from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import NotFound
from service.domain.manifest import Batch, ManifestEntry, Rounds, as_rounds, token_of
from service.domain.member_reads import neighbours_together
from service.domain.requests import ImportSettings
from service.domain.state_keys import batches_key, carried_key, part_key, run_plan_key
from service.imports.manifest.format import decode_batches, decode_entries, encode_batch, encode_entry
from service.imports.manifest.skipped import SkippedFiles
from service.ports.state import StateFiles, StateReader


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The plan of an attempt. The first one that is stored counts, whichever call wrote it."""

    total: int
    rounds: Rounds
    cut_short: bool = False
    failed: int = 0
    cancelled: int = 0
    """In a retry: the former results of its clips."""
    batches: int = 0
    skipped: int = 0
    """Clips that no batch holds: the plan is their result."""
    failed_before: int = 0
    """Clips that failed their check in an earlier run of the watch."""


@dataclass
class ManifestWriter:
    """Appends parts of `PART_CLIPS` entries. Only one round's batch descriptors are kept in memory."""

    state: StateFiles
    job_id: str
    run: int
    batch_clips: int
    batch_bytes: int
    ordinal: int = 0
    """Clips written so far, also in earlier rounds."""
    failed_before: int = 0
    """Clips among them that failed their check in an earlier run of the watch."""
    batches: int = 0
    round_number: int = 0
    manifest_run: int = 0
    """The attempt that the manifest belongs to. Pages of clips show that of attempt 0; a retry has its own."""
    settings: ImportSettings | None = None
    """The import's, if its plan settles clips (`ManifestEntry.is_settled`); None: each clip belongs to a batch."""
    rounds: Rounds = ()
    """The calls of the earlier rounds; this call adds its own."""
    token: str = field(default_factory=lambda: secrets.token_hex(4))

    def __post_init__(self) -> None:
        self.rounds = (*self.rounds, (self.token, -(-self.ordinal // PART_CLIPS)))
        self._descriptors: list[bytes] = []
        self._skipped = SkippedFiles(self.state, self.job_id, self.rounds)

    def write_part(self, entries: Sequence[ManifestEntry]) -> None:
        """Write the next entries. Every part but the last must be full (`PART_CLIPS`, `set_parts`)."""
        last = self.ordinal + len(entries) - 1
        assert not entries or last // PART_CLIPS > (self.ordinal - 1) // PART_CLIPS, "only the last part may be short"
        key = part_key(self.job_id, last // PART_CLIPS, self.manifest_run, self.token)
        self.ordinal += len(entries)
        self.failed_before += sum(entry.code == ClipCode.FAILED_BEFORE for entry in entries)
        settled = [entry for entry in entries if self.settings and entry.is_settled(self.settings)]
        if settled:
            ordinals = {entry.ordinal for entry in settled}
            entries = [entry for entry in entries if entry.ordinal not in ordinals]
            self._skipped.add(settled)
        entries = neighbours_together(entries)
        units = list(sets_of(entries))
        ready = [entry for unit in units if not any(map(_waits, unit)) for entry in unit]
        waiting = [entry for unit in units if any(map(_waits, unit)) for entry in unit]
        lines = [encode_entry(entry) for entry in (*ready, *waiting, *settled)]
        etag = self.state.put(key, b"".join(lines))
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line))
        for some, before in ((ready, 0), (waiting, len(ready))):
            for first, count in batches_of(some, max_clips=self.batch_clips, max_bytes=self.batch_bytes):
                start, end = starts[before + first], starts[before + first + count]
                batch = Batch(
                    job_id=self.job_id,
                    number=self.batches,
                    part_key=key,
                    part_etag=etag,
                    start=start,
                    length=end - start,
                    first=some[first].ordinal,
                    count=count,
                    run=self.run,
                    restore_hours=max(map(_waits, some[first : first + count])),
                )
                self._descriptors.append(encode_batch(batch))
                self.batches += 1

    def carry(self, entries: Sequence[ManifestEntry]) -> str:
        """Store clips that did not fill a part for the next round; return the key of the file, empty for none."""
        if not entries:
            return ""
        lines = b"".join(encode_entry(entry) for entry in entries)
        key = carried_key(self.job_id, self.round_number, hashlib.sha256(lines).hexdigest())
        self.state.put(key, lines)
        return key

    def end_round(self) -> None:
        """Store this round's descriptors and the files of its skipped clips."""
        self._skipped.store()
        key = batches_key(self.job_id, self.round_number, self.run, self.token)
        self.state.put(key, b"".join(self._descriptors))
        self._descriptors = []
        self.round_number += 1

    def end(self, *, cut_short: bool = False, failed: int = 0, cancelled: int = 0) -> Plan:
        """Store the plan, unless another call that planned the attempt stored one first; return the one that counts.

        `failed` and `cancelled` are those of the `Plan`.
        """
        self.end_round()
        own = Plan(
            total=self.ordinal,
            rounds=self.rounds,
            cut_short=cut_short,
            failed=failed,
            cancelled=cancelled,
            failed_before=self.failed_before,
        )
        stored = self.state.put_new(run_plan_key(self.job_id, self.run), json.dumps(asdict(own)).encode())
        return _with_batches(self.state, self.job_id, self.run, stored)


def _waits(entry: ManifestEntry) -> int:
    """Return the hours that the clip waits for its restore at most, as a rule; 0 if it waits for none."""
    return (entry.restore_hours or 0) if entry.status is ClipStatus.PENDING else 0


def stored_plan(state: StateFiles, job_id: str, run: int) -> Plan | None:
    """Return the plan of the attempt that counts; None if there is none yet. Its list of batches is in place then."""
    try:
        return _with_batches(state, job_id, run, state.get(run_plan_key(job_id, run)))
    except NotFound:
        return None


def _with_batches(state: StateFiles, job_id: str, run: int, stored: bytes) -> Plan:
    """Join the descriptors of the plan's rounds into the list that the map reads. Every call writes the same list."""
    said = json.loads(stored)
    if "clips" in said:  # older code planned this retry, and wrote its list before its plan
        return Plan(total=said.pop("clips"), rounds=(), **said)
    plan = replace(Plan(**said), rounds=as_rounds(said["rounds"]))
    keys = [batches_key(job_id, number, run, token) for number, (token, _) in enumerate(plan.rounds)]
    joined = b"".join(map(state.get, keys))
    state.put(batches_key(job_id, run=run), joined)
    batches = list(decode_batches(joined))
    return replace(plan, batches=len(batches), skipped=plan.total - sum(batch.count for batch in batches))


def read_carried(state: StateReader, key: str) -> list[ManifestEntry]:
    return decode_entries(state.get(key)) if key else []


def read_batches(state: StateFiles, job_id: str, run: int = 0) -> Iterator[Batch]:
    return decode_batches(state.get(batches_key(job_id, run=run)))


def read_batch(state: StateFiles, batch: Batch) -> list[ManifestEntry]:
    """Return the clips of a batch. Raises `SourceChanged` if the manifest is no longer the one that it was cut from."""
    lines = state.get_range(batch.part_key, start=batch.start, length=batch.length, etag=batch.part_etag)
    return decode_entries(lines)


def read_part(state: StateReader, job_id: str, part: int, rounds: Rounds, run: int = 0) -> list[ManifestEntry]:
    """Return the entries of one part by ordinal. Raises `NotFound`."""
    lines = state.get(part_key(job_id, part, run, token_of(rounds, part)))
    return sorted(decode_entries(lines), key=lambda entry: entry.ordinal)


def read_entries(state: StateReader, job_id: str, first: int, last: int, rounds: Rounds) -> list[ManifestEntry]:
    """Return the entries from ordinal `first` up to before `last`. Only the parts in between are read."""
    entries: list[ManifestEntry] = []
    part = first // PART_CLIPS
    # A set that runs over the end of a part lies in the next one.
    while (entries[-1].ordinal + 1 if entries else first) < last:
        entries += read_part(state, job_id, part, rounds)
        part += 1
    return [entry for entry in entries if first <= entry.ordinal < last]
