"""Read sources while a caller waits, and stop when the time is up."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Lock

from service.domain.clip_names import is_no_clip
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.uris import Location
from service.formats.reader import RangeReader
from service.ports.objects import SourceStorage
from service.support.stops import OutOfTime

SETTLE_SECONDS = 2.0
"""Extra time to look up destinations in the clips bucket for the objects that were found in time."""
LAST_SECONDS = 5.0
"""Extra time after which the answer is sent even if requests are still running. With the longest preview (20 s) this
stays below API Gateway's timeout of 29 s."""


@dataclass
class HurriedStorage:
    """Counts the requests to `storage`, and sends no more after `seconds`.

    A listing then ends early, so that the objects found so far are kept; every other call raises `OutOfTime`.
    """

    storage: SourceStorage
    clips_bucket: str
    seconds: float
    monotonic: Callable[[], float] = time.monotonic
    cut: bool = False
    """Whether a listing was ended early."""
    lists: int = 0
    heads: int = 0
    no_clips: int = 0
    """Objects in listings of sources that tools left beside clips (`is_no_clip`)."""
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._deadline = self.monotonic() + self.seconds

    def list_pages(
        self, at: Location, *, start_after: str = "", integration: str | None = None
    ) -> Iterator[Sequence[ListedObject]]:
        return self._hurried(at, self.storage.list_pages(at, start_after=start_after, integration=integration))

    def list_as_of(
        self,
        at: Location,
        as_of: str,
        *,
        start_after: str = "",
        only: bool = False,
        integration: str | None = None,
    ) -> Iterator[Sequence[ListedObject]]:
        if only and self._is_late(at):
            raise OutOfTime
        pages = self.storage.list_as_of(at, as_of, start_after=start_after, only=only, integration=integration)
        return self._hurried(at, pages)

    def _hurried(self, at: Location, pages: Iterator[Sequence[ListedObject]]) -> Iterator[Sequence[ListedObject]]:
        while True:
            if self._is_late(at):
                if self._is_clips_bucket(at):
                    raise OutOfTime
                self.cut = True
                return
            self.lists += 1
            page = next(pages, None)
            if page is None:
                self.lists -= 1
                return
            if not self._is_clips_bucket(at):
                self.no_clips += sum(is_no_clip(item.key, item.size) for item in page)
            yield page

    def stat(self, at: Location, *, version: str | None = None, integration: str | None = None) -> ListedObject:
        if self._is_late(at):
            raise OutOfTime
        with self._lock:
            self.heads += 1
        return self.storage.stat(at, version=version, integration=integration)

    def commit_of(self, at: Location, *, integration: str | None = None) -> str | None:
        self.check()
        return self.storage.commit_of(at, integration=integration)

    def reader(self, entry: ManifestEntry) -> "HurriedReader":
        return HurriedReader(self, self.storage.reader(entry))

    def check(self) -> None:
        """Raises `OutOfTime`."""
        if self._is_late(None):
            raise OutOfTime

    def _is_late(self, at: Location | None) -> bool:
        extra = SETTLE_SECONDS if at and self._is_clips_bucket(at) else 0.0
        return self.monotonic() > self._deadline + extra

    def _is_clips_bucket(self, at: Location) -> bool:
        return at.scheme == "s3" and at.bucket == self.clips_bucket


@dataclass(frozen=True)
class HurriedReader:
    storage: HurriedStorage
    reader: RangeReader

    @property
    def size(self) -> int:
        return self.reader.size

    def read(self, start: int, length: int) -> bytes:
        self.storage.check()
        return self.reader.read(start, length)


def done_within(seconds: float, work: Callable[[], None]) -> bool:
    """Run `work`, which checks `seconds` itself, and wait up to `LAST_SECONDS` more. False if it still runs then.

    A call that hangs keeps its thread until its client's timeout ends it.
    """
    pool = ThreadPoolExecutor(1)
    outcome = pool.submit(work)
    pool.shutdown(wait=False)
    if not wait([outcome], timeout=seconds + LAST_SECONDS).done:
        return False
    outcome.result()
    return True
