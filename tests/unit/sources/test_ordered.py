"""Listings of stores with an order of their own: each object once and in order, or an error; never a silent loss."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from service.domain.errors import ObjectRejected
from service.domain.uris import Location, s3_at
from service.sources import ordered
from service.sources.objects import SourceObjects
from service.sources.port import SourceObject

AT = s3_at("bucket", "p/")
KEYS = [f"p/{number:04d}" for number in range(5_000)]


@dataclass(frozen=True)
class Store:
    keys: Sequence[str]

    def list_pages(self, _at: Location, *, start_after: str = "") -> Iterator[Sequence[SourceObject]]:
        """Pages of 1,000 in the order of `keys`; a key continues the listing behind itself, as such stores do."""
        rest = self.keys[self.keys.index(start_after) + 1 :] if start_after else self.keys
        for first in range(0, len(rest), 1_000):
            yield [SourceObject(key=key, size=1, etag="e") for key in rest[first : first + 1_000]]


def listed(keys: Sequence[str], *, start_after: str = "") -> list[str]:
    pages = SourceObjects(source=Store(keys)).list_pages(AT, start_after=start_after)  # type: ignore[arg-type]
    return [item.key for page in pages for item in page]


def shuffled() -> list[str]:
    return random.Random(1).sample(KEYS, len(KEYS))


@pytest.mark.parametrize("keys", [KEYS, shuffled(), KEYS[:1], []])
@pytest.mark.parametrize("after", [0, 684, 4_999])
def test_every_object_comes_once_and_in_order(keys: list[str], after: int) -> None:
    assert listed(keys) == sorted(keys)
    if KEYS[after] in keys:
        assert listed(keys, start_after=KEYS[after]) == [key for key in sorted(keys) if key > KEYS[after]]


def test_a_key_that_is_listed_twice_comes_once() -> None:
    assert listed(["p/b", "p/a", "p/b"]) == ["p/a", "p/b"]


def test_a_store_with_its_own_order_answers_before_it_is_listed_to_the_end() -> None:
    class Endless(Store):
        def list_pages(self, _at: Location, *, start_after: str = "") -> Iterator[Sequence[SourceObject]]:
            yield from super().list_pages(_at, start_after=start_after)
            raise AssertionError("nobody asked for the rest")

    pages = SourceObjects(source=Endless(["p/b", "p/a"])).list_pages(AT)  # type: ignore[arg-type]
    assert list(next(pages)) == []


def test_too_many_keys_in_another_order_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordered, "SORTED_OBJECTS", 4_999)
    with pytest.raises(ObjectRejected, match="more than 4,999 keys to sort; name the objects in a list or a manifest"):
        listed(shuffled())


@pytest.mark.parametrize("late", ["p/0500x", "p/1999"])
def test_an_order_that_changes_on_a_later_page_is_an_error(late: str) -> None:
    keys = [*KEYS[:2_000], late, *KEYS[2_000:]]
    with pytest.raises(ObjectRejected, match="leaves it on a later page"):
        listed(keys)
    with pytest.raises(ObjectRejected, match="leaves it on a later page"):
        listed(keys, start_after="p/1500")
