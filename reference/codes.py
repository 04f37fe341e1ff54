"""The table of codes of clips, imports and content checks, from their docstrings and from `docs/validation.md`."""

import ast
import inspect
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from benchmarks.pages import with_figures
from reference.text import table
from service.domain import codes
from service.domain.codes import KeptCode
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


def of_clips_and_imports() -> dict[str, str]:
    """Return by code a sentence that says what happened and what to do."""
    return _sentences(codes)


def of_content_checks() -> dict[str, str]:
    """Return by code a sentence that says what happened and what to do."""
    explained = {code: (seen, remedy) for code, seen, remedy in _ROW.findall(VALIDATION.read_text("utf-8"))}
    return {str(reason): " ".join(map(_sentence, explained[reason])) for reason in Reason}


def _sentences(module: ModuleType) -> dict[str, str]:
    """The docstring below each `NAME = "VALUE"` in the module's classes."""
    found: dict[str, str] = {}
    for one in ast.parse(inspect.getsource(module)).body:
        body = one.body if isinstance(one, ast.ClassDef) else []
        for line, below in itertools.pairwise(body):
            if (
                isinstance(line, ast.Assign)
                and isinstance(line.value, ast.Constant)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                found[str(line.value.value)] = " ".join(str(below.value.value).split())
    return found


def _lines() -> Iterator[str]:
    rows = [(f"`{code}`", _of(code), text) for code, text in of_clips_and_imports().items()]
    rows += [(f"`{code}`", "content check", text) for code, text in of_content_checks().items()]
    yield from table(("code", "of", "what happened, and what to do"), sorted(rows))


def _of(code: str) -> str:
    return "kept source" if code in KeptCode.__members__ else "clip, import"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."
