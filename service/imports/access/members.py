"""Plan members of zips as if they were objects: read each zip's directory once, and list what is in it."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock

from service.domain.errors import (
    MemberMissing,
    ObjectArchived,
    ObjectError,
    ObjectMissing,
    SourceUnavailable,
    ZipUnreadable,
)
from service.domain.manifest import ManifestEntry
from service.domain.members import MemberObject
from service.domain.objects import ListedObject
from service.domain.uris import MAX_KEY_BYTES, Location
from service.formats.reader import RangeReader
from service.ports.objects import SourceStorage
from service.support.parallel import Once

ZIPS_KEPT = 64
"""Directories in memory: at most 20,000 members each, usually some hundred. A list may name the members of as many
zips by turns."""
PAGE_MEMBERS = 1_000

_Members = Mapping[str, MemberObject]
"""By key, in UTF-8 binary order."""


@dataclass(frozen=True)
class MembersStorage:
    """A `SourceStorage` in which `path/of.zip!/member` is an object.

    If there is no such zip, the location is an object whose own name has a `!`.
    """

    storage: SourceStorage
    by_clip: bool = False
    """Whether the files of each clip id are one object, `{clip_id}.zip`."""
    _known: OrderedDict[object, Once["_Members | ObjectError"]] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def list_pages(
        self, at: Location, *, start_after: str = "", integration: str | None = None
    ) -> Iterator[Sequence[ListedObject]]:
        members = self._members(at, None, integration)
        if members is None:
            yield from self.storage.list_pages(at, start_after=start_after, integration=integration)
        else:
            yield from _pages(members, at, start_after)

    def list_as_of(
        self,
        at: Location,
        as_of: str,
        *,
        start_after: str = "",
        only: bool = False,
        integration: str | None = None,
    ) -> Iterator[Sequence[ListedObject]]:
        """Yield the members of the version of the zip that stood at the time."""
        zips = self.storage.list_as_of(at.zip, as_of, only=True, integration=integration) if at.zip else ()
        for stood in (one for page in zips for one in page):
            members = self._members(at, stood.version, integration) or {}
            if only:
                yield [members[at.key]] if at.key in members else []
            else:
                yield from _pages(members, at, start_after)
            return
        yield from self.storage.list_as_of(at, as_of, start_after=start_after, only=only, integration=integration)

    def stat(self, at: Location, *, version: str | None = None, integration: str | None = None) -> ListedObject:
        """`version` of a member is the zip's. Raises `MemberMissing`, `ZipUnreadable`."""
        members = self._members(at, version, integration)
        if members is None:
            return self.storage.stat(at, version=version, integration=integration)
        if at.key not in members:
            raise MemberMissing(self._missing(at), operation="inspect", uri=str(at))
        return members[at.key]

    def _missing(self, at: Location) -> str:
        if not at.member:
            return "name a member, or import all by root_path"
        return (
            "the zip has no such clip; its clips are named CLIP_ID.zip"
            if self.by_clip
            else "the zip has no such member"
        )

    def commit_of(self, at: Location, *, integration: str | None = None) -> str | None:
        return self.storage.commit_of(at, integration=integration)

    def reader(self, entry: ManifestEntry) -> RangeReader:
        return self.storage.reader(entry)

    def _members(self, at: Location, version: str | None, integration: str | None) -> _Members | None:
        """Return the members of the zip that the location names; None if it names none, or if there is no such zip."""
        if at.zip is None:
            return None
        key = (at.zip, version, integration)
        with self._lock:
            known = self._known.setdefault(key, Once(partial(self._read, at.zip, version, integration)))
            self._known.move_to_end(key)
            if len(self._known) > ZIPS_KEPT:
                self._known.popitem(last=False)
        found = known()
        if isinstance(found, ObjectMissing):
            return None
        if isinstance(found, ObjectError):
            raise found
        return found

    def _read(self, at: Location, version: str | None, integration: str | None) -> "_Members | ObjectError":
        """Read the zip. Return an error that another try would meet too, so that one request tells all members."""
        try:
            return self._listed(at, version, integration)
        except SourceUnavailable:
            raise
        except ObjectError as error:
            return error

    def _listed(self, at: Location, version: str | None, integration: str | None) -> _Members:
        found = self.storage.stat(at, version=version, integration=integration)
        pinned = replace(found, version=version or found.version)
        members = read_zip(at, pinned, self.storage, by_clip=self.by_clip, integration=integration)
        return {one.key: one for one in members}


def read_zip(
    at: Location, found: ListedObject, storage: SourceStorage, *, by_clip: bool, integration: str | None
) -> list[MemberObject]:
    """Read the directory of a zip that was listed or inspected, and list its members. Raises `ObjectError`s."""
    # Imported here: most imports meet no zips, and start faster without the parsers.
    from service.formats.failures import ContentInvalid, ContentUnchecked
    from service.formats.members import members_of

    if found.archive:
        message = f"the zip is archived ({found.archive}): restore the zip itself (s3:RestoreObject), then retry"
        raise ObjectArchived(message, operation="read the members of", uri=str(at))
    pinned = ManifestEntry(
        ordinal=0,
        source_uri=str(at),
        destination="",
        size=found.size,
        etag=found.etag,
        version=found.version,
        integration=integration,
    )
    try:
        members = members_of(found, storage.reader(pinned), by_clip=by_clip)
    except (ContentInvalid, ContentUnchecked) as error:
        raise ZipUnreadable(error.message, operation="read the members of", uri=str(at)) from error
    if any(len(one.key.encode()) - len(at.key.encode()) > MAX_KEY_BYTES for one in members):
        message = f"a member's name has more than {MAX_KEY_BYTES - 2:,} bytes"
        raise ZipUnreadable(message, operation="read the members of", uri=str(at))
    return members


def _pages(members: _Members, at: Location, start_after: str) -> Iterator[Sequence[ListedObject]]:
    after = start_after.encode()
    found = [one for key, one in members.items() if key.startswith(at.key) and key.encode() > after]
    for first in range(0, len(found), PAGE_MEMBERS):
        yield found[first : first + PAGE_MEMBERS]
