"""Clip ids of an import by ids: which clips an object belongs to, and which ids have been accounted for."""

import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from service.domain.errors import InvalidRequest
from service.domain.limits import MAX_NAME, check_text

_SEPARATORS = re.compile("[./]")


def clip_id_of(name: str) -> str:
    """Return the clip id of a zip's member: `{clip_id}.{layer}.parquet`, or `{clip_id}/` and any name below it."""
    return _SEPARATORS.split(name, maxsplit=1)[0]


def clip_ids_in(path: str) -> list[str]:
    """Return the ids of the clips that an object may belong to, by its name and then those of its folders."""
    return [segment.partition(".")[0] for segment in reversed(path.split("/"))]


def checked_clip_ids(clip_ids: Sequence[str], *, limit: int) -> tuple[str, ...]:
    """Return the ids, each once, in their order. Raises `InvalidRequest`."""
    if not 1 <= len(clip_ids) <= limit:
        raise InvalidRequest(f"clip_ids has {len(clip_ids):,} ids, 1 to {limit:,} are allowed")
    for index, clip_id in enumerate(clip_ids):
        check_text(f"clip_ids[{index}]", clip_id, limit=MAX_NAME)
        if _SEPARATORS.search(clip_id):
            raise InvalidRequest(f"clip_ids[{index}] has a dot or a slash: a clip id ends before the first one")
    return tuple(dict.fromkeys(clip_ids))


@dataclass
class ClipIds:
    """Wanted ids, and which of them have a line in the manifest so far, also by earlier rounds of the planning."""

    ids: Sequence[str]
    unread_zips: int = 0
    """Zips that could not be read so far. They may have had missing ids."""
    _numbers: dict[str, int] = field(init=False, repr=False)
    _found: bytearray = field(init=False, repr=False)
    """A bit for each id: the state machine passes them from round to round."""

    def __post_init__(self) -> None:
        self._numbers = {clip_id: number for number, clip_id in enumerate(self.ids)}
        self._found = bytearray(-(-len(self.ids) // 8))

    @classmethod
    def parse(cls, ids: Sequence[str], stored: str) -> "ClipIds":
        """Continue from what `str` gave in an earlier round; the empty text is the beginning."""
        if not stored:
            return cls(ids)
        unread, _, found = stored.partition(":")
        again = cls(ids, int(unread))
        again._found = bytearray(b64decode(found))
        return again

    def __str__(self) -> str:
        return f"{self.unread_zips}:{b64encode(self._found).decode()}"

    def find(self, clip_ids: Collection[str]) -> None:
        """Note that these ids have a line. Ids that nobody asked for are ignored."""
        for clip_id in clip_ids:
            if (number := self._numbers.get(clip_id)) is not None:
                self._found[number // 8] |= 1 << number % 8

    def missing(self) -> list[str]:
        return [one for number, one in enumerate(self.ids) if not self._found[number // 8] >> number % 8 & 1]
