"""Cut a manifest into parts and batches, and keep sets of views whole."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate, groupby

from service.domain.manifest import ManifestEntry

PART_CLIPS = 1_000
"""Lines of a manifest part. Parts are cut at fixed ordinals, so a page of clips is found without an index.

With sets, a part holds the sets whose last view has one of its ordinals (`set_parts`)."""


VIEWS = (
    *("front", "rear", "back", "left", "right", "top", "bottom"),
    *("overhead_1", "overhead_2", "overhead_3", "overhead_4", "overhead_5", "overhead_6"),
    "vehicle_view",
)
"""Roles of a set's views. Each role may occur once in a set, so a set has at most 14 views."""


FRONT = "front"


STREAM_WEIGHT = 4
"""A streamed byte counts this often in a batch, since it passes through the copy function, which is slower than a copy
inside S3: 25 GiB take about 7 minutes."""


def batch_weight(entry: ManifestEntry) -> int:
    """Return the clip's bytes as `batch_bytes` counts them: streamed ones several times."""
    inside = entry.integration is None and entry.source_uri.startswith("s3://") and entry.packed is None
    return (entry.size or 0) * (1 if inside else STREAM_WEIGHT)


def cut_batches(
    sizes: Sequence[int], *, max_clips: int, max_bytes: int, groups: Sequence[int | None] = ()
) -> Iterator[tuple[int, int]]:
    """Cut clips into batches: (first index, count) of each, with at most `max_clips` clips and `max_bytes` bytes.

    Clips with the same entry in `groups` stay together. A clip or a group beyond a limit gets a batch of its own.
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


def batches_of(entries: Sequence[ManifestEntry], *, max_clips: int, max_bytes: int) -> Iterator[tuple[int, int]]:
    """Cut entries into batches, as `cut_batches` does. Sets stay whole; members of a zip stay together if they fit."""
    weights, groups = [batch_weight(entry) for entry in entries], [entry.group for entry in entries]
    numbered = ((number, entry) for number, entry in enumerate(entries) if entry.packed and entry.group is None)
    for _, some in groupby(numbered, key=lambda one: one[1].zip_key):
        numbers = [number for number, _ in some]
        if len(numbers) <= max_clips and sum(weights[number] for number in numbers) <= max_bytes:
            for number in numbers:
                groups[number] = entries[numbers[0]].ordinal
    return cut_batches(weights, max_clips=max_clips, max_bytes=max_bytes, groups=groups)


def _unit(position: int, group: int | None) -> tuple[bool, int]:
    """Return a key that is equal for all clips of a group; a clip without a group is a unit of its own."""
    return (True, position) if group is None else (False, group)


def sets_of(entries: Iterable[ManifestEntry]) -> Iterator[list[ManifestEntry]]:
    """Yield the entries set by set; a clip without a set comes alone."""
    for _, unit in groupby(entries, lambda entry: _unit(entry.ordinal, entry.group)):
        yield list(unit)


def whole_sets(entries: Iterable[ManifestEntry], ordinals: Collection[int]) -> set[int]:
    """Return `ordinals` and those of all other views in their sets."""
    chosen = [unit for unit in sets_of(entries) if any(entry.ordinal in ordinals for entry in unit)]
    return {entry.ordinal for unit in chosen for entry in unit}


def set_parts(sizes: Sequence[int], *, first: int = 0, part_clips: int = PART_CLIPS) -> Iterator[tuple[int, int]]:
    """Yield (first set, count) of each manifest part. `sizes` are the sets' numbers of views, `first` an ordinal.

    A set lies in the part of its last view, so parts hold whole sets and may begin earlier by less than a set.
    """
    ends = list(accumulate(sizes))
    begun = bisect_right(ends, first)
    for _, numbers in groupby(range(begun, len(ends)), lambda number: (ends[number] - 1) // part_clips):
        found = list(numbers)
        yield found[0], len(found)


def duplicates_of_first(keys: Iterable[str]) -> dict[int, int]:
    """Map the index of each repeated key to the index where it first occurs."""
    seen: dict[str, int] = {}
    repeats: dict[int, int] = {}
    for index, key in enumerate(keys):
        first = seen.setdefault(key, index)
        if first != index:
            repeats[index] = first
    return repeats
