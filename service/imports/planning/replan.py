"""Look at the clips of a retry again: what the source holds now, and what is at the destination now.

Each kind of source has a strategy (`_STRATEGIES`): how it plans a clip that has a destination from its first planning,
and one that has none.
"""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace

from service.domain.batching import PART_CLIPS
from service.domain.clips import ClipRow, ClipStatus, Overruled
from service.domain.codes import ClipCode
from service.domain.errors import MemberMissing, NotFound, ObjectError
from service.domain.fates import CANCELLED, DESTINATION_TAKEN, SUPERSEDED, Fate
from service.domain.jobs import Job, SourceKind
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.rate_windows import unless_window
from service.imports.access.later_upload import later_upload
from service.imports.access.reach import Reach, id_of
from service.imports.manifest.store import read_part
from service.imports.planning.archived import may_restore
from service.imports.planning.clip_ids_again import Found, missing_id
from service.imports.planning.context import PlanPorts
from service.imports.planning.duplicates import destinations_of_others
from service.imports.planning.named import Planner, listed_uris, look_at_upload, uploaded_clips
from service.imports.planning.pin import Target, inspect, look_at_destination, opened, other_than_pinned, pin
from service.imports.planning.views import view_planner
from service.imports.results.set_fates import whole_sets_or_failed
from service.support.parallel import Once


