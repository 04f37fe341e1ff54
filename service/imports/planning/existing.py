"""Look at the destinations while planning, so that an import copies only what is new.

For a prefix, the sorted listings of source and destinations are compared in one pass, without a request for each clip.
Lists and uploads are looked up clip by clip.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import ObjectMissing
from service.domain.fates import Fate
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.requests import OnExisting
from service.domain.uris import s3_at
from service.ports.objects import Objects

LONGEST_COPY_SECONDS = 900
"""One request may copy for as long as a copy function lives (Lambda). A source that was written less than this before
its copy may have changed after the copy began."""

_MD5 = re.compile(r"[0-9a-f]{32}")


def fate_of(
    source: ListedObject, existing: ListedObject | None, on_existing: OnExisting, *, by_time: bool
) -> Fate | None:
    """The fate that the object at the destination gives a clip; None where it is to be copied.

    `by_time`: whether the destination belongs to this source alone, in its newest version (see `unchanged`).
    """
    if existing is None or on_existing is OnExisting.OVERWRITE:
        return None
    if on_existing is OnExisting.FAIL:
        return Fate(ClipStatus.FAILED, ClipCode.EXISTS, "an object lies at the destination already")
    if unchanged(source, existing, by_time=by_time):
        return Fate(ClipStatus.SKIPPED, ClipCode.UNCHANGED, "the same clip lies at the destination already")
    return None


def unchanged(source: ListedObject, existing: ListedObject, *, by_time: bool) -> bool:
    """Whether `existing` is a copy of `source`: by ETag, else, with `by_time`, by size and time like `aws s3 sync`.

    An object that was uploaded in parts gets another ETag when it is copied whole, so unequal ETags prove a difference
    only where both are MD5s. Size and time prove nothing where the destination may hold another source's copy, or
    where an older version of the source was asked for.
    """
    if source.etag == existing.etag:
        return True
    if not by_time or (_MD5.fullmatch(source.etag) and _MD5.fullmatch(existing.etag)):
        return False
    if source.size != existing.size or source.modified is None or existing.modified is None:
        return False
    age = datetime.fromisoformat(existing.modified) - datetime.fromisoformat(source.modified)
    return age.total_seconds() > LONGEST_COPY_SECONDS


def settled_by(
    entry: ManifestEntry, found: ListedObject, existing: ListedObject | None, on_existing: OnExisting, *, by_time: bool
) -> ManifestEntry:
    """The pinned clip with what planning found at its destination, and with the fate that this gives it."""
    if existing is None:
        return entry
    seen = replace(entry, destination_etag=existing.etag)
    return seen.with_fate(fate_of(found, existing, on_existing, by_time=by_time))


@dataclass
class Destinations:
    """Look destinations up in the order of their keys, by a listing of the clips bucket beside the source's.

    All mirrored destinations begin with `prefix`. A key outside of the listing is looked up by itself.
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
