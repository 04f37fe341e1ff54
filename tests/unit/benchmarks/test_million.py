"""The import without a network, small: its own assertions hold, and it reports each phase."""

from pathlib import Path

from benchmarks.million import Phases, run


def test_it_runs_and_measures_each_phase(tmp_path: Path) -> None:
    phases = Phases()
    run(2_000, tmp_path, phases)
    assert {"plan", "copy and count", "retry of the failed", "plan again, unchanged"} <= set(phases.figures)
    assert all(set(one) == {"seconds", "cpu_seconds", "peak_rss_mb"} for one in phases.figures.values())
