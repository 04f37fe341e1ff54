"""The simulation of faults: it finds nothing where all rules hold, and something where one is broken."""

import pytest

from benchmarks.simulation.faults import RULES, Rule, figures, simulate_faults


def test_imports_with_faults_lose_double_and_miscount_nothing() -> None:
    found = simulate_faults(3_000, share=0.3, seed=1)
    assert (found["clips"], found["copied"] + found["failed"]) == (3_000, 3_000)
    assert (found["lost"], found["doubled"], found["miscounted"], found["unended"]) == (0, 0, 0, 0)
    assert set(found["faults"]) == {
        *("calls killed", "calls lost", "calls refused", "calls twice"),
        *("requests lost", "requests refused", "requests twice"),
    }
    again = simulate_faults(3_000, share=0.3, seed=1)
    assert again["faults"] == found["faults"]
    assert "| 3,000 |" in figures(found)


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_noticed(rule: Rule) -> None:
    assert simulate_faults(8_000, share=0.5, seed=1, without=rule)["doubled"] > 0


def test_without_faults_nothing_is_drawn() -> None:
    found = simulate_faults(1_000, share=0.0, seed=1)
    assert (found["copied"], found["faults"]) == (1_000, {})
