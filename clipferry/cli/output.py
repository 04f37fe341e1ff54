"""What is printed: tables on a terminal, tab-separated lines elsewhere, JSON lines where asked for."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

KEPT_WHOLE = 2 / 3
"""Of the terminal's width: the first columns (ids, statuses) that together fit into that are not folded."""
MEASURED_ROWS = 200
"""A table's columns are as wide as they need to be for its first rows; longer lists go on with lines."""

COLOURS = {
    "COMPLETED": "green",
    "COPIED": "green",
    "SKIPPED": "cyan",
    "COMPLETED_WITH_ERRORS": "yellow",
    "CANCELLED": "yellow",
    "FAILED": "red",
}


def clean(text: object) -> str:
    """Text of others as it may be shown: a key could otherwise steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def size(count: float) -> str:
    """`48.2 MB`: powers of 1,000, as stores bill."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError("TB ends it")


def duration(seconds: float) -> str:
    """`0:48`, `1:02:03`"""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Output:
    """Where a verb prints. `as_json`: one JSON object a line on stdout, and nothing else there."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(highlight=False, soft_wrap=True)
        self.errors = Console(stderr=True, highlight=False, soft_wrap=True)

    @property
    def live(self) -> bool:
        """Whether a display may move."""
        return self.console.is_terminal and not self.as_json

    def json(self, document: object) -> None:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()

    def say(self, text: str, style: str | None = None) -> None:
        if not self.as_json:
            self._line(clean(text), style)

    def _line(self, text: str, style: str | None = None) -> None:
        """On a terminal with its colour; elsewhere exactly the text."""
        if self.console.is_terminal:
            self.console.print(Text(text, style=style or ""))
        else:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def note(self, text: str, style: str | None = None) -> None:
        """For the person at the terminal, not for what reads stdout."""
        self.errors.print(Text(clean(text), style=style or ""))

    def fields(self, rows: Mapping[str, object]) -> None:
        """Names and values; those that are None are left out."""
        shown = {name: clean(value) for name, value in rows.items() if value is not None}
        width = max(map(len, shown), default=0)
        for name, value in shown.items():
            if self.console.is_terminal:
                self.console.print(Text.assemble((f"{name:<{width}}  ", "dim"), (value, COLOURS.get(value, ""))))
            else:
                self._line(f"{name}\t{value}")

    def when(self, time: str | None) -> str | None:
        """An ISO time in UTC, on a terminal to the minute: `2026-01-31 12:05Z`."""
        return f"{time[:10]} {time[11:16]}Z" if time and self.console.is_terminal else time

    def rows(self, headers: Sequence[str], rows: Iterable[tuple[Mapping[str, Any], Sequence[object]]]) -> None:
        """A list of (JSON, cells), printed as it comes in."""
        if self.as_json:
            for document, _ in rows:
                self.json(document)
            return
        cells = (["" if cell is None else clean(cell) for cell in row] for _, row in rows)
        if not self.console.is_terminal:
            for row in cells:
                self._line("\t".join(row))
            return
        first = list(islice(cells, MEASURED_ROWS))
        if not first:
            self.note("none", "dim")
            return
        table = Table(*_columns(headers, first, self.console.width), box=None, header_style="dim")
        for row in first:
            table.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in row))
        self.console.print(table, soft_wrap=False)
        for row in cells:
            self.console.print(Text(" " + "  ".join(row)))


def _columns(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[Column]:
    """The first columns keep their width as far as `KEPT_WHOLE` goes, the others share the rest by what they need."""
    needed = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    whole = 0
    while whole < len(needed) and sum(needed[: whole + 1]) + 2 * (whole + 1) <= width * KEPT_WHOLE:
        whole += 1
    shares, left = list(needed), width - sum(needed[:whole]) - 2 * len(needed)
    flexible = sorted(range(whole, len(needed)), key=needed.__getitem__)
    for position, index in enumerate(flexible):
        shares[index] = min(needed[index], max(left // (len(flexible) - position), 1))
        left -= shares[index]
    return [Column(header, overflow="fold", width=share) for header, share in zip(headers, shares, strict=True)]
