"""Find clips by their ids below a prefix: objects, and members of the zips that lie there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from service.domain.clip_ids import ClipIds, clip_id_of
from service.domain.clip_names import is_no_clip
from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import MemberMissing, ObjectError, ZipUnreadable
from service.domain.fates import Fate
from service.domain.filters import Selection, selection
from service.domain.jobs import Job
from service.domain.manifest import ManifestEntry
from service.domain.members import MemberObject
from service.domain.objects import ListedObject
from service.domain.projects import Integration
from service.domain.rate_windows import unless_window
from service.domain.requests import Members
from service.domain.uris import Location
from service.imports.access.members import read_zip
from service.imports.access.reach import id_of, store_of
from service.imports.inputs.uri_list import requested_uris
from service.imports.planning.context import ExpandPorts, Part, PlanCursor
from service.imports.planning.duplicates import Ledger
from service.imports.planning.pin import destination_of, newest_alone, pin
from service.imports.planning.search import Chunk, Pinned, Search, search_parts


def clip_id_parts(job: Job, cursor: PlanCursor, ports: ExpandPorts) -> Iterator[Part]:
    return search_parts(lambda search: clip_chunks(search, requested_uris(job, ports.state)), job, cursor, ports)


def clip_chunks(search: Search, clip_ids: Sequence[str]) -> Iterator[Chunk]:
    """Yield the clips with these ids, then a failed line for each id that has none.

    A chunk has at most as many zips as are opened at once, so that a round can end after each.
    """
    job, location = search.job, search.job.source.location
    ids = ClipIds.parse(clip_ids, search.cursor.found)
    finder = _Finder(search, selection(job.filters, location.key, clip_ids=clip_ids))
    ledger = search.ledger() if job.settings.destination else Ledger()
    after = search.cursor.start_after
    for page in search.reach.list_pages(location, start_after=after):
        for looks, after in finder.slices(page):
            done = search.pool.map(lambda look: look(), looks)
            pinned = [clip for found in done for clip in finder.pinned(found, ids)]
            yield Chunk(search.settled(pinned, ledger), True, after, found=str(ids))
    lost = [finder.missing(clip_id, ids.unread_zips) for clip_id in ids.missing()]
    ids.find(clip_ids)  # so that the next round does not report them again
    yield Chunk(lost, False, after, found=str(ids))


def clips_at(at: Location, wanted: Selection) -> list[str]:
    """Return which of the wanted ids the object, or the member of a zip, belongs to, the nearest first."""
    if at.zip is None:
        return wanted.clips_of(at.key)
    return [one for one in [clip_id_of(at.member)] if one in (wanted.clip_ids or ())]


@dataclass(frozen=True)
class _Look:
    """The clips that a listed object gives the import: itself, or its members if it is a zip."""

    item: ListedObject
    clips: Sequence[ListedObject] = ()
    unread: Fate | None = None
    """Why the zip could not be opened."""


@dataclass(frozen=True)
class _Finder:
    search: Search
    wanted: Selection

    @cached_property
    def location(self) -> Location:
        return self.search.job.source.location

    @cached_property
    def opener(self) -> Integration | None:
        return self.search.reach.prefix_opener(self.location)

    def slices(self, page: Sequence[ListedObject]) -> Iterator[tuple[Sequence[Callable[[], _Look]], str]]:
        """Cut a page after every so many zips to open. Yield what to look at, and the key of the last object."""
        looks: list[Callable[[], _Look]] = []
        zips, last = 0, ""
        for item in page:
            if self._opens(item):
                looks.append(partial(self._look_into, item))
                zips += 1
            elif self._wants(item):
                looks.append(partial(self._look_at, item))
            if zips == self.search.ports.stat_concurrency:
                last = item.key
                yield looks, last
                looks, zips = [], 0
        if page and page[-1].key != last:
            yield looks, page[-1].key

    def _wants(self, item: ListedObject) -> bool:
        wanted = self.wanted.wants(item) and not is_no_clip(item.key, item.size)
        return wanted and bool(clips_at(self.location.at(item.key), self.wanted))

    def _look_at(self, item: ListedObject) -> _Look:
        return _Look(item, () if self._reads_like_a_member(item) else [item])

    def pinned(self, look: _Look, ids: ClipIds) -> Iterator[Pinned]:
        """Give the clips of a look their numbers, and note their ids."""
        opener = id_of(self.opener)
        if look.unread:
            ids.unread_zips += 1
            at, number = self.location.at(look.item.key), self.search.number()
            yield Pinned(pin(number, str(at), "", look.item, look.unread, integration=opener), None)
        for item in look.clips:
            job, at, number = self.search.job, self.location.at(item.key), self.search.number()
            clips = clips_at(at, self.wanted)
            ids.find(clips)
            destination, fate = destination_of(job, at, number, store=store_of(self.opener))
            entry = pin(number, str(at), destination, item, fate, integration=opener).of_clip(clips[0])
            yield Pinned(entry, item, by_time=newest_alone(job))

    def missing(self, clip_id: str, unread_zips: int) -> ManifestEntry:
        """Return the failed line of an id. Its URI is the place that the clip would have at the prefix."""
        where = "; it may be in one that could not be read" if unread_zips else ""
        filters = " that the filters accept" if self.search.job.filters else ""
        message = f"no object below the prefix, and no member of a zip there,{filters} has this clip id{where}"
        return ManifestEntry(
            ordinal=self.search.number(),
            source_uri=str(self.location.at(self.wanted.base + clip_id)),
            destination="",
        ).with_fate(Fate(ClipStatus.FAILED, ClipCode.NO_SUCH_CLIP, message))

    def _opens(self, item: ListedObject) -> bool:
        return (
            self.location.at(f"{item.key}!/").zip == self.location.at(item.key)
            and not isinstance(item, MemberObject)
            and not self.wanted.clips_of(item.key)
            and self.wanted.may_want_in(item)
        )

    def _look_into(self, item: ListedObject) -> _Look:
        at, storage = self.location.at(item.key), self.search.reach.storage
        by_clip = self.search.job.settings.members is Members.CLIPGT
        try:
            members = read_zip(at, item, storage, by_clip=by_clip, integration=id_of(self.opener))
        except ObjectError as error:
            return _Look(item, unread=Fate.failed(unless_window(error)))
        wanted = self.wanted
        mine = [member for member in members if clips_at(at.at(member.key), wanted)]
        return _Look(item, [one for one in mine if wanted.named_in(item.key, one.key) and wanted.fits(one)])

    def _reads_like_a_member(self, item: ListedObject) -> bool:
        """Whether the object's URI names a member of a zip beside it: then the member is meant."""
        at = self.location.at(item.key)
        if at.zip is None or isinstance(item, MemberObject):
            return False
        try:
            return isinstance(self.search.reach.look_at(at, id_of(self.opener)), MemberObject)
        except (MemberMissing, ZipUnreadable):
            return True
