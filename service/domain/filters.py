"""Filters: which objects of a prefix or a manifest an import takes."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from re import Pattern

from service.domain.clip_ids import clip_ids_in
from service.domain.errors import InvalidRequest
from service.domain.limits import MAX_TIME
from service.domain.objects import ListedObject
from service.domain.patterns import compile_pattern, matches_any, may_match_below
from service.domain.requests import Filters

MAX_PATTERNS = 50
"""Patterns of `include` and `exclude` together; the job's row keeps them."""


@dataclass(frozen=True)
class Selection:
    """Compiled filters. Patterns match what follows `base` in a key: the prefix up to its last `/`."""

    base: str
    include: Sequence["Pattern[str]"]
    exclude: Sequence["Pattern[str]"]
    min_size: int | None
    max_size: int | None
    modified_after: datetime | None
    modified_before: datetime | None
    include_texts: Sequence[str] = ()
    clip_ids: Collection[str] | None = None
    """Ids of the clips that are wanted; None: all."""

    @property
    def needs_time(self) -> bool:
        return self.modified_after is not None or self.modified_before is not None

    def named(self, key: str) -> bool:
        """Whether the patterns accept the key."""
        name = key.removeprefix(self.base)
        if self.include and not matches_any(self.include, name):
            return False
        return not matches_any(self.exclude, name)

    def named_in(self, zip_key: str, key: str) -> bool:
        """Whether the patterns accept a zip's member: each of them sees the zip, like a folder, and the member."""
        names = zip_key.removeprefix(self.base), key.removeprefix(self.base)
        if self.include and not any(matches_any(self.include, name) for name in names):
            return False
        return not any(matches_any(self.exclude, name) for name in names)

    def may_want_in(self, item: ListedObject) -> bool:
        """Whether the filters may accept a member of the zip, whatever it is named. Its time is the zip's."""
        name = item.key.removeprefix(self.base)
        named = not self.include or any(may_match_below(text, (name, f"{name}!")) for text in self.include_texts)
        return named and not matches_any(self.exclude, name) and self._in_time(item)

    def clips_of(self, key: str) -> list[str]:
        """Return which of the wanted ids the object's name, or one of its folders below `base`, begins with.

        The id of the name comes first, then those of the folders from the inner to the outer.
        """
        return [one for one in clip_ids_in(key.removeprefix(self.base)) if one in (self.clip_ids or ())]

    def fits(self, item: ListedObject) -> bool:
        """Whether the filters accept size and time. They reject an object of unknown time if they need one."""
        if self.min_size is not None and item.size < self.min_size:
            return False
        if self.max_size is not None and item.size > self.max_size:
            return False
        return self._in_time(item)

    def _in_time(self, item: ListedObject) -> bool:
        if not self.needs_time:
            return True
        if item.modified is None:
            return False
        modified = datetime.fromisoformat(item.modified)
        if self.modified_after is not None and modified < self.modified_after:
            return False
        return self.modified_before is None or modified < self.modified_before

    def wants(self, item: ListedObject) -> bool:
        if self.clip_ids is not None and not self.clips_of(item.key):
            return False
        return self.named(item.key) and self.fits(item)


def selection(filters: Filters | None, prefix: str = "", *, clip_ids: Collection[str] | None = None) -> Selection:
    """Compile the filters. Raises `InvalidRequest`, whose message names the field."""
    filters = filters or Filters()
    patterns = len(filters.include) + len(filters.exclude)
    if patterns > MAX_PATTERNS:
        raise InvalidRequest(f"filters has {patterns:,} patterns, the limit is {MAX_PATTERNS}")
    found = Selection(
        base=prefix[: prefix.rfind("/") + 1],
        include=_compiled("include", filters.include),
        exclude=_compiled("exclude", filters.exclude),
        min_size=filters.min_size,
        max_size=filters.max_size,
        modified_after=time_of("filters.modified_after", filters.modified_after),
        modified_before=time_of("filters.modified_before", filters.modified_before),
        include_texts=filters.include,
        clip_ids=None if clip_ids is None else frozenset(clip_ids),
    )
    for name in ("min_size", "max_size"):
        size = getattr(filters, name)
        if size is not None and size < 0:
            raise InvalidRequest(f"filters.{name} is {size}: sizes are bytes, 0 or more")
    if found.min_size is not None and found.max_size is not None and found.min_size > found.max_size:
        raise InvalidRequest("filters.min_size is above filters.max_size: nothing could match")
    after, before = found.modified_after, found.modified_before
    if after is not None and before is not None and after >= before:
        raise InvalidRequest("filters.modified_after is not before filters.modified_before: nothing could match")
    return found


def _compiled(name: str, patterns: Iterable[str]) -> "Sequence[Pattern[str]]":
    return [compile_pattern(text, name=f"filters.{name}[{index}]") for index, text in enumerate(patterns)]


def time_of(name: str, text: str | None) -> datetime | None:
    """Parse the field's time; it is returned in UTC. Raises `InvalidRequest`."""
    if text is None:
        return None
    if len(text) > MAX_TIME:
        raise InvalidRequest(f"{name} has {len(text):,} characters, the limit is {MAX_TIME}")
    with suppress(ValueError, OverflowError):  # the latter: in UTC the year would be 0 or 10,000
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    raise InvalidRequest(f"{name} is {text[:100]!a}: it must be a time with its zone, as in 2026-11-22T17:00:00Z")
