"""Copy one batch of clips, write each clip's fate, count the batch once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from service.errors import BatchIncomplete, ObjectError, SourceUnavailable
from service.imports.manifest import read_batch
from service.ports import ClipStore, Clock, JobStore, StateFiles, Storage
from service.schema import Batch, ClipRow, ClipStatus, ManifestEntry, Tally

CANCEL_CHECK_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class CopyPorts:
    jobs: JobStore
    clips: ClipStore
    state: StateFiles
    storage: Storage
    clock: Clock
    concurrency: int
    monotonic: Callable[[], float] = time.monotonic


def copy_batch(batch: Batch, *, attempt: int, ports: CopyPorts) -> Tally | None:
    """Settle every clip of the batch; None where an earlier delivery had done so.

    A clip's own failure is a row. Raises `BatchIncomplete` after writing the settled rows where a passing fault kept
    some clips from being settled; `attempt` (0 at first) tells that rows of an earlier attempt may exist.
    """
    if attempt and ports.jobs.is_recorded(batch.job_id, batch.number):
        return None
    entries = read_batch(ports.state, batch)
    known = ports.clips.get(batch.job_id, [entry.ordinal for entry in entries]) if attempt else {}
    cancel = CancelFlag(ports, batch.job_id)

    def settle(entry: ManifestEntry) -> ClipRow | SourceUnavailable:
        return known.get(entry.ordinal) or settle_clip(entry, cancelled=cancel(), storage=ports.storage)

    with ThreadPoolExecutor(ports.concurrency) as pool:
        fates = list(pool.map(settle, entries))
    rows = [fate for fate in fates if isinstance(fate, ClipRow)]
    ports.clips.put(batch.job_id, (row for row in rows if row.ordinal not in known))
    passing = [fate for fate in fates if isinstance(fate, SourceUnavailable)]
    if passing:
        raise BatchIncomplete(f"{len(passing)} of {batch.count} clips met a passing fault, first: {passing[0].message}")
    tally = tally_of(rows)
    return tally if ports.jobs.record_batch(batch.job_id, batch.number, tally, ports.clock()) else None


def settle_clip(entry: ManifestEntry, *, cancelled: bool, storage: Storage) -> ClipRow | SourceUnavailable:
    """The clip's row, or the passing fault that kept it from having one."""
    if entry.status is not ClipStatus.PENDING:
        return row_for(entry, entry.status, entry.code, entry.message)
    if cancelled:
        return row_for(entry, ClipStatus.CANCELLED, "CANCELLED", "the job was cancelled before this clip was copied")
    try:
        copied = storage.copy(entry)
    except SourceUnavailable as error:
        return error
    except ObjectError as error:
        return row_for(entry, ClipStatus.FAILED, error.code, error.message)
    return ClipRow(ordinal=entry.ordinal, status=ClipStatus.COPIED, size=copied.size, etag=copied.etag)


def row_for(entry: ManifestEntry, status: ClipStatus, code: str | None, message: str | None) -> ClipRow:
    """A row that says why a clip did not land; it repeats the manifest so that failures are listed without it."""
    return ClipRow(
        ordinal=entry.ordinal,
        status=status,
        size=entry.size,
        etag=entry.etag,
        code=code,
        message=message,
        source_uri=entry.source_uri,
        destination=entry.destination,
    )


def tally_of(rows: list[ClipRow]) -> Tally:
    fates = [row.status for row in rows]
    return Tally(
        copied=fates.count(ClipStatus.COPIED),
        skipped=fates.count(ClipStatus.SKIPPED),
        failed=fates.count(ClipStatus.FAILED),
        cancelled=fates.count(ClipStatus.CANCELLED),
        bytes=sum(row.size or 0 for row in rows if row.status is ClipStatus.COPIED),
    )


@dataclass
class CancelFlag:
    """The job's cancel flag, read again at most every `CANCEL_CHECK_SECONDS`. Once set it stays set."""

    ports: CopyPorts
    job_id: str
    _value: bool = False
    _read_at: float = field(default=float("-inf"))
    _lock: Lock = field(default_factory=Lock)

    def __call__(self) -> bool:
        with self._lock:
            now = self.ports.monotonic()
            if not self._value and now - self._read_at >= CANCEL_CHECK_SECONDS:
                self._value = self.ports.jobs.cancel_requested(self.job_id)
                self._read_at = now
            return self._value
