"""What lies at the destinations already, found while planning, so that an import copies only what it must.

A prefix is compared listing with listing, both sorted, in one pass: no request for a clip. Lists and uploads are
looked up clip by clip.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import ObjectMissing
from service.domain.fates import Fate
from service.domain.objects import ListedObject
from service.domain.requests import OnExisting
from service.domain.uris import s3_at
from service.ports.objects import Objects


def fate_of(source: ListedObject, existing: ListedObject | None, on_existing: OnExisting) -> Fate | None:
    """The fate that the object at the destination gives a clip; None where it is to be copied."""
    if existing is None or on_existing is OnExisting.OVERWRITE:
        return None
    if on_existing is OnExisting.FAIL:
        return Fate(ClipStatus.FAILED, ClipCode.EXISTS, "an object lies at the destination already")
    if unchanged(source, existing):
        return Fate(ClipStatus.SKIPPED, ClipCode.UNCHANGED, "the same clip lies at the destination already")
    return None


def unchanged(source: ListedObject, existing: ListedObject) -> bool:
    """Whether `existing` is a copy of `source`: by ETag, else by size and time, as `aws s3 sync` decides.

    An object that was uploaded in parts gets another ETag when it is copied whole. For those the copy must have the
    same size and be younger: a source that was written after it is copied again.
    """
    if source.etag == existing.etag:
        return True
    if source.modified is None or existing.modified is None:
        return False
    return source.size == existing.size and existing.modified > source.modified


@dataclass
class Destinations:
    """Looks destinations up in the order of their keys, reading the clips bucket's listing along with the source's.

    `prefix` is what all mirrored destinations begin with. A key outside the listing's reach is looked up by itself.
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
        """The object at `key`; keys that begin with `prefix` must come in ascending order."""
        if not key.startswith(self.prefix):
            return look_up(self.storage, self.bucket, key)
        while self._next is not None and self._next.key < key:
            self._next = next(self._listed, None)
        return self._next if self._next is not None and self._next.key == key else None


def look_up(storage: Objects, bucket: str, key: str) -> ListedObject | None:
    """The object at `key`, None where there is none."""
    try:
        return storage.stat(s3_at(bucket, key))
    except ObjectMissing:
        return None
