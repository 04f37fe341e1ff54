"""The conformance table of docs/sources.md is the suite's: its cases, and the providers of each."""

import inspect

import pytest

from local.config import ROOT
from tests.sources import test_conformance
from tests.sources.conftest import providers_of
from tests.sources.stores import PROVIDERS

PAGE = ROOT / "docs" / "sources.md"
BEGIN, END = "<!-- conformance -->\n", "<!-- /conformance -->"


def table() -> str:
    """The suite as the page shows it; `python -m tests.unit.test_sources_page` writes it there."""
    lines = [f"| case | {' | '.join(PROVIDERS)} |", "|---|" + "---|" * len(PROVIDERS)]
    for name, test in inspect.getmembers(test_conformance, inspect.isfunction):
        if name.startswith("test_"):
            cells = ["yes" if provider in providers_of(test) else "-" for provider in PROVIDERS]
            lines.append(f"| {name.removeprefix('test_').replace('_', ' ')} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def shown(page: str) -> str:
    return page.split(BEGIN)[1].split(END)[0]


def test_the_page_shows_the_suite() -> None:
    assert shown(PAGE.read_text()) == table(), "run `python -m tests.unit.test_sources_page`"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_page_says_what_each_provider_is(provider: str) -> None:
    assert f"\n| {provider} | " in PAGE.read_text().split(BEGIN)[0]


if __name__ == "__main__":
    page = PAGE.read_text()
    PAGE.write_text(page.replace(f"{BEGIN}{shown(page)}{END}", f"{BEGIN}{table()}{END}"))
