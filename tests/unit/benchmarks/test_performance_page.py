"""docs/performance.md: its figures are those of the last run, and stand there once."""

import json

from benchmarks.report import PAGE, PLOT, RESULTS, page, plot


def test_the_page_and_the_plot_have_the_figures_of_the_last_run() -> None:
    text, results = PAGE.read_text(), json.loads(RESULTS.read_text())
    assert page(text, results) == text
    assert plot(results["copy_on_a_stub_of_30_ms"]["tools"]) == PLOT.read_text()


def test_no_heading_occurs_twice() -> None:
    headings = [line for line in PAGE.read_text().splitlines() if line.startswith("#")]
    assert len(set(headings)) == len(headings), headings
