"""One call's work on a batch: its state, what it may still begin, and how a single clip is settled."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import BoundedSemaphore, Lock

from service.errors import ObjectError, SourceUnavailable
from service.formats.failures import ContentInvalid, UnknownFormat
from service.imports.large import LargeCopies, OutOfTime, Stopped
from service.imports.rows import Facts, code_of, copied_row, row_for, settled_rows
from service.planning import (
    CANCELLED,
    CANCELLED_MESSAGE,
    STREAM_PART_BYTES,
    TOO_MANY_FAILURES,
    findable,
    too_many_failures,
)
from service.ports import ClipStore, Clock, JobStore, LargeCopyStore, ManyCopier, StateFiles, Storage
from service.schema import Batch, BatchState, ClipRow, ClipStatus, ContentValidation, Copied, ManifestEntry
from service.uris import parse_object

WATCH_SECONDS = 2.0
"""How soon a worker notices that its job was cancelled, or that its batch was counted without it."""


CHECKS_AT_ONCE = 16
"""Clips that one process looks into at once: each may hold two reads of 16 MiB (`formats.reader.MAX_READ_BYTES`)."""
_CHECKS = BoundedSemaphore(CHECKS_AT_ONCE)

Reason = ContentInvalid | ObjectError | OutOfTime | Stopped | UnknownFormat
"""Why a clip was not copied."""

Fate = ClipRow | SourceUnavailable | OutOfTime
"""A clip's row, or what kept it from having one now: a passing fault, or the end of the round."""

Unit = Callable[[], Sequence[Fate]]
"""Settles clips that one thread takes."""


@dataclass(frozen=True, kw_only=True)
class CopyPorts:
    jobs: JobStore
    clips: ClipStore
    state: StateFiles
    storage: Callable[[str], Storage]
    """Of a project: its sources are opened by its integrations."""
    large: LargeCopyStore
    clock: Clock
    copies_at_once: int
    """Of clips that take nothing but a copy."""
    threads: int
    """Clips in work that take more, and parts of large objects besides."""
    multipart_threshold: int
    """Objects above this many bytes are copied by parts; at most 5 GiB, the end of CopyObject."""
    part_bytes: int
    stream_part_bytes: int = STREAM_PART_BYTES
    """Of streamed copies; larger objects are copied by parts."""
    monotonic: Callable[[], float] = time.monotonic


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