@dataclass
class Replanner:
    """Plans the clips of one retry."""

    job: Job
    ports: PlanPorts
    found_again: Found = field(default_factory=dict)
    """Clips of missing clip ids."""
    reach: Reach = field(init=False)
    first_planner: Once[Planner] = field(init=False)
    """Plans single clips from the caller's request, as the first planning did."""

    def __post_init__(self) -> None:
        self.reach = self.ports.access.of(self.job)
        self.first_planner = Once(self._first_planner)
        self._taken = Once(self._destinations_of_others)

    def plan(self, rows: Sequence[ClipRow]) -> list[ManifestEntry]:
        """Entries for these clips, in their order."""
        self.job = self.ports.jobs.get(self.job.id) or self.job  # it may have been cancelled
        strategy, known = _STRATEGIES[self.job.source.kind], self._known(rows)
        with ThreadPoolExecutor(self.ports.stat_concurrency) as pool:
            planned = list(pool.map(lambda row: self._again(row, known.get(row.ordinal), strategy), rows))
        entries = [self._overruling(row, entry) for row, entry in zip(rows, planned, strict=True)]
        return whole_sets_or_failed(entries) if self.job.source.kind is SourceKind.SETS else entries

    def _again(self, row: ClipRow, entry: ManifestEntry | None, strategy: "_Strategy") -> ManifestEntry:
        if row.ordinal in self._taken():
            return (entry or _unknown(row)).with_fate(DESTINATION_TAKEN)
        planned = strategy.placed(self, entry) if entry and entry.destination else strategy.unplaced(self, row, entry)
        return planned.of_clip(row.clip_id) if row.clip_id else planned

    def _overruling(self, row: ClipRow, entry: ManifestEntry) -> ManifestEntry:
        """The entry, with the failed check where this run looks at the clip in another way."""
        assert self.job.retry is not None
        if self.job.retry.content_validation is None or not row.failed_check:
            return entry
        said = row.overruled or Overruled(code=row.code or "", message=row.message or "")
        return replace(entry, overruled=said)

    def _known(self, rows: Sequence[ClipRow]) -> dict[int, ManifestEntry]:
        """The clips as they were planned. Their rows tell enough of those that are inspected again and mirror sources:
        a few failures among a million clips do not take reading all of the manifest.
        """
        kind, told = self.job.source.kind, dict[int, ManifestEntry]()
        if kind is SourceKind.SETS:
            return told
        if kind.mirrored and not self._may_clash:
            told = {
                row.ordinal: ManifestEntry(ordinal=row.ordinal, source_uri=row.source_uri, destination=row.destination)
                for row in rows
                if row.source_uri and row.destination
            }
        return told | self._first_planned({row.ordinal for row in rows} - told.keys())

    def _first_planned(self, ordinals: Collection[int]) -> dict[int, ManifestEntry]:
        """The clips as the first manifest has them, without those that it has lost."""
        found: dict[int, ManifestEntry] = {}
        for part in sorted({ordinal // PART_CLIPS for ordinal in ordinals}):
            with suppress(NotFound):
                entries = read_part(self.ports.state, self.job.id, part, self.job.plan_rounds)
                found |= {entry.ordinal: entry for entry in entries if entry.ordinal in ordinals}
        return found

    @property
    def _may_clash(self) -> bool:
        """Whether two clips may ask for one destination: mirrored ones cannot, and sets see to it themselves."""
        kind = self.job.source.kind
        return kind is not SourceKind.SETS and (
            self.job.settings.destination is not None or kind is SourceKind.MANIFEST
        )

    def _destinations_of_others(self) -> Collection[int]:
        """Clips whose destination is another clip's."""
        return destinations_of_others(self.job, self.ports.state) if self._may_clash else ()

    def _first_planner(self) -> Planner:
        match self.job.source.kind:
            case SourceKind.SETS:
                return view_planner(self.job, self.ports)
            case SourceKind.LIST:
                return listed_uris(self.job, self.ports).plan
            case _:
                return uploaded_clips(self.job, self.ports).plan


# --- clips that have a destination -----------------------------------------------------------------------------------


def _inspect_again(again: Replanner, entry: ManifestEntry) -> ManifestEntry:
    """Import the object that the source holds now."""
    opener, refusal = opened(entry.location, again.reach)
    target = Target(entry.destination, None, id_of(opener), refusal)
    return inspect(entry.ordinal, entry.location, target, job=again.job, reach=again.reach, ports=again.ports)


def _upload_again(again: Replanner, entry: ManifestEntry) -> ManifestEntry:
    """An upload stays the one that its event named, by its version, even if the key was deleted since."""
    at = entry.location
    assert entry.size is not None
    assert entry.etag is not None
    upload = ListedObject(
        key=at.key,
        size=entry.size,
        etag=entry.etag,
        version=entry.version,
        archive_hidden=again.job.watch is not None,
    )
    fate = None
    if again.job.cancel_requested:
        fate = CANCELLED
    elif later_upload(entry, again.ports.drop):
        fate = SUPERSEDED
    pinned = replace(pin(entry.ordinal, entry.source_uri, entry.destination, upload, fate), upload=True)
    return look_at_destination(pinned, upload, again.job, again.ports, look_at_upload(again.ports))


def _line_again(again: Replanner, entry: ManifestEntry) -> ManifestEntry:
    """A clip of a caller's manifest stays the object that its line, or the first look at it, pinned."""
    if again.job.cancel_requested:
        return entry.with_fate(CANCELLED)
    at = entry.location
    opener, refusal = opened(at, again.reach)
    if refusal:
        return entry.with_fate(refusal)
    known = at.zip is None and not may_restore(again.job, at)
    if known and entry.size is not None and entry.etag is not None:
        found = ListedObject(key=at.key, size=entry.size, etag=entry.etag, version=entry.version)
    else:
        try:
            found = again.reach.storage.stat(at, version=entry.version, integration=id_of(opener))
        except ObjectError as error:
            return entry.with_fate(Fate.failed(unless_window(error)))
        if changed := other_than_pinned(entry.size, entry.etag, found):
            return entry.with_fate(changed)
    planned = pin(entry.ordinal, entry.source_uri, entry.destination, found, None, integration=id_of(opener))
    pinned = replace(planned, version=entry.version or found.version, checksum=entry.checksum)
    return look_at_destination(pinned, found, again.job, again.ports, again.reach.look_again)


# --- clips that have none --------------------------------------------------------------------------------------------


def _plan_first_again(again: Replanner, row: ClipRow, _entry: ManifestEntry | None) -> ManifestEntry:
    """The request still names the clip, so plan it as if for the first time."""
    return again.first_planner()(row.ordinal, again.job)


def _as_it_was(_again: Replanner, row: ClipRow, entry: ManifestEntry | None) -> ManifestEntry:
    """A malformed line or an impossible name stays so; without the manifest nothing tells what the clip was."""
    lost = Fate(ClipStatus.FAILED, ClipCode.MANIFEST_LOST, "its manifest is lost; import the source again")
    return entry or _unknown(row).with_fate(lost)


def _id_again(again: Replanner, row: ClipRow, entry: ManifestEntry | None) -> ManifestEntry:
    """Take the clip that a missing id has by now. One line has no room for several, nor for the clips of a zip."""
    if entry is None or entry.code in (ClipCode.INVALID_DESTINATION, ClipCode.INVALID_URI):
        return _as_it_was(again, row, entry)
    if again.job.cancel_requested:
        return entry.with_fate(CANCELLED)
    if entry.code != ClipCode.NO_SUCH_CLIP:
        return _zip_again(again, entry)
    found = again.found_again.get(missing_id(entry), ())
    if not found:
        return entry
    # A name by a template may depend on the clip's number, or be another clip's.
    if len(found) > 1 or again.job.settings.destination is not None:
        return entry.with_fate(_IMPORT_AGAIN)
    return replace(found[0], ordinal=row.ordinal)


def _zip_again(again: Replanner, entry: ManifestEntry) -> ManifestEntry:
    try:
        again.reach.look_at(entry.location.at(f"{entry.location.key}!/"), entry.integration)
    except MemberMissing:  # the zip can be read
        return entry.with_fate(_IMPORT_AGAIN)
    except ObjectError as error:
        return entry.with_fate(Fate.failed(unless_window(error)))
    return entry


_IMPORT_AGAIN = Fate(
    ClipStatus.FAILED,
    ClipCode.IMPORT_AGAIN,
    "it can be read now, but a retry adds no clips: import these clip ids again, which skips what was copied",
)


def _unknown(row: ClipRow) -> ManifestEntry:
    return ManifestEntry(ordinal=row.ordinal, source_uri=row.source_uri or "", destination="")


@dataclass(frozen=True)
class _Strategy:
    """How clips of one kind of source are planned again."""

    placed: Callable[[Replanner, ManifestEntry], ManifestEntry]
    """A clip that has a destination."""
    unplaced: Callable[[Replanner, ClipRow, ManifestEntry | None], ManifestEntry]
    """A clip that has none, or that the manifest lost."""


_STRATEGIES = {
    SourceKind.LIST: _Strategy(placed=_inspect_again, unplaced=_plan_first_again),
    SourceKind.PREFIX: _Strategy(placed=_inspect_again, unplaced=_as_it_was),
    SourceKind.UPLOAD: _Strategy(placed=_upload_again, unplaced=_plan_first_again),
    SourceKind.MANIFEST: _Strategy(placed=_line_again, unplaced=_as_it_was),
    SourceKind.CLIP_IDS: _Strategy(placed=_inspect_again, unplaced=_id_again),
    # Nothing of the first planning is read for sets, so all of their views count as unplaced.
    SourceKind.SETS: _Strategy(placed=_inspect_again, unplaced=_plan_first_again),
}
