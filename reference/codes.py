"""The table of codes of clips, imports and content checks, from their docstrings and from `docs/validation.md`."""

import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.pages import with_figures
from local.contract import sentences
from reference.text import table
from service.domain import codes
from service.formats.failures import Reason

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "codes.md"
VALIDATION = ROOT / "docs" / "validation.md"

BEGIN = "<!-- codes: written by python -m reference.renew -->"
END = "<!-- end of codes -->"

_ROW = re.compile(r"^\| `([A-Z0-9_]+)` \| (.+) \| (.+) \|$", re.MULTILINE)
"""A row of the tables of codes in `docs/validation.md`: code, what was seen, what to do."""


def renewed(page: str) -> str:
    """The page with the codes as the code's docstrings and `docs/validation.md` explain them now."""
    return with_figures(page, BEGIN, END, "\n".join(_lines()).rstrip())


def _lines() -> Iterator[str]:
    rows = [(f"`{code}`", "clip, import", text) for code, text in sentences(codes).items()]
    explained = {code: (seen, remedy) for code, seen, remedy in _ROW.findall(VALIDATION.read_text("utf-8"))}
    for reason in Reason:
        seen, remedy = explained[reason]
        rows.append((f"`{reason}`", "content check", f"{_sentence(seen)} {_sentence(remedy)}"))
    yield from table(("code", "of", "what happened, and what to do"), sorted(rows))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."
