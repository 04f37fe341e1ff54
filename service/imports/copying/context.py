"""What copying a batch works with: the ports of the process, and the objects of one call."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from service.domain.clips import ClipRow
from service.domain.errors import AccessDenied
from service.domain.ids import copy_mark
from service.domain.manifest import Batch, BatchState, ManifestEntry
from service.domain.multipart import STREAM_PART_BYTES
from service.domain.objects import Copied
from service.domain.requests import ImportSettings
from service.domain.search_keys import findable
from service.imports.copying.gate import Gate
from service.imports.copying.multipart import LargeCopies
from service.imports.copying.rows import RowWriter
from service.imports.copying.watch import BatchWatch, Watch
from service.ports.clips import ClipStore
from service.ports.jobs import JobStore
from service.ports.objects import ClipsBucket, Copier, Copiers, DropBucket, LargeCopyStore, Restorer
from service.ports.state import Clock, StateFiles


@dataclass(frozen=True, kw_only=True)
class CopyPorts:
    jobs: JobStore
    clips: ClipStore
    state: StateFiles
    copiers: Callable[[str], Copiers]
    """Return what copies the sources of a project."""
    restorer: Callable[[str], Restorer]
    """Return what requests restores at a project's sources."""
    bucket: ClipsBucket
    drop: DropBucket
    large: LargeCopyStore
    clock: Clock
    copies_at_once: int
    """Maximum concurrent plain server-side copies."""
    threads: int
    """Worker threads for validated, grouped, multipart or streamed clips; as many again copy parts."""
    multipart_threshold: int
    """The store copies larger objects by parts; at most 5 GiB, CopyObject's limit."""
    part_bytes: int
    stream_part_bytes: int = STREAM_PART_BYTES
    """Streamed objects larger than this go by parts."""
    watch: Callable[[Callable[[], BatchState]], Watch] = BatchWatch


@dataclass(frozen=True)
class Clip:
    """A clip to copy, and what copies it."""

    entry: ManifestEntry
    copier: Copier | AccessDenied
    """An error where the integration that opens its source is gone."""
    large: bool
    """Whether it goes by parts."""


@dataclass(frozen=True, kw_only=True)
class BatchWork:
    """One call's work on a batch."""

    batch: Batch
    ports: CopyPorts
    watch: Watch
    settings: ImportSettings
    copiers: Copiers
    gate: Gate
    rows: RowWriter
    large: LargeCopies
    earlier: bool
    """Whether copies of an earlier round or attempt may be there."""
    known: Mapping[int, ClipRow]
    """Rows of clips that an earlier call settled."""

    @property
    def job_id(self) -> str:
        return self.batch.job_id

    def clip(self, entry: ManifestEntry) -> Clip:
        """Resolve what copies the clip, once."""
        try:
            copier = self.copiers.copier_of(entry)
        except AccessDenied as gone:
            return Clip(entry, gone, large=False)
        limit = self.ports.stream_part_bytes if copier.streams else self.ports.multipart_threshold
        return Clip(entry, copier, large=(entry.size or 0) > limit)

    def mark_of(self, entry: ManifestEntry) -> str:
        return copy_mark(self.job_id, entry.ordinal, entry.group)

    def copy(self, clip: Clip) -> Copied:
        """Raises as `LargeCopies.copy` does."""
        if isinstance(clip.copier, AccessDenied):
            raise clip.copier
        mark = self.mark_of(clip.entry)
        if clip.large:
            return self.large.copy(clip.entry, clip.copier, self.settings, mark=mark)
        return clip.copier.copy(clip.entry, self.settings, mark=mark)


def write_rows(rows: Sequence[ClipRow], batch: Batch, ports: CopyPorts, watch: Watch) -> Sequence[ClipRow]:
    """Write the rows and return the row that each clip has now: another delivery, or completion, may have been faster.

    Empty where the batch was counted without this call, so that its rows do not count.
    """
    state = watch.state
    if state.recorded:
        return []
    return ports.clips.settle_each(batch.job_id, with_search_keys(rows, batch, state), run=batch.run)


def with_search_keys(rows: Sequence[ClipRow], batch: Batch, state: BatchState) -> list[ClipRow]:
    return [findable(row, job_id=batch.job_id, project=state.project, created_at=state.created_at) for row in rows]
