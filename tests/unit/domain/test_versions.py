"""What stood at a time, by versions and delete markers."""

import pytest

from service.domain.objects import ListedObject
from service.domain.versions import Version, standing_at

T1, T2, T3, T4 = (f"2026-01-01T00:00:0{second}.000Z" for second in range(1, 5))


def version(key: str, modified: str, number: str, *, latest: bool = False) -> Version:
    found = ListedObject(key=key, size=1, etag="e", version=number, modified=modified)
    return Version(key=key, modified=modified, found=found, latest=latest)


def marker(key: str, modified: str, *, latest: bool = False) -> Version:
    return Version(key=key, modified=modified, found=None, latest=latest)


HISTORY = [
    version("a", T3, "a3", latest=True),
    version("a", T1, "a1"),
    marker("b", T3, latest=True),
    version("b", T1, "b1"),
    version("c", T4, "c4", latest=True),
    marker("c", T3),
    version("c", T2, "c2"),
    version("d", T4, "d4", latest=True),
]


def standing(as_of: str, history: list[Version], page: int, **asked: str) -> list[str | None]:
    pages = [history[first : first + page] for first in range(0, len(history), page)]
    return [one.version for found in standing_at(pages, as_of, **asked) for one in found]


@pytest.mark.parametrize("page", [1, 2, 3, 8])
@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2026-01-01T00:00:00.999Z", []),
        (T1, ["a1", "b1"]),
        (T2, ["a1", "b1", "c2"]),
        (T3, ["a3"]),
        (T4, ["a3", "c4", "d4"]),
        ("2027", ["a3", "c4", "d4"]),
    ],
)
def test_of_each_key_the_newest_that_is_not_younger_stands(as_of: str, expected: list[str], page: int) -> None:
    assert standing(as_of, HISTORY, page) == expected


@pytest.mark.parametrize("page", [1, 2, 8])
def test_a_single_key_ends_where_longer_keys_begin(page: int) -> None:
    reached: list[int] = []

    def pages() -> "list[list[Version]]":
        return [HISTORY[first : first + page] for first in range(0, len(HISTORY), page)]

    def counted() -> object:
        for number, one in enumerate(pages()):
            reached.append(number)
            yield one

    found = [one.version for some in standing_at(counted(), T2, only="a") for one in some]  # type: ignore[arg-type]
    assert found == ["a1"]
    assert reached[-1] * page <= 2


def test_within_a_second_the_version_counts_unless_the_marker_is_the_latest() -> None:
    assert standing(T1, [version("a", T1, "2"), version("a", T1, "1"), marker("a", T1)], 8) == ["2"]
    assert standing(T1, [version("a", T1, "1"), marker("a", T1, latest=True)], 8) == []
    assert standing(T1, [version("a", T1, "1", latest=True), marker("a", T1)], 8) == ["1"]
