"""List a source in UTF-8 binary order, or not at all.

Planning continues after the last key of a page, so a store with another order would lose objects without a word.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from service.domain.errors import ObjectRejected
from service.domain.objects import ListedObject
from service.domain.uris import Location

SORTED_OBJECTS = 100_000
"""Objects of a listing in another order that are read as a whole and sorted: some 50 MB of memory."""
PAGE_OBJECTS = 1_000

ListAfter = Callable[[str], Iterator[Sequence[ListedObject]]]
"""Lists the pages after a key, in the store's own order."""


def ordered_pages(list_after: ListAfter, at: Location, *, start_after: str) -> Iterator[Sequence[ListedObject]]:
    """Yield the pages after a key, in order and without repeated keys.

    The first page of the whole listing shows the store's order. If that is another one, all objects are read and
    sorted. Raises `ObjectRejected` if they are too many, or if the order changes on a later page.
    """
    pages = list_after("")
    first = next(pages, ())
    if not _ascends(first, ""):
        yield ()  # the store answers: who needs to know no more does not wait for the rest
        yield from _sorted(chain([first], pages), at, start_after)
        return
    last = start_after
    for page in list_after(start_after) if start_after else chain([first], pages):
        if not _ascends(page, last):
            raise _rejected(at, "its store begins in UTF-8 binary order, and leaves it on a later page")
        yield page
        last = page[-1].key if page else last


def _ascends(page: Sequence[ListedObject], last: str) -> bool:
    for item in page:
        if item.key <= last:
            return False
        last = item.key
    return True


def _sorted(
    pages: Iterator[Sequence[ListedObject]], at: Location, start_after: str
) -> Iterator[Sequence[ListedObject]]:
    found: dict[str, ListedObject] = {}
    for page in pages:
        found |= {item.key: item for item in page}
        if len(found) > SORTED_OBJECTS:
            raise _rejected(at, f"its store has an order of its own, and more than {SORTED_OBJECTS:,} keys to sort")
    keys = sorted(key for key in found if key > start_after)
    for number in range(0, len(keys), PAGE_OBJECTS):
        yield [found[key] for key in keys[number : number + PAGE_OBJECTS]]


def _rejected(at: Location, reason: str) -> ObjectRejected:
    message = f"it cannot be listed: {reason}; name the objects in a list or a manifest"
    return ObjectRejected(message, operation="list", uri=str(at))
