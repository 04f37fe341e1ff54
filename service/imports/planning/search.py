"""Search a prefix or a caller's manifest for clips, from wherever the last round stopped, and cut them into parts."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

from service.domain.jobs import Job
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.imports.access.reach import Reach
from service.imports.manifest.store import read_carried
from service.imports.planning.archived import must_look, unless_archived
from service.imports.planning.context import ExpandPorts, Part, PlanCursor
from service.imports.planning.duplicates import Ledger
from service.imports.planning.failed_before import Known, failed_before, left_if_broken
from service.imports.planning.pin import look_at_destination


@dataclass(frozen=True)
class Chunk:
    """Clips as they are found, and where the search goes on."""

    entries: Sequence[ManifestEntry]
    more: bool
    start_after: str = ""
    read_to: str = ""
    found: str = ""


@dataclass(frozen=True)
class Pinned:
    """A clip, and the object that it was pinned to, if any."""

    entry: ManifestEntry
    found: ListedObject | None
    by_time: bool = False
    """Whether its destination belongs to this source alone, in its newest version."""


@dataclass
class Search:
    """One round's search: it numbers the clips that it finds and looks up what lies at their destinations."""

    job: Job
    cursor: PlanCursor
    ports: ExpandPorts
    pool: Executor
    carried: Sequence[ManifestEntry]
    reach: Reach = field(init=False)
    _next: int = field(init=False)

    def __post_init__(self) -> None:
        self.reach = self.ports.access.of(self.job)
        self._next = self.cursor.ordinal + len(self.carried)

    @cached_property
    def failed_before(self) -> Known:
        return failed_before(self.job, self.ports)

    def number(self) -> int:
        """The ordinal of the next clip."""
        self._next += 1
        return self._next - 1

    def ledger(self) -> Ledger:
        """Sources and destinations of the clips that were found before."""
        return Ledger.of(self.job.id, self.cursor.ordinal, self.cursor.rounds, self.carried, self.ports.state)

    def settled(self, clips: Sequence[Pinned], ledger: Ledger) -> list[ManifestEntry]:
        """Give each clip the fate that its destination decides; no two clips get one destination."""
        return [ledger.settled(left_if_broken(entry, self.failed_before)) for entry in self.looked_at(clips)]

    def looked_at(self, clips: Sequence[Pinned]) -> Iterator[ManifestEntry]:
        """Inspect each clip's destination, which decides its fate."""
        return self.pool.map(self._look, clips)

    def _look(self, clip: Pinned) -> ManifestEntry:
        if clip.found is None:
            return clip.entry
        look = self.reach.look_again
        return look_at_destination(clip.entry, clip.found, self.job, self.ports, look, by_time=clip.by_time)

    def by_archive(self, clips: Sequence[tuple[ManifestEntry, ListedObject]]) -> list[ManifestEntry]:
        """Let the archives of their sources decide over clips. Only hidden archives take requests."""

        def decided(clip: tuple[ManifestEntry, ListedObject]) -> ManifestEntry:
            return unless_archived(clip[0], clip[1], self.job, self.reach.look_again)

        looked = self.pool.map(decided, [clip for clip in clips if must_look(*clip, self.job)])
        return [next(looked) if must_look(*clip, self.job) else decided(clip) for clip in clips]


def search_parts(
    chunks: Callable[[Search], Iterator[Chunk]], job: Job, cursor: PlanCursor, ports: ExpandPorts
) -> Iterator[Part]:
    """Chunks of clips as parts. Filters may let few clips through, or none, so a round can end between whole parts."""
    carried = read_carried(ports.state, cursor.carried)
    with ThreadPoolExecutor(ports.stat_concurrency) as pool:
        rest = carried
        for chunk in chunks(Search(job, cursor, ports, pool, carried)):
            rest = [*rest, *chunk.entries]
            whole = len(rest) >= ports.part_clips
            while len(rest) >= ports.part_clips:
                entries, rest = rest[: ports.part_clips], rest[ports.part_clips :]
                yield Part(entries, rest, chunk.start_after, chunk.read_to, chunk.found)
            if chunk.more and not whole:
                yield Part((), rest, chunk.start_after, chunk.read_to, chunk.found)
        if rest:
            yield Part(rest)
