"""Look at the destinations while planning, so that an import copies only what is new.

A prefix whose destinations mirror its source keys needs no request for each clip: the sorted listings of source and
destinations are compared in one pass. All other clips are looked up one by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import ObjectMissing
from service.domain.fates import Fate
from service.domain.ids import source_mark
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.requests import OnExisting
from service.domain.uris import s3_at
from service.domain.verification import is_md5
from service.ports.objects import Objects

LONGEST_COPY_SECONDS = 900
"""Lambda's longest call, and so the longest copy. If a copy is not this much younger than its source, the source may
have been written again while it was copied."""


def fate_of(
    source: ListedObject, existing: ListedObject | None, on_existing: OnExisting, *, by_time: bool
) -> Fate | None:
    """Decide a clip's fate by the object at its destination; None if the clip must be copied.

    `by_time`: see `unchanged`.
    """
    if existing is None or on_existing is OnExisting.OVERWRITE:
        return None
    if on_existing is OnExisting.FAIL:
        return Fate(ClipStatus.FAILED, ClipCode.EXISTS, "an object is at the destination already")
    if unchanged(source, existing, by_time=by_time):
        return Fate(ClipStatus.SKIPPED, ClipCode.UNCHANGED, "the same clip is at the destination already")
    return None


def unchanged(source: ListedObject, existing: ListedObject, *, by_time: bool) -> bool:
    """Whether `existing` is a copy of `source`: by ETag, by the source that a HEAD of the copy shows, else, with
    `by_time`, by size and time like `aws s3 sync`.

    An object that was uploaded in parts gets another ETag when it is copied whole. So different ETags prove that the
    clips differ only if both are MD5s. Pass `by_time` only if no other source has this destination and `source` is the
    newest version: otherwise size and time prove nothing.
    """
    if source.etag == existing.etag:
        return True
    if existing.copied_from and existing.copied_from == source_mark(source.size, source.etag, source.version):
        return True
    if not by_time or (is_md5(source.etag) and is_md5(existing.etag)):
        return False
    if source.size != existing.size or source.modified is None or existing.modified is None:
        return False
    age = datetime.fromisoformat(existing.modified) - datetime.fromisoformat(source.modified)
    return age.total_seconds() > LONGEST_COPY_SECONDS


def settled_by(
    entry: ManifestEntry, found: ListedObject, existing: ListedObject | None, on_existing: OnExisting, *, by_time: bool
) -> ManifestEntry:
    """Return the clip with the ETag found at its destination, and with the fate that `fate_of` decides."""
    if existing is None:
        return entry
    seen = entry.with_destination_etag(existing.etag)
    return seen.with_fate(fate_of(found, existing, on_existing, by_time=by_time))


@dataclass
class Destinations:
    """Look up destinations in the order of their keys, by one listing of the clips bucket below `prefix`.

    Destinations that mirror their source keys all begin with `prefix`. Any other key takes a request of its own.
    """

    storage: Objects
    bucket: str
    prefix: str
    start_after: str
    _listed: Iterator[ListedObject] = field(init=False)
    _next: ListedObject | None = field(init=False)

    def __post_init__(self) -> None:
        pages = self.storage.list_pages(s3_at(self.bucket, self.prefix), start_after=self.start_after)
        self._listed = (item for page in pages for item in page)
        self._next = next(self._listed, None)

    def find(self, key: str) -> ListedObject | None:
        """Return the object at `key`. Keys that begin with `prefix` must come in ascending order."""
        if not key.startswith(self.prefix):
            return look_up(self.storage, self.bucket, key)
        while self._next is not None and self._next.key < key:
            self._next = next(self._listed, None)
        return self._next if self._next is not None and self._next.key == key else None


def look_up(storage: Objects, bucket: str, key: str) -> ListedObject | None:
    """Return the object at `key`, or None."""
    try:
        return storage.stat(s3_at(bucket, key))
    except ObjectMissing:
        return None
