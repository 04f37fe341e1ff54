"""Read members of zips in the order of their bytes: which clips follow each other, and which ranges they share."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from service.domain.manifest import ManifestEntry
from service.domain.members import PackedMember

JOINED_BYTES = 4 * 1024**2
"""Neighbouring members are read by one range up to this size. A larger member begins with a range of it."""
GAP_BYTES = 64 * 1024
"""Unwanted bytes between two members that a joined range may read."""


def neighbours_together(entries: Sequence[ManifestEntry]) -> Sequence[ManifestEntry]:
    """Return the entries with the members of each zip where its first one is, in the order of their bytes.

    Views of sets keep their places.
    """
    if not any(_is_free(entry) for entry in entries):
        return entries
    firsts: dict[tuple[str, str, str], int] = {}
    places = {
        entry.ordinal: (firsts.setdefault(entry.zip_key, number), entry.packed.members[0].offset)
        if entry.packed and _is_free(entry)
        else (number, 0)
        for number, entry in enumerate(entries)
    }
    return sorted(entries, key=lambda entry: places[entry.ordinal])


def _is_free(entry: ManifestEntry) -> bool:
    return entry.packed is not None and entry.group is None


def joined_reads(entries: Sequence[ManifestEntry]) -> list[ManifestEntry]:
    """Return the entries in their order, each member with the range that reads it and its neighbours."""
    in_zips = sorted((entry for entry in entries if entry.packed), key=lambda entry: entry.zip_key)
    joined = {
        (key, member.offset): span
        for key, some in groupby(in_zips, key=lambda entry: entry.zip_key)
        for member, span in _spans([member for entry in some if entry.packed for member in entry.packed.members])
    }

    def with_spans(entry: ManifestEntry) -> ManifestEntry:
        if entry.packed is None:
            return entry
        members = (replace(member, joined=joined[entry.zip_key, member.offset]) for member in entry.packed.members)
        return replace(entry, packed=replace(entry.packed, members=tuple(members)))

    return [with_spans(entry) for entry in entries]


def _spans(members: Sequence[PackedMember]) -> Iterator[tuple[PackedMember, tuple[int, int]]]:
    runs: list[list[PackedMember]] = []
    for member in sorted(members, key=lambda member: member.offset):
        run = runs[-1] if runs else []
        near = run and member.offset - run[-1].limit <= GAP_BYTES
        if near and member.limit - run[0].offset <= JOINED_BYTES:
            run.append(member)
        else:
            runs.append([member])
    for run in runs:
        start = run[0].offset
        span = start, min(JOINED_BYTES, max(member.limit for member in run) - start)
        yield from ((member, span) for member in run)
