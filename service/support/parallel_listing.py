"""List a prefix faster than page by page: in concurrent ranges of keys, in order, with bounded memory (decision 63).

A range ends where the next one begins. The boundary only decides how long the two are: keys are cut at it, so every
object is listed once, wherever it lies. Python sorts text like UTF-8, which is S3's order.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from statistics import median_low
from threading import Condition, Thread, current_thread

from service.domain.objects import ListedObject
from service.domain.uris import MAX_KEY_BYTES

WIDEST_STEP = 16
"""Maximum step of one character, in code points; a longer range steps the character before it."""
_LAST_CHARACTER = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)
_KEY = attrgetter("key")


@dataclass(frozen=True)
class Page:
    """Objects by key, and whether more follow. If there are no objects, no more follow."""

    objects: Sequence[ListedObject]
    more: bool


Fetch = Callable[[str], Page]
"""Returns the first page after a key ("": the first of all). Thread-safe."""


def first_with_objects(pages: Iterator[Page]) -> Page:
    """Return the first page that has objects, or the last one: stores may answer empty pages before others."""
    return next(page for page in pages if page.objects or not page.more)


@dataclass(frozen=True)
class Sharding:
    first_pages: int = 10
    """Pages read one after the other first, so that small listings cost no more requests."""
    workers: int = 8
    """Concurrent requests, and ranges ahead of the reader. S3 accepts 5,500 a second below one prefix."""
    fewest_pages: int = 4
    most_pages: int = 10
    """Target pages of a range. A shorter one is not worth its additional request; a longer one is split again."""
    buffered_pages: int = 14
    """Maximum pages that a range buffers before it waits for its reader. A page takes at most 0.35 MB, if keys have
    some 30 characters."""

    @property
    def most_ranges(self) -> int:
        """A range behind the first one that turns out large is split even if all `workers` ranges exist."""
        return 2 * self.workers


def pages_of(
    fetch: Fetch, *, start_after: str = "", sharding: Sharding = Sharding()
) -> Iterator[Sequence[ListedObject]]:
    """Yield all pages after a key, in order; one page without objects if there are none.

    An error of `fetch` is raised after all pages before it. If closed early, it sends no more requests and ends when
    the running ones are answered.
    """
    ends: list[str] = []
    for _ in range(sharding.first_pages):
        page = fetch(start_after)
        yield page.objects
        if not page.more:
            return
        start_after = page.objects[-1].key
        ends.append(start_after)
    ranges = _Ranges(fetch, sharding, ends)
    try:
        yield from ranges.pages()
    finally:
        ranges.close()


@dataclass(frozen=True, eq=False)
class Ruler:
    """Length of the next range: the character at `depth` (from 1) changes by `step`."""

    depth: int
    step: int = 1

    @classmethod
    def of(cls, ends: Sequence[str]) -> "Ruler":
        """Return a ruler of about a page's length, from the last keys of successive pages."""
        shared = [_shared(key, following) for key, following in pairwise(ends)]
        return cls(median_low(shared) + 1 if shared else len(ends[-1]), 4)

    def after(self, key: str) -> str | None:
        """Return a key after `key`, None if there is none."""
        at = min(self.depth, len(key)) - 1
        point = ord(key[at]) + self.step
        if point in _SURROGATES:
            point = _SURROGATES.stop
        if point > _LAST_CHARACTER:
            return None
        found = key[:at] + chr(point)
        return found if len(found.encode()) <= MAX_KEY_BYTES else None

    def wider(self, changed: int) -> "Ruler":
        """Return a wider ruler. `changed`: the position of the character that changed at the next range's beginning."""
        if changed < self.depth:
            return Ruler(changed)
        if self.step < WIDEST_STEP or self.depth == 1:
            return Ruler(self.depth, min(WIDEST_STEP, 2 * self.step))
        return Ruler(self.depth - 1)

    def narrower(self) -> "Ruler":
        return Ruler(self.depth, self.step // 2) if self.step > 1 else Ruler(self.depth + 1, WIDEST_STEP // 2)


def _shared(one: str, other: str) -> int:
    """Return the length of the common prefix."""
    for at, (mine, its) in enumerate(zip(one, other, strict=False)):
        if mine != its:
            return at
    return min(len(one), len(other))


@dataclass(eq=False)
class _Range:
    """Keys after `last`, not listed yet, up to and including `until` (None: to the end)."""

    last: str
    until: str | None
    can_be_cut: bool
    """Whether its length is unknown; otherwise a ruler chose it, until it proves longer."""
    ends: deque[str]
    """Last keys of its pages so far, and of those before it."""
    ruler: Ruler | None = None
    """The ruler that chose its end."""
    pages: deque[Sequence[ListedObject]] = field(default_factory=deque)
    listed: int = 0
    """Pages since its end was set."""
    changed: int = 0
    """Position (from 1) of the character that changes where the next range begins."""
    asked: bool = False
    being_cut: bool = False
    done: bool = False
    error: Exception | None = None

    def add(self, page: Page) -> None:
        objects, more = page.objects, page.more
        if self.until is not None and objects and objects[-1].key >= self.until:
            objects, more = objects[: bisect_right(objects, self.until, key=_KEY)], False
        if objects:
            self.pages.append(objects)
            self.last = objects[-1].key
            self.ends.append(self.last)
        self.listed += 1
        self.done = not more


class _Ranges:
    """The ranges ahead of the reader. `workers` threads list each of them a page at a time, the first range first.

    A thread without a page to request splits the first range that can be split. Its request for the beginning of the
    new range also returns that range's first page. One ruler for all ranges guesses the boundaries; it becomes wider or
    narrower by the lengths of the ranges that it made.
    """

    def __init__(self, fetch: Fetch, sharding: Sharding, ends: Sequence[str]) -> None:
        self._fetch, self._sharding = fetch, sharding
        self._ruler = Ruler.of(ends)
        known = deque(ends, maxlen=sharding.most_pages + 1)
        self._ranges = [_Range(ends[-1], None, can_be_cut=True, ends=known)]
        self._listed, self._cuts = len(ends), 0
        self._being_cut = 0
        self._short = 0
        """Position of the character that changed behind this ruler's last range if that was too short, else 0."""
        self._stopped = False
        self._fault: BaseException | None = None
        """An error of this code itself. Without its threads the reader would wait for ever."""
        self._changed = Condition()
        self._reader: Thread | None = None
        # The threads refer to this object, but not to the reading generator: so a dropped generator is closed.
        self._threads = [Thread(target=self._work, name=f"list-{n}", daemon=True) for n in range(sharding.workers)]

    def pages(self) -> Iterator[Sequence[ListedObject]]:
        self._reader = current_thread()
        for thread in self._threads:
            thread.start()
        while self._ranges:
            first = self._ranges[0]
            with self._changed:
                self._changed.wait_for(lambda first=first: first.pages or first.done or self._fault)  # type: ignore[misc]
                if self._fault:
                    raise self._fault
                page = first.pages.popleft() if first.pages else None
                if page is None:
                    if first.error:
                        raise first.error
                    self._ranges.pop(0)
                self._changed.notify_all()
            if page:
                yield page

    def close(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if current_thread() is not self._reader:
            return  # called by the garbage collector, in any thread: these threads may wait for that one
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _work(self) -> None:
        try:
            self._list()
        except BaseException as error:  # noqa: BLE001  # the reader raises it
            with self._changed:
                self._fault, self._stopped = error, True
                self._changed.notify_all()

    def _list(self) -> None:
        while True:
            with self._changed:
                task = self._task()
                while task is None and not self._stopped:
                    self._changed.wait()
                    task = self._task()
                if task is None or self._stopped:
                    return
            found, bound = task
            try:
                page: Page | Exception = self._fetch(found.last if bound is None else bound)
            except Exception as error:  # noqa: BLE001  # the reader raises it at this place
                page = error
            with self._changed:
                if bound is None:
                    self._add(found, page)
                else:
                    self._cut(found, bound, page)
                self._changed.notify_all()

    def _task(self) -> tuple[_Range, str | None] | None:
        """Return a range whose next page to request, or one to split and the key to split at."""
        for found in self._ranges:
            if not found.done and not found.asked and len(found.pages) < self._sharding.buffered_pages:
                found.asked = True
                return found, None
        for number, found in enumerate(self._ranges, 1):
            if found.can_be_cut and not found.done and not found.being_cut:
                is_last = number == len(self._ranges)
                most = self._sharding.workers if is_last else self._sharding.most_ranges
                if len(self._ranges) + self._being_cut >= most or self._cuts >= self._cuts_allowed:
                    continue
                bound = self._ruler.after(found.last)
                if bound is None or (found.until is not None and bound >= found.until):
                    self._settle(found, None)
                    continue
                found.being_cut = True
                self._being_cut += 1
                self._cuts += 1
                return found, bound
        return None

    @property
    def _cuts_allowed(self) -> int:
        """A split costs at most one more request than page by page, so all together may cost a quarter, and a few."""
        return self._sharding.workers + self._listed // self._sharding.fewest_pages

    def _add(self, found: _Range, page: Page | Exception) -> None:
        found.asked = False
        if isinstance(page, Exception):
            found.error, found.done = page, True
            return
        found.add(page)
        self._listed += 1
        self._heed(found)

    def _heed(self, found: _Range) -> None:
        """Make new ranges wider or narrower, by one that ended early or is too long."""
        by_this = found.ruler is self._ruler
        if found.done:
            if by_this and found.listed < self._sharding.fewest_pages:
                self._widen(found.changed)
            elif by_this:
                self._short = 0
        elif not found.can_be_cut and found.listed > self._sharding.most_pages:
            self._ruler = self._ruler.narrower() if by_this else Ruler.of(found.ends)
            found.can_be_cut, found.ruler, found.listed = True, None, 0
            self._short = 0

    def _widen(self, changed: int) -> None:
        """Widen after the second short range in a row: a single one may have ended with a folder."""
        if self._short:
            self._ruler, self._short = self._ruler.wider(max(changed, self._short)), 0
        else:
            self._short = changed

    @staticmethod
    def _settle(found: _Range, ruler: Ruler | None) -> None:
        """Mark the range as complete in length."""
        found.can_be_cut, found.ruler, found.listed = False, ruler, 0

    def _cut(self, found: _Range, bound: str, page: Page | Exception) -> None:
        """Split the range at `bound`; `page` is the first page after it. On an error the range continues unsplit."""
        found.being_cut = False
        self._being_cut -= 1
        if found.done:
            return
        if isinstance(page, Exception):
            self._settle(found, None)
            return
        if found.last >= bound:  # its own pages passed the boundary meanwhile
            self._widen(self._ruler.depth)
            return
        rest = _Range(bound, found.until, can_be_cut=True, ends=found.ends.copy())
        rest.add(page)
        self._listed += 1
        found.until = bound
        self._settle(found, self._ruler if rest.pages else None)
        if rest.pages:
            found.changed = 1 + _shared(found.last, rest.pages[0][0].key)
            self._ranges.insert(self._ranges.index(found) + 1, rest)
