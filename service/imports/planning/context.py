"""Ports of planning, the cursor that one round passes to the next, and parts of the manifest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.domain.batching import PART_CLIPS
from service.domain.jobs import Job
from service.domain.manifest import ManifestEntry, Rounds, as_rounds
from service.imports.access.reach import SourceAccess
from service.imports.manifest.store import ManifestWriter
from service.ports.clips import ClipStore
from service.ports.jobs import JobStore
from service.ports.objects import DropBucket, Objects, Restorer
from service.ports.state import Clock, StateFiles, StateReader
from service.ports.uploads import UploadLists


@dataclass(frozen=True, kw_only=True)
class ExpandPorts:
    """Ports that expand a source. They are read-only, so a preview has its own."""

    state: StateReader
    storage: Objects
    """Access to the clips bucket and the drop bucket."""
    uploads: UploadLists | None = None
    """Which uploads a job was made of; None in a preview, which is never of uploads."""
    clips: ClipStore | None = None
    """Clips of earlier imports; None in a preview, which is of no watch."""
    access: SourceAccess
    clips_bucket: str
    stat_concurrency: int
    part_clips: int = PART_CLIPS
    """Clips of a part; only a preview, which writes no manifest, may use another number."""


@dataclass(frozen=True, kw_only=True)
class PlanPorts(ExpandPorts):
    jobs: JobStore
    clips: ClipStore
    state: StateFiles
    uploads: UploadLists
    drop: DropBucket
    clock: Clock
    restorer: Callable[[str], Restorer]
    """Return what restores the sources of a project."""
    restore_wait_hours: int
    """How long an import waits for the restores that it requested."""
    max_clips: int
    batch_clips: int
    batch_bytes: int


@dataclass(frozen=True, kw_only=True)
class PlanCursor:
    """Where the next round continues."""

    round_number: int = 0
    ordinal: int = 0
    batches: int = 0
    start_after: str = ""
    """Last key of the prefix that was read."""
    read_to: str = ""
    """Place in a caller's manifest (`Place`)."""
    commits: Mapping[str, str] = field(default_factory=dict)
    """Commits of the datasets and models that earlier rounds read (`CommittedStorage`)."""
    found: str = ""
    """Which clip ids were found (`ClipIds`)."""
    searched: bool = False
    """In a retry: whether the missing clip ids were looked for again, as far as that is needed."""
    failed_before: int = 0
    """Clips in whole parts that failed their check in an earlier run of the watch."""
    carried: str = ""
    """State file of clips that were found but did not fill a part."""
    next_clip: int = 0
    """In a retry: the first ordinal that was not planned yet."""
    failed: int = 0
    cancelled: int = 0
    """In a retry: the former results of the clips in its manifest."""
    opened: int = 0
    """In a retry: parts of its manifest whose clips are pending again."""
    rounds: Rounds = ()
    """The calls that planned the earlier rounds."""


def cursor_of(stored: Mapping[str, Any]) -> PlanCursor:
    """Read a cursor from the JSON that the state machine passes on."""
    return PlanCursor(**{**stored, "rounds": as_rounds(stored.get("rounds", ()))})


@dataclass(frozen=True, kw_only=True)
class Planned:
    """Result of a round: a cursor if another round must follow, else the list of batches."""

    cursor: PlanCursor | None = None
    batches: int = 0
    batches_key: str = ""
    max_concurrency: int | None = None
    """Maximum concurrent copy functions, by the job's settings."""
    extrapolate: bool = False
    """Whether the job asks for stationary extrapolation."""
    wait_seconds: int | None = None
    """With a cursor: how long the next round waits, because a source asked for it."""
    failed: bool = False
    """Whether this round completed the job as FAILED."""


@dataclass(frozen=True)
class Part:
    """The next `PART_CLIPS` clips, or the last ones. Without clips: the part is not full yet, but a round may end."""

    entries: Sequence[ManifestEntry]
    rest: Sequence[ManifestEntry] = ()
    """Clips that were found after them."""
    start_after: str = ""
    read_to: str = ""
    found: str = ""
    sets: bool = False
    """Whether it holds whole sets, so that another part may follow whatever its length."""

    @property
    def may_end_a_round(self) -> bool:
        return self.sets or len(self.entries) in (0, PART_CLIPS)


def writer_at(cursor: PlanCursor, job: Job, ports: PlanPorts, *, manifest_run: int = 0) -> ManifestWriter:
    """Return a writer that continues where the last round stopped."""
    return ManifestWriter(
        ports.state,
        job.id,
        job.run,
        ports.batch_clips,
        ports.batch_bytes,
        ordinal=cursor.ordinal,
        failed_before=cursor.failed_before,
        batches=cursor.batches,
        round_number=cursor.round_number,
        manifest_run=manifest_run,
        settings=None if manifest_run else job.settings,
        rounds=cursor.rounds or (("", 0),) * cursor.round_number,  # a cursor of an older execution has none
    )
