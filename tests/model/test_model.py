"""Random runs of the whole service, with faults at any request, and checks that hold in each of them.

Each run follows from its seed. `make test` runs the same seeds each time: its result depends on the code alone.
`MODEL_RUNS=20000 pytest tests/model` runs that many fresh ones and prints the first; `MODEL_FIRST=42 MODEL_RUNS=1` runs
seed 42 alone and prints what happened in it.
"""

import os
import secrets
from collections import Counter
from collections.abc import Iterable

import pytest

from service.domain.requests import Upload
from service.imports.intake import drop_bucket
from tests.model.mutants import MUTANTS, Mutant
from tests.model.run import run

FIXED = (*range(60), 98)
WITH_DROPS = range(0, 60, 4)
"""Seeds of runs in which users also upload manifests."""
MORE = range(1_000, 1_060)
"""Further ones, in place of which `MODEL_RUNS` takes others."""
SHOWN = 400
"""Last events of a failing run that are printed."""


def passed(seed: int, *, drops: bool = False) -> Counter[str]:
    """Run a seed; return what happened in it."""
    ran = run(seed, drops=drops)
    if ran.error:
        print("\n".join(ran.scheduler.trace[-SHOWN:]))
        pytest.fail(f"MODEL_FIRST={seed} MODEL_RUNS=1 pytest tests/model repeats it: {ran.error!r}")
    return ran.events


def test_nothing_is_lost_doubled_or_miscounted_in_fixed_runs() -> None:
    """The runs also come to everything that can happen."""
    events = sum(map(passed, FIXED), Counter[str]())
    expected = (
        *("submit", "retry", "cancel", "delete", "delete video"),
        *("copied", "copied over another object", "remove_marked removed versions", "remove_up_to removed versions"),
        *("call lost", "child failed", "execution failed", "execution aborted"),
        *("source deleted", "waited for restores"),
    )
    assert not [name for name in expected if not events[name]]


def test_nothing_is_lost_doubled_or_miscounted_in_more_runs() -> None:
    seeds = MORE
    if runs := int(os.environ.get("MODEL_RUNS", "0")):
        first = int(os.environ.get("MODEL_FIRST", secrets.randbelow(10**9)))
        print(f"MODEL_FIRST={first} MODEL_RUNS={runs}")
        seeds = range(first, first + runs)
    for seed in seeds:
        passed(seed, drops=seed % 4 == 0)


def test_each_uploaded_manifest_is_imported_whatever_room_there_is() -> None:
    events = sum((passed(seed, drops=True) for seed in WITH_DROPS), Counter[str]())
    assert events["manifest waited for room"]


def test_an_upload_that_is_taken_for_an_earlier_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of several uploads of a manifest waits, which may have its import already."""

    def first_of_each(manifests: Iterable[Upload]) -> list[Upload]:
        return [*{one.key: one for one in sorted(manifests, key=lambda one: one.sequencer, reverse=True)}.values()]

    monkeypatch.setattr(drop_bucket, "_last_of_each", first_of_each)
    assert any(run(seed, drops=True).error for seed in WITH_DROPS)


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = run(7), run(7)
    assert (first.requests, first.scheduler.trace) == (second.requests, second.scheduler.trace)


@pytest.mark.parametrize(("mutant", "known"), MUTANTS.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_a_fault_of_the_service_is_found(mutant: Mutant, known: int) -> None:
    """`known` is a seed that finds it; after changes of the service it may be another one."""
    assert any(notices(mutant, seed) for seed in (known, *FIXED)), f"no run found {mutant.__name__}"


def notices(mutant: Mutant, seed: int) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        return run(seed, broken=lambda world: mutant(world, patch)).error is not None
