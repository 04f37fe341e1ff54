"""`clipferry imports failures`"""

import json
from functools import cache
from importlib.resources import files

from clipferry.cli.app import App
from clipferry.cli.columns import Cells
from clipferry.cli.ids import import_argument
from clipferry.cli.verbs import verb
from clipferry.models.failures import FailureGroup, Failures


@verb(lists=True)
@import_argument
def failures(app: App, *, import_id: str) -> None:
    """Count an import's failed and cancelled clips by code, and say what to do."""
    found = app.client.imports.failures(import_id)
    if app.out.as_json and not app.out.columns:
        app.out.json(found.raw)
        return
    shown = not app.out.on_terminal or "next" in app.out.columns
    app.out.rows(FailureGroup, found.groups, _CELLS if shown else _SHORT, shorten=("example", "next"))
    if found.groups:
        _print_advice(app, import_id, found, sentences=not shown)


def _print_advice(app: App, import_id: str, found: Failures, *, sentences: bool) -> None:
    """Print what to do on stderr: for each code where the table has no room for a sentence, and for all clips."""
    for group in found.groups if sentences else ():
        app.out.hint(f"{group.code}: {_what_to_do(group)}")
    if not found.complete:
        app.out.hint("There are more failures: each number means at least this many clips.")
    for status in sorted({group.status for group in found.groups}, reverse=True):
        option = "--failed" if status == "FAILED" else f"--status {status}"
        app.out.hint(f"Which clips:           clipferry clips {import_id} {option}")
    app.out.hint(f"Try again:             clipferry retry {import_id} --watch")
    if any(group.failed_check for group in found.groups):
        app.out.hint(f"Copy without a check:  clipferry retry {import_id} --content-validation none --watch")


def _what_to_do(group: FailureGroup) -> str:
    return _sentences().get(group.code, "this version of the command line does not know the code; see the message")


@cache
def _sentences() -> dict[str, str]:
    """Return by code a sentence that says what happened and what to do."""
    found: dict[str, str] = json.loads((files("clipferry.cli") / "codes.json").read_text("utf-8"))
    return found


def _example(group: FailureGroup) -> str | None:
    return group.examples[0].source_uri if group.examples else None


_SHORT: Cells = {"code": "code", "status": "status", "clips": "count", "example": _example}
_CELLS: Cells = {**_SHORT, "next": _what_to_do}
