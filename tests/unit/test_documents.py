"""The Markdown pages: the index of decisions is complete, links and paths lead somewhere."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from local.config import ROOT
from service.domain.projects import Action

DECISIONS = ROOT / "docs" / "decisions"
ROW = re.compile(r"\| \[(\d+)\]\(([^)]+)\) \| (.+) \| \d{4}-\d{2}-\d{2} \| (?:accepted|superseded by \d+)[^|]*\|")
PATH = re.compile(r"(?<![\w./])(?:benchmarks|clipferry|lambdas|local|service|stacks|tests)/[\w/]+\.(?:json|py)\b")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def anchors(page: Path) -> Iterator[str]:
    """The headings' anchors, as GitHub makes them."""
    for line in page.read_text().splitlines():
        if heading := re.match(r"#+ (.+)", line):
            kept = re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading[1]).lower())
            yield kept.replace(" ", "-")


def test_the_index_lists_each_decision_with_its_number_title_date_and_status() -> None:
    listed = {(match[2], match[1], match[3]) for match in ROW.finditer((DECISIONS / "README.md").read_text())}
    there = set()
    for record in DECISIONS.glob("[0-9]*.md"):
        number, title = record.read_text().splitlines()[0].removeprefix("# ").split(". ", 1)
        assert record.name.startswith(f"{int(number):04}-")
        there.add((record.name, number, title))
    assert listed == there


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = page if not path else (page.parent / path).resolve()
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_numbered_lists_have_all_their_lines_indented(page: Path) -> None:
    """Other lines end the list, and the site then counts the next item as 1 again."""
    between: list[str] | None = None
    for line in page.read_text().splitlines():
        item = re.match(r"(\d+)\. ", line)
        if item and item[1] != "1" and between is not None:
            assert not [one for one in between if one and not one.startswith(" ")], line
        if item or line.startswith("#"):
            between = [] if item else None
        elif between is not None:
            between.append(line)


def test_the_api_page_lists_the_actions_of_the_audit() -> None:
    [sentence] = re.findall(
        r"^The actions are (.+?)\.\s", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert sorted(re.findall(r"`([\w.]+)`", sentence)) == sorted(Action)


def test_the_pages_name_the_cost_of_a_deployment_that_the_table_has() -> None:
    costs = (ROOT / "docs" / "costs.md").read_text()
    table = costs.partition("## What a deployment costs between imports\n")[2].partition("| **total** | | **")
    total = table[2].partition("**")[0]
    assert sum(map(Decimal, re.findall(r"\| (\d+\.\d\d) \|$", table[0], re.MULTILINE))) == Decimal(total)
    for page in (ROOT / "README.md", ROOT / "docs" / "start" / "deploy.md"):
        assert re.findall(r"\[\$([\d.]+) a month\]", page.read_text()) == [total]


def test_each_threat_names_tests_that_exist() -> None:
    rows = [line for line in (ROOT / "docs" / "security.md").read_text().splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    for row in rows:
        named = TEST.findall(row.rsplit(" | ", 1)[1])
        assert named, row
        missing = [f"{path}::{name}" for path, name in named if f"def {name}(" not in (ROOT / path).read_text()]
        assert not missing


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_paths_name_files(page: Path) -> None:
    missing = [path for path in PATH.findall(page.read_text()) if not (ROOT / path).exists()]
    assert missing == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_lines_of_text_are_wrapped(page: Path) -> None:
    """Tables, headings, code and what programs write may be longer, and so may the targets of links."""
    text = re.sub(r"^ *```.*?^ *```$|^<!-- \w+: .*?^<!-- end of", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    lines = [re.sub(r"\]\([^)]*\)", "]", line) for line in text.splitlines() if not re.match(r"\s*[|#!<]", line)]
    assert [line for line in lines if len(line) > 130] == []