class BatchRound:
    """One call's work on a batch: what it may still begin, and what it has done."""

    def __init__(
        self,
        batch: Batch,
        entries: Iterable[ManifestEntry],
        ports: CopyPorts,
        watch: "BatchWatch",
        out_of_time: Callable[[], bool],
        parts: ThreadPoolExecutor,
        known: Mapping[int, ClipRow],
    ) -> None:
        self.written = set(known)
        """Ordinals of the clips whose rows are in the table."""
        self.advances = 0
        """Parts copied and uploads completed."""
        self.known, self.watch, self.ports = known, watch, ports
        self.job_id, self.run = batch.job_id, batch.run
        state = watch()
        self.settings, self.storage = state.settings, ports.storage(state.project)
        self._out_of_time, self._begun, self._lock = out_of_time, False, Lock()
        # Ordinals of the batch's failed clips. What failed while planning counts before the first copy begins.
        self._failed = {entry.ordinal for entry in entries if entry.status is ClipStatus.FAILED}
        self.count_failures(known.values())
        self._large = LargeCopies(
            job_id=batch.job_id,
            storage=self.storage,
            uploads=ports.large,
            clock=ports.clock,
            part_bytes=ports.part_bytes,
            stream_part_bytes=ports.stream_part_bytes,
            pool=parts,
            check=self.begin,
            advanced=self._count_advance,
        )

    def units(self, entries: Iterable[ManifestEntry]) -> list[Unit]:
        """Clips without sets: those that go together, those that are settled, and each other one by itself."""
        together: dict[str | None, tuple[ManyCopier, list[ManifestEntry]]] = {}
        settled: list[ManifestEntry] = []
        alone: list[ManifestEntry] = []
        for entry in entries:
            if entry.ordinal in self.known or entry.status is not ClipStatus.PENDING:
                settled.append(entry)
            elif copier := self._many(entry):
                together.setdefault(entry.integration, (copier, []))[1].append(entry)
            else:
                alone.append(entry)
        return [
            *(partial(self._copy_together, copier, some) for copier, some in together.values()),
            *(partial(self._settle_each, some) for some in (settled, *([entry] for entry in alone)) if some),
        ]

    def _many(self, entry: ManifestEntry) -> ManyCopier | None:
        """What copies it with others; None where it takes more than a copy."""
        look = self.settings.content_validation is not ContentValidation.NONE
        return None if look or self.is_large(entry) else self.storage.many(entry)

    def _settle_each(self, entries: Sequence[ManifestEntry]) -> Sequence[Fate]:
        return [self.settle(entry) for entry in entries]

    def _copy_together(self, copier: ManyCopier, entries: Sequence[ManifestEntry]) -> Sequence[Fate]:
        fates: list[Fate] = []

        def settled(entry: ManifestEntry, outcome: Copied | Reason) -> None:
            if isinstance(outcome, Copied):
                fates.append(copied_row(entry, None, outcome))
                return
            fate = fate_of(entry, outcome)
            if isinstance(fate, ClipRow):
                self.count_failures([fate])
            fates.append(fate)

        def beginning() -> Iterator[ManifestEntry]:
            for entry in entries:
                try:
                    self.begin()
                except (OutOfTime, Stopped) as reason:
                    settled(entry, reason)
                else:
                    yield entry

        copier.copy_each(beginning(), self.settings, settled, at_once=self.ports.copies_at_once)
        return fates

    def settle(self, entry: ManifestEntry) -> Fate:
        """A large clip's row is in the table by then."""
        row = self.known.get(entry.ordinal)
        large = row is None and self.is_large(entry)
        if large:
            # A round may have ended between a long copy's row and the count, an earlier delivery anywhere.
            row = settled_rows(self.ports.clips, self.job_id, [entry]).get(entry.ordinal)
            if row:
                self.written.add(entry.ordinal)
        if row:
            return row
        fate = settle_clip(entry, work=self)
        if not isinstance(fate, ClipRow):
            return fate
        self.count_failures([fate])
        if large and not self.watch().recorded:
            self.put([fate])
            self.written.add(entry.ordinal)
            self.forget_upload(entry.ordinal)
        return fate

    def count_failures(self, rows: Iterable[ClipRow]) -> None:
        """For `settings.tolerated_failures`, until the batch is counted."""
        failed = {row.ordinal for row in rows if row.status is ClipStatus.FAILED}
        with self._lock:
            self._failed |= failed

    def forget_upload(self, ordinal: int) -> None:
        """Of a large clip that has its row."""
        self._large.settled(ordinal)

    def put(self, rows: Iterable[ClipRow]) -> None:
        self.ports.clips.put(self.job_id, self.findable(rows))

    def findable(self, rows: Iterable[ClipRow]) -> list[ClipRow]:
        state = self.watch()
        return [findable(row, job_id=self.job_id, project=state.project, created_at=state.created_at) for row in rows]

    def is_large(self, entry: ManifestEntry) -> bool:
        if entry.status is not ClipStatus.PENDING:
            return False
        streams = self.storage.streams(entry)
        return (entry.size or 0) > (self.ports.stream_part_bytes if streams else self.ports.multipart_threshold)

    def copy(self, entry: ManifestEntry, *, mark: str | None = None) -> Copied:
        """Raises as `LargeCopies.copy` does."""
        return (self._large if self.is_large(entry) else self.storage).copy(entry, self.settings, mark=mark)

    def check_stop(self) -> None:
        """Raises `Stopped` where the import is to copy nothing more."""
        state = self.watch()
        if state.cancel_requested or state.recorded:
            raise Stopped(CANCELLED, CANCELLED_MESSAGE)
        failed = state.failed + len(self._failed)
        reason = too_many_failures(self.settings.tolerated_failures, failed=failed, total=state.total)
        if reason:
            raise Stopped(TOO_MANY_FAILURES, f"the import stopped before this clip was copied: {reason}")

    def check(self) -> None:
        """Raises `Stopped` where nothing may begin any more, `OutOfTime` where nothing may in this round."""
        self.check_stop()
        if self._begun and self._out_of_time():
            raise OutOfTime

    def begin(self) -> bool:
        """Like `check`, and the round has begun: its first copy is let through whatever the time; True for that one."""
        with self._lock:
            self.check()
            first, self._begun = not self._begun, True
            return first

    def _count_advance(self) -> None:
        with self._lock:
            self.advances += 1


def settle_clip(entry: ManifestEntry, *, work: BatchRound) -> Fate:
    if entry.status is not ClipStatus.PENDING:
        return row_for(entry, entry.status, entry.code, entry.message)
    try:
        if work.is_large(entry):
            work.check()  # its parts begin one by one
        else:
            work.begin()
        facts = validate_content(entry, work.settings.content_validation, work.storage)
        return copied_row(entry, facts, work.copy(entry))
    except (ContentInvalid, ObjectError, OutOfTime, Stopped, UnknownFormat) as reason:
        return fate_of(entry, reason)


def fate_of(entry: ManifestEntry, reason: Reason) -> Fate:
    """Of a clip that was not copied."""
    if isinstance(reason, SourceUnavailable | OutOfTime):
        return reason
    if isinstance(reason, Stopped):
        return row_for(entry, ClipStatus.CANCELLED, reason.code, reason.message)
    return row_for(entry, ClipStatus.FAILED, code_of(reason), reason.message)


def validate_content(entry: ManifestEntry, depth: ContentValidation, storage: Storage) -> Facts:
    """Raises `ContentInvalid`, `UnknownFormat` or an `ObjectError`."""
    if depth is ContentValidation.NONE:
        return None
    # Here and not above: most imports look into no clip, and start faster without the parsers.
    from service.formats.check import Depth, check_clip

    with _CHECKS:
        verdict = check_clip(parse_object(entry.source_uri).key, storage.reader(entry), depth=Depth(depth))
    if verdict.failure:
        raise verdict.failure
    return verdict.facts.to_json()
