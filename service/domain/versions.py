"""Objects as they stood at a time, from the versions and delete markers of their keys."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from service.domain.objects import ListedObject


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a key, or a delete marker."""

    key: str
    modified: str
    """When it was written. S3 gives whole seconds."""
    found: ListedObject | None
    """None: a delete marker."""
    latest: bool = False


def standing_at(
    pages: Iterable[Sequence[Version]], as_of: str, *, only: str | None = None
) -> Iterator[list[ListedObject]]:
    """Yield the objects that stood at `as_of`: of each key the newest version that is not younger.

    A key whose newest entry at that time is a delete marker had no object. The pages are ordered by key, and a key's
    versions may go on to the next page. `only`: stop after this key, with which the pages begin.
    """
    held: list[Version] = []
    for page in pages:
        found: list[ListedObject] = []
        for one in page:
            if only is not None and one.key != only:
                yield _standing(held, as_of)
                return
            if held and held[0].key != one.key:
                found += _standing(held, as_of)
                held = []
            held.append(one)
        yield found
    yield _standing(held, as_of)


def _standing(versions: Sequence[Version], as_of: str) -> list[ListedObject]:
    """Return the key's object, if it had one.

    A version and a delete marker of the same second do not tell which came first, unless one of them is the latest.
    Then the version counts, so that no object is left out.
    """
    known = [one for one in versions if one.modified <= as_of]
    newest = max((one.modified for one in known), default="")
    tied = [one for one in known if one.modified == newest]
    if any(one.latest and one.found is None for one in tied):
        return []
    return [one.found for one in tied if one.found][:1]
