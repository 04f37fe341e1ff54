"""The shell and Python blocks of the Markdown pages, for the tests that check them and the one that runs them."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from local.config import ROOT

PAGES = [ROOT / "README.md", ROOT / "clipferry" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += [page for folder in ("start", "how-to") for page in sorted((ROOT / "docs" / folder).glob("*.md"))]
_BLOCK = re.compile(r'^( *)```(\w+)(?: title="([^"]+)")?\n(.*?)^\1```', re.MULTILINE | re.DOTALL)

NEEDS = "Needs "
"""The title of a block that runs on no local stack begins so, and says what it needs."""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> Iterator[tuple[str, str, str]]:
    """The language, the title (or "") and the text of each block of these languages, in the page's order."""
    for _, language, title, text in _BLOCK.findall(page.read_text("utf-8")):
        if language in languages:
            yield language, title, textwrap.dedent(text)
