"""Cut a manifest into parts and batches, and keep sets of views whole."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate, groupby

from service.domain.manifest import ManifestEntry

PART_CLIPS = 1_000
"""Lines of a manifest part. Parts are cut at fixed ordinals, so a page of clips needs no index to be found.

Where clips are in sets a part holds the sets whose last view has one of its ordinals (`set_parts`)."""


VIEWS = (
    *("front", "rear", "back", "left", "right", "top", "bottom"),
    *("overhead_1", "overhead_2", "overhead_3", "overhead_4", "overhead_5", "overhead_6"),
    "vehicle_view",
)
"""Roles of a set's views. A role comes once in a set, so a set has 14 views at most."""


FRONT = "front"


STREAM_WEIGHT = 4
"""How often a byte counts in a batch that may pass through the copy function. It holds up a call as no copy inside S3
does: 25 of a batch's 100 GiB take some 7 minutes."""


def batch_weight(entry: ManifestEntry) -> int:
    """The clip's bytes, as `batch_bytes` counts them."""
    inside = entry.integration is None and entry.source_uri.startswith("s3://")
    return (entry.size or 0) * (1 if inside else STREAM_WEIGHT)


def cut_batches(
    sizes: Sequence[int], *, max_clips: int, max_bytes: int, groups: Sequence[int | None] = ()
) -> Iterator[tuple[int, int]]:
    """(first index, count) of consecutive runs with at most `max_clips` clips and `max_bytes` bytes each.

    Clips of one of the `groups` stay together. A clip or a group beyond a limit by itself is a run of its own.
    """
    first, end, total = 0, 0, 0
    units = groupby(range(len(sizes)), lambda index: _unit(index, groups[index] if groups else None))
    for unit in (list(indexes) for _, indexes in units):
        size = sum(sizes[index] for index in unit)
        if end > first and (end + len(unit) - first > max_clips or total + size > max_bytes):
            yield first, end - first
            first, total = end, 0
        end += len(unit)
        total += size
    if end > first:
        yield first, end - first


def _unit(position: int, group: int | None) -> tuple[bool, int]:
    """The same for all clips of a group; a clip without one is its own unit."""
    return (True, position) if group is None else (False, group)


def sets_of(entries: Iterable[ManifestEntry]) -> Iterator[list[ManifestEntry]]:
    """The entries set by set; a clip that belongs to none comes alone."""
    for _, unit in groupby(entries, lambda entry: _unit(entry.ordinal, entry.group)):
        yield list(unit)


def whole_sets(entries: Iterable[ManifestEntry], ordinals: Collection[int]) -> set[int]:
    """`ordinals`, and those of all other views of their sets."""
    chosen = [unit for unit in sets_of(entries) if any(entry.ordinal in ordinals for entry in unit)]
    return {entry.ordinal for unit in chosen for entry in unit}


def set_parts(sizes: Sequence[int], *, first: int = 0, part_clips: int = PART_CLIPS) -> Iterator[tuple[int, int]]:
    """(first set, count) of each part, for sets of these numbers of views; `first` is an ordinal to begin at.

    A set lies in the part of its last view: parts hold whole sets, and begin early by less than a set.
    """
    ends = list(accumulate(sizes))
    begun = bisect_right(ends, first)
    for _, numbers in groupby(range(begun, len(ends)), lambda number: (ends[number] - 1) // part_clips):
        found = list(numbers)
        yield found[0], len(found)


def duplicates_of_first(keys: Iterable[str]) -> dict[int, int]:
    """index → index of the first equal one, for every entry that repeats an earlier one."""
    seen: dict[str, int] = {}
    repeats: dict[int, int] = {}
    for index, key in enumerate(keys):
        first = seen.setdefault(key, index)
        if first != index:
            repeats[index] = first
    return repeats
