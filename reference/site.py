"""Hooks of MkDocs: add the generated pages and the repository's own, and show both as the repository shows them.

Pages are written for the repository, where links lead to any file. The site has `docs/` and the pages of `ROOT_PAGES`;
links to other files, mostly source code, become plain text there. Python-Markdown, unlike GitHub, needs an empty line
before a list or a table.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
GENERATED = ROOT / "build" / "reference"

ROOT_PAGES = {name: f"project/{name.lower()}" for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")}
"""Pages beside `docs/`, with their places on the site."""

_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")

_BEGINS = re.compile(r"- |1\. |\| ")
"""The first line of a list or a table."""

_CONTINUES = re.compile(r"\s*([-*]|\d+\.) | {2}|\|")
"""A line of a list or a table that goes on."""


def on_files(files: Any, config: Any) -> Any:
    for page in sorted(GENERATED.glob("*.md")):
        files.append(File.generated(config, f"reference/{page.name}", content=page.read_text("utf-8")))
    for name, place in ROOT_PAGES.items():
        files.append(File.generated(config, place, content=(ROOT / name).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    return with_empty_lines(with_links_of_the_site(markdown, page.file.src_uri))


def with_empty_lines(markdown: str) -> str:
    """The text with an empty line between a paragraph and the list or table that follows it at once."""
    lines: list[str] = []
    code = False
    for line in markdown.split("\n"):
        before = lines[-1] if lines else ""
        code ^= line.startswith("```")
        if not code and _BEGINS.match(line) and before and not _CONTINUES.match(before):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def with_links_of_the_site(markdown: str, place: str) -> str:
    """The text of the page at `place` of the site, with its relative links as the site has them."""
    source = next((name for name, there in ROOT_PAGES.items() if there == place), f"docs/{place}")

    def moved(match: re.Match[str]) -> str:
        text, target = match.groups()
        path, mark, anchor = target.partition("#")
        if "://" in target or not path or target.startswith("mailto:"):
            return match[0]
        found = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if found not in ROOT_PAGES and not found.startswith("docs/"):
            return text
        there = ROOT_PAGES.get(found, found.removeprefix("docs/"))
        return f"[{text}]({posixpath.relpath(there, posixpath.dirname(place) or '.')}{mark}{anchor})"

    return _LINK.sub(moved, markdown)
