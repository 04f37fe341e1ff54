"""Share a limited number of slots fairly between projects, and between the imports of a project.

A batch that wants to copy has a `Turn`: it holds a slot, or waits for one. All functions see the same turns and apply
the same rule, so nobody has to decide for the others. Times are seconds since 1970.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass

LEASE_SECONDS = 90.0
"""How long a turn outlives the process that wrote it."""
RENEW_SECONDS = LEASE_SECONDS / 3
"""How often the holder of a slot renews its turn."""
LOOK_SECONDS = 5.0
"""How often the holder of a slot looks whether another project needs it."""
FIRST_WAIT_SECONDS = 3.0
"""The first wait for a slot, at most."""
WAIT_GROWTH = 0.1
"""Later waits are this share of the time that has passed, as for a throttled function (decision 70)."""
TURNS_A_SECOND = 50
"""Each look and each wait takes a second more for so many turns. One partition of the table serves them all, with 3,000
read units a second; 1,000 turns are some 130 KB, or 33 units."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A claim of one slot."""

    id: str
    project: str
    job_id: str
    """Empty for a turn that belongs to no import."""
    since: float
    """When it got its slot, or since when it waits for one."""
    holds: bool
    """Whether it has a slot."""
    expires_at: float


def in_order(turns: Iterable[Turn]) -> list[Turn]:
    """Sort the turns so that the first ones are everybody's fair share of the slots, however many there are.

    First comes one turn of each project, then a second one of each project that has two, and so on. A project's turns
    are taken in the same way from its imports. Among equals, holders come first, then those that wait longest.
    """
    by_import = _round_robin(turns, lambda turn: (turn.project, turn.job_id))
    return _round_robin(by_import, lambda turn: turn.project, keep_order=True)


def entitled(turns: Iterable[Turn], slots: int) -> list[Turn]:
    """Return the turns whose share of the slots is theirs, in order. Each project gets one, however few slots exist."""
    known = in_order(turns)
    return known[: max(slots, len({turn.project for turn in known}))]


def may_begin(mine: Turn, others: Collection[Turn], slots: int) -> bool:
    """Return whether a turn that waits may take a slot now.

    It must be entitled to one, and a slot must be free besides those of earlier turns. A project's first turn needs no
    free slot: a turn that is no longer entitled gives its slot back within seconds.
    """
    known = entitled([mine, *others], slots)
    if mine not in known:
        return False
    if mine == next(turn for turn in known if turn.project == mine.project):
        return True
    taken = sum(turn.holds for turn in others)
    ahead = sum(not turn.holds for turn in known[: known.index(mine)])
    return taken + ahead < slots


def must_end(mine: Turn, others: Collection[Turn], slots: int) -> bool:
    """Return whether a turn that holds a slot must give it back, because others are entitled to it."""
    return mine not in entitled([mine, *others], slots)


def look_seconds(turns: int) -> float:
    return LOOK_SECONDS + turns / TURNS_A_SECOND


def longest_wait(waited: float, turns: int = 0) -> float:
    """Return the longest next wait, in seconds, of a turn that has waited so long among so many others."""
    return max(FIRST_WAIT_SECONDS, waited * WAIT_GROWTH) + turns / TURNS_A_SECOND


def next_wait(waited: float, turns: int, jitter: float) -> int:
    """Return whole seconds, at least 1. `jitter`, from 0 to 1, spreads children that began together."""
    return math.ceil(longest_wait(waited, turns) * (1 + jitter) / 2)


def _round_robin(turns: Iterable[Turn], group: Callable[[Turn], Hashable], *, keep_order: bool = False) -> list[Turn]:
    """Take one turn of each group, then another one of each, and so on. Inside a group: by `_age`, or as they come."""
    ranks: Counter[Hashable] = Counter()
    ranked: list[tuple[int, tuple[bool, float, str], Turn]] = []
    for turn in turns if keep_order else sorted(turns, key=_age):
        ranked.append((ranks[group(turn)], _age(turn), turn))
        ranks[group(turn)] += 1
    return [turn for _, _, turn in sorted(ranked, key=lambda one: one[:2])]


def _age(turn: Turn) -> tuple[bool, float, str]:
    return (not turn.holds, turn.since, turn.id)
