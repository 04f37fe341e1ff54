"""Listing by ranges of keys returns the same objects in the same order as page by page, for all kinds of keys."""

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.objects import ListedObject
from service.support.parallel_listing import Page, Ruler, Sharding, pages_of

SMALL = Sharding(first_pages=2, workers=3, fewest_pages=2, most_pages=4, buffered_pages=6)
LAST = "\U0010ffff"


@dataclass
class FakeListing:
    """Keys by pages; `faults` are raised for what is asked after a key. Objects of pages go by `key`."""

    keys: Sequence[str]
    page: int = 2
    faults: dict[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    before: Callable[[str], object] = lambda _: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, start_after: str) -> Page:
        with self._lock:
            self.asked.append(start_after)
        self.before(start_after)
        if start_after in self.faults:
            raise self.faults[start_after]
        first = bisect_right(self.keys, start_after)
        found = self.keys[first : first + self.page]
        objects = [ListedObject(key=key, size=1, etag="e") for key in found]
        return Page(objects, more=first + self.page < len(self.keys))

    @property
    def in_a_row(self) -> int:
        """Requests that page after page takes."""
        return max(1, -(-len(self.keys) // self.page))


def keys_of(pages: Iterator[Sequence[ListedObject]]) -> list[str]:
    return [item.key for page in pages for item in page]


def numbered(count: int, shape: str = "clips/{:06d}.zip") -> list[str]:
    return sorted(shape.format(number) for number in range(count))


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


# --- the same as page after page -------------------------------------------------------------------------------------

folders = st.sampled_from(["", "a/", "b/", "b/a/", "veh-1/2026/", "日/", f"{LAST}/", "\ud7ff/"])
names = st.one_of(
    st.integers(0, 10_000).map(lambda number: f"{number:05d}"),
    st.integers(0, 10_000).map(str),
    st.text(st.sampled_from(["a", "b", "0", "/", "\x01", "é", "\ud7ff", "\ue000", LAST]), min_size=1, max_size=6),
    st.uuids().map(str),
)
key_spaces = st.lists(st.tuples(folders, names).map("".join), max_size=250, unique=True).map(sorted)


@settings(deadline=None)
@given(keys=key_spaces, page=st.integers(1, 4), after=st.one_of(st.just(""), names))
def test_every_object_after_a_key_is_listed_once_and_in_order(keys: list[str], page: int, after: str) -> None:
    listing = FakeListing(keys, page)
    assert keys_of(pages_of(listing, start_after=after, sharding=SMALL)) == [key for key in keys if key > after]


@settings(deadline=None, max_examples=30)
@given(
    sizes=st.lists(st.sampled_from([1, 3, 10, 400]), min_size=1, max_size=12),
    shape=st.sampled_from(["{}/{:04d}", "{}/{}", "{:03d}/2026-01-01/run-{}/clip", "same/{:02d}-{:05d}.zip"]),
)
def test_however_unbalanced(sizes: list[int], shape: str) -> None:
    keys = sorted({shape.format(folder, number) for folder, size in enumerate(sizes) for number in range(size)})
    listing = FakeListing(keys)
    assert keys_of(pages_of(listing, sharding=SMALL)) == keys
    assert_requests(listing)


def assert_requests(listing: FakeListing) -> None:
    """At most one more for each range, and of those no more than a share of the pages, and one for each worker."""
    assert len(listing.asked) <= listing.in_a_row + SMALL.workers + len(listing.asked) / SMALL.fewest_pages


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_small_listings_go_page_after_page(count: int) -> None:
    listing = FakeListing(numbered(count))
    pages = list(pages_of(listing, sharding=SMALL))
    assert len(pages) == len(listing.asked) == listing.in_a_row
    assert keys_of(iter(pages)) == listing.keys


@pytest.mark.parametrize("keys", [numbered(2_000), numbered(2_000, "{}"), numbered(2_000, "veh-{0:04d}/run/clip-{0}")])
def test_long_listings_have_several_requests_under_way(keys: list[str]) -> None:
    """Two meet, or the barrier breaks; later ones do not wait."""
    barrier = threading.Barrier(2)

    def meet(start_after: str) -> None:
        if start_after > keys[500] and not barrier.broken and not met:
            barrier.wait(30)
            met.append(start_after)

    met: list[str] = []
    listing = FakeListing(keys, before=meet)
    assert keys_of(pages_of(listing, sharding=SMALL)) == keys
    assert met
    assert not barrier.broken
    assert_requests(listing)


# --- memory ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [numbered(4_000), numbered(4_000, "{:08x}"), ["a" * size for size in range(1, 900)]])
def test_pages_ahead_of_a_slow_reader_are_bounded(keys: list[str]) -> None:
    """Requests while the reader sleeps, until no thread sends any more."""
    listing = FakeListing(keys)
    pages, read = pages_of(listing, sharding=SMALL), 0
    for number, _ in enumerate(pages, 1):
        if number % 50 == 0:
            settle(listing)
        # Some of these pages were guesses without new objects: at most one for each range.
        read = number
        buffered = SMALL.most_ranges * SMALL.buffered_pages
        assert len(listing.asked) - read <= buffered + SMALL.workers + read / SMALL.fewest_pages
    assert read >= listing.in_a_row


def settle(listing: FakeListing) -> None:
    """Wait until the workers wait."""
    seen = -1
    while seen != len(listing.asked):
        seen = len(listing.asked)
        threading.Event().wait(0.01)


# --- faults and ends -------------------------------------------------------------------------------------------------


class Broken(Exception):
    pass


@pytest.mark.parametrize("at", [0, 1, 3, 100, 399])
def test_a_fault_is_raised_after_all_pages_before_it(at: int) -> None:
    keys = numbered(800)
    listing = FakeListing(keys)
    fault = Broken()

    def fail(start_after: str) -> None:
        # The request for the keys after this one, as page by page would send it.
        if bisect_right(keys, start_after) >= 2 * at and start_after in ("", *keys):
            raise fault

    listing.before = fail
    found: list[str] = []
    with pytest.raises(Broken) as raised:
        found.extend(item.key for page in pages_of(listing, sharding=SMALL) for item in page)
    assert raised.value is fault
    assert found == keys[: len(found)]
    assert len(found) >= 2 * at


def test_a_guess_that_fails_costs_nothing_but_the_guess() -> None:
    keys = numbered(800)

    def fail(start_after: str) -> None:
        if start_after not in ("", *keys):
            raise Broken

    listing = FakeListing(keys, before=fail)
    assert keys_of(pages_of(listing, sharding=SMALL)) == keys


@pytest.mark.parametrize("pages", [1, 2, 3, 10, 100])
def test_closed_early_it_asks_for_nothing_more(pages: int) -> None:
    listing = FakeListing(numbered(2_000))
    reading = pages_of(listing, sharding=SMALL)
    assert len(list(islice(reading, pages))) == pages
    reading.close()  # type: ignore[attr-defined]  # it is a generator
    asked = len(listing.asked)
    settle(listing)
    assert len(listing.asked) == asked


def test_dropped_early_it_leaves_no_threads() -> None:
    before = set(threading.enumerate())
    reading = pages_of(FakeListing(numbered(2_000)), sharding=SMALL)
    list(islice(reading, 10))
    assert set(threading.enumerate()) - before
    del reading
    assert not set(threading.enumerate()) - before


def test_closing_waits_for_what_is_under_way() -> None:
    answered, asked = threading.Event(), threading.Event()

    def hold(start_after: str) -> None:
        if start_after > "clips/000010":
            asked.set()
            answered.wait(30)

    listing = FakeListing(numbered(2_000), before=hold)
    reading = pages_of(listing, sharding=SMALL)
    list(islice(reading, 3))
    assert asked.wait(30)
    threading.Timer(0.05, answered.set).start()
    reading.close()  # type: ignore[attr-defined]  # it is a generator
    assert answered.is_set()


def test_a_fault_of_its_own_is_raised_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise Broken

    monkeypatch.setattr(Ruler, "after", fail)
    with pytest.raises(Broken):
        keys_of(pages_of(FakeListing(numbered(800)), sharding=SMALL))


# --- rulers ----------------------------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6), st.integers(1, 8), st.integers(1, 16))
def test_a_ruler_leads_to_a_later_key_or_nowhere(key: str, depth: int, step: int) -> None:
    found = Ruler(depth, step).after(key)
    if found is None:
        assert ord(key[min(depth, len(key)) - 1]) + step > 0x10FFFF
    else:
        assert found.encode() > key.encode()
        assert len(found) <= depth


def test_no_key_is_asked_for_that_would_be_too_long() -> None:
    assert Ruler(1024, 1).after("a" * 1023 + "b") is not None
    assert Ruler(1022, 1).after("a" * 1021 + "\uffff") is None


def test_a_ruler_begins_with_what_pages_differ_in() -> None:
    assert Ruler.of([f"clips/{number:06d}" for number in range(0, 10_000, 1_000)]).depth == len("clips/001")
    assert Ruler.of(["clips/009", "clips/019", "clips/029", "cut/001"]).depth == len("clips/01")


def test_a_ruler_grows_by_steps_then_by_characters() -> None:
    assert [(Ruler(9, step).wider(9).depth, Ruler(9, step).wider(9).step) for step in (1, 8, 16)] == [
        (9, 2),
        (9, 16),
        (8, 1),
    ]
    found = Ruler(9, 4).wider(5)  # the next range began in another folder: so the folders are what to step by
    assert (found.depth, found.step) == (5, 1)
    assert (Ruler(9).narrower().depth, Ruler(9, 4).narrower().step) == (10, 2)
    assert Ruler(1, 16).wider(1).depth == 1
