"""Turns: shares of projects and imports, and that calls which only see each other's turns come to these shares."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from service.domain.turns import (
    LEASE_SECONDS,
    RENEW_SECONDS,
    Turn,
    entitled,
    longest_wait,
    look_seconds,
    may_begin,
    must_end,
    next_wait,
)


def a_turn(number: int, project: str, job_id: str = "ij_1", *, holds: bool, since: float = 0.0) -> Turn:
    return Turn(id=f"{number:04d}", project=project, job_id=job_id, since=since, holds=holds, expires_at=1e9)


def turns_of(claims: Sequence[tuple[str, str, bool]]) -> list[Turn]:
    """Older turns first."""
    return [
        a_turn(number, project, f"{project}{job_id}", holds=holds, since=float(number))
        for number, (project, job_id, holds) in enumerate(claims)
    ]


claims = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("12"), st.booleans()), max_size=24)
slots = st.integers(1, 12)


def assert_fair(shares: Counter[str], wanted: Counter[str], total: int) -> None:
    """Max-min fairness: all slots are used, and who wants more has at most one less than anybody else."""
    assert sum(shares.values()) == min(total, sum(wanted.values()))
    for name, number in wanted.items():
        assert shares[name] <= number
        assert shares[name] == number or shares[name] + 1 >= max(shares.values())


@given(claims, slots)
def test_the_slots_are_shared_fairly_between_projects_and_between_the_imports_of_each(
    claimed: list[tuple[str, str, bool]], limit: int
) -> None:
    turns = turns_of(claimed)
    chosen = entitled(turns, limit)
    projects = Counter(turn.project for turn in turns)
    shares = Counter(turn.project for turn in chosen)
    assert_fair(shares, projects, max(limit, len(projects)))
    for project, share in shares.items():
        assert_fair(
            Counter(turn.job_id for turn in chosen if turn.project == project),
            Counter(turn.job_id for turn in turns if turn.project == project),
            share,
        )


def settle(turns: list[Turn], limit: int) -> list[Turn]:
    """Let every holder look and every other batch ask, one after the other, until nothing changes."""
    before: list[Turn] = []
    rounds = 0
    while turns != before:
        before, rounds = list(turns), rounds + 1
        assert rounds < 50, "the turns never settle"
        for number, mine in enumerate(turns):
            others = [turn for turn in turns if turn.id != mine.id]
            if mine.holds and must_end(mine, others, limit):
                turns[number] = replace(mine, holds=False, since=1000.0 + rounds)
            elif not mine.holds and may_begin(mine, others, limit):
                turns[number] = replace(mine, holds=True, since=1000.0 + rounds)
        projects = len({turn.project for turn in turns})
        begun = sum(turn.holds for turn in turns) - sum(turn.holds for turn in before)
        assert begun <= 0 or sum(turn.holds for turn in turns) <= limit + projects
    return turns


@given(claims, slots)
def test_calls_that_see_only_each_others_turns_come_to_fair_shares(
    claimed: list[tuple[str, str, bool]], limit: int
) -> None:
    turns = settle(turns_of(claimed), limit)
    projects = Counter(turn.project for turn in turns)
    shares = Counter(turn.project for turn in turns if turn.holds)
    assert_fair(shares, projects, max(limit, len(projects)))


def test_two_projects_of_equal_demand_come_to_half_each() -> None:
    first = settle(turns_of([("a", "1", False)] * 40), 40)
    assert all(turn.holds for turn in first)  # alone, a project uses all slots
    second = [a_turn(100 + number, "b", "b1", holds=False, since=50.0) for number in range(40)]
    both = settle(first + second, 40)
    assert Counter(turn.project for turn in both if turn.holds) == {"a": 20, "b": 20}


def test_another_project_begins_at_once_and_the_youngest_turns_make_room() -> None:
    million = [a_turn(number, "a", holds=True, since=float(number)) for number in range(40)]
    ten = a_turn(99, "b", holds=False, since=99.0)
    assert may_begin(ten, million, 40)
    begun = replace(ten, holds=True)
    ending = [turn for turn in million if must_end(turn, [*(one for one in million if one != turn), begun], 40)]
    assert ending == million[39:]


def test_only_one_of_a_new_projects_batches_needs_no_free_slot() -> None:
    million = [a_turn(number, "a", holds=True) for number in range(40)]
    new = [a_turn(100 + number, "b", holds=False, since=1.0) for number in range(40)]
    begun = [turn for turn in new if may_begin(turn, [*million, *(one for one in new if one != turn)], 40)]
    assert begun == new[:1]


def test_a_small_import_begins_beside_a_large_one_of_its_own_project() -> None:
    large = [a_turn(number, "a", "ij_large", holds=True, since=float(number)) for number in range(40)]
    small = a_turn(99, "a", "ij_small", holds=False, since=99.0)
    assert must_end(large[39], [*large[:39], small], 40)
    assert may_begin(small, large[:39], 40)


def test_a_batch_that_waits_longer_goes_first() -> None:
    holder = a_turn(1, "a", holds=True)
    first, second = a_turn(2, "a", holds=False, since=1.0), a_turn(3, "a", holds=False, since=2.0)
    assert may_begin(first, [holder, second], 2)
    assert not may_begin(second, [holder, first], 2)


@given(st.floats(0, 1e6), st.integers(0, 2_000), st.floats(0, 1))
def test_waits_grow_with_the_time_that_has_passed(waited: float, turns: int, jitter: float) -> None:
    assert 1 <= next_wait(waited, turns, jitter) <= longest_wait(waited, turns) + 1
    assert longest_wait(waited, turns) <= 3 + waited / 10 + turns / 50


def test_a_turn_outlives_the_looks_and_renewals_of_its_holder() -> None:
    assert look_seconds(2_000) + RENEW_SECONDS < LEASE_SECONDS
