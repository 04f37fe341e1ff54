"""Copy one batch of clips, write each clip's fate, count the batch once."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from threading import Lock

from service.errors import BatchIncomplete, ObjectError, SourceUnavailable
from service.formats.check import Depth, check_clip
from service.formats.failures import ContentInvalid, UnknownFormat
from service.imports.manifest import read_batch
from service.planning import CANCELLED, CANCELLED_MESSAGE, findable, parse_object_uri
from service.ports import ClipStore, Clock, JobStore, StateFiles, Storage
from service.schema import Batch, BatchState, ClipRow, ClipStatus, ContentValidation, ManifestEntry, Tally

WATCH_SECONDS = 2.0
"""How soon a worker notices that its job was cancelled, or that its batch was counted without it."""


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
    some clips from being settled; `attempt` above 0 tells that rows of an earlier attempt may exist.
    """
    watch = BatchWatch(ports, batch)
    if watch().recorded:
        return None
    entries = read_batch(ports.state, batch)
    known = settled_rows(ports.clips, batch.job_id, entries) if attempt else {}

    def settle(entry: ManifestEntry) -> ClipRow | SourceUnavailable:
        row = known.get(entry.ordinal)
        fate = row or settle_clip(entry, state=watch(), storage=ports.storage)
        if batch.run and isinstance(fate, ClipRow):
            # The manifest that pages of clips read may know an older destination, or none.
            return replace(fate, source_uri=entry.source_uri, destination=entry.destination)
        return fate

    with ThreadPoolExecutor(ports.concurrency) as pool:
        fates = list(pool.map(settle, entries))
    state, job_id = watch(), batch.job_id
    if state.recorded:
        return None
    rows = [fate for fate in fates if isinstance(fate, ClipRow)]
    new = (row for row in rows if row.ordinal not in known)
    ports.clips.put(
        job_id, (findable(row, job_id=job_id, project=state.project, created_at=state.created_at) for row in new)
    )
    passing = [fate for fate in fates if isinstance(fate, SourceUnavailable)]
    if passing:
        raise BatchIncomplete(f"{len(passing)} of {batch.count} clips met a passing fault, first: {passing[0].message}")
    tally = tally_of(rows)
    counted = ports.jobs.record_batch(batch.job_id, batch.number, tally, ports.clock(), run=batch.run)
    return tally if counted else None


def settled_rows(clips: ClipStore, job_id: str, entries: Sequence[ManifestEntry]) -> dict[int, ClipRow]:
    """Rows of the entries that have their fate; one that a retry runs again has a row and no fate."""
    rows = clips.get(job_id, [entry.ordinal for entry in entries])
    return {ordinal: row for ordinal, row in rows.items() if row.status is not ClipStatus.PENDING}


def settle_clip(entry: ManifestEntry, *, state: BatchState, storage: Storage) -> ClipRow | SourceUnavailable:
    """The clip's row, or the passing fault that kept it from having one."""
    if entry.status is not ClipStatus.PENDING:
        return row_for(entry, entry.status, entry.code, entry.message)
    if state.cancel_requested:
        return row_for(entry, ClipStatus.CANCELLED, CANCELLED, CANCELLED_MESSAGE)
    try:
        facts = validate_content(entry, state.settings.content_validation, storage)
        copied = storage.copy(entry, state.settings)
    except SourceUnavailable as error:
        return error
    except ContentInvalid as error:
        return row_for(entry, ClipStatus.FAILED, error.reason, error.message)
    except (ObjectError, UnknownFormat) as error:
        return row_for(entry, ClipStatus.FAILED, error.code, error.message)
    return ClipRow(
        ordinal=entry.ordinal,
        status=ClipStatus.COPIED,
        size=copied.size,
        etag=copied.etag,
        verified=copied.verified,
        facts=facts,
        source_uri=entry.source_uri,
        destination=entry.destination,
    )


def validate_content(entry: ManifestEntry, depth: ContentValidation, storage: Storage) -> dict[str, object] | None:
    """Facts about a valid clip; None where the job does not ask. Raises `ContentInvalid` or `UnknownFormat`."""
    if depth is ContentValidation.NONE:
        return None
    facts = check_clip(parse_object_uri(entry.source_uri).key, storage.reader(entry), depth=Depth(depth))
    return {name: value for name, value in asdict(facts).items() if value is not None}


def row_for(entry: ManifestEntry, status: ClipStatus, code: str | None, message: str | None) -> ClipRow:
    """A row that says why a clip did not land."""
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
class BatchWatch:
    """The batch's state, read again when it is older than `WATCH_SECONDS`."""

    ports: CopyPorts
    batch: Batch
    _state: BatchState | None = None
    _read_at: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def __call__(self) -> BatchState:
        with self._lock:
            now = self.ports.monotonic()
            if self._state is None or now - self._read_at >= WATCH_SECONDS:
                self._state = self.ports.jobs.batch_state(self.batch.job_id, self.batch.number, run=self.batch.run)
                self._read_at = now
            return self._state
