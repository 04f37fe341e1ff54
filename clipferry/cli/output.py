"""Print results: tables on a terminal, tab-separated lines in a pipe, or the format that `--output` names."""

import csv
import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import Any

from rich.console import Console
from rich.text import Text

from clipferry.cli.columns import Cells, cell_of, check_columns, safe_in_spreadsheets, value_of
from clipferry.cli.table import GAP, line, widths
from clipferry.cli.text import clean, relative
from clipferry.decode import Model

FORMATS = ("table", "json", "jsonl", "csv", "tsv")
MEASURED_ROWS = 200
"""The widths of a table's columns are those of its first rows."""

COLOURS = {
    "COMPLETED": "green",
    "COPIED": "green",
    "SKIPPED": "cyan",
    "COMPLETED_WITH_ERRORS": "yellow",
    "CANCELLED": "yellow",
    "FAILED": "red",
}


class Output:
    """Print in one format. `columns` selects the columns of lists, `quiet` prints only the id or one column."""

    def __init__(self, form: str | None = None, *, columns: Sequence[str] = (), quiet: bool = False) -> None:
        self.form = form
        self.columns = columns
        self.quiet = quiet
        self.console = Console(highlight=False, soft_wrap=True)
        self.errors = Console(stderr=True, highlight=False, soft_wrap=True)

    @property
    def as_json(self) -> bool:
        """Whether results and errors are JSON."""
        return self.form in ("json", "jsonl")

    @property
    def for_people(self) -> bool:
        """Whether progress and sentences may be printed on stdout."""
        return self.form in (None, "table") and not self.quiet

    @property
    def live(self) -> bool:
        """Whether a display may move."""
        return self.console.is_terminal and self.for_people

    def json(self, document: object) -> None:
        """Print a document: on one line, or indented with `--output json`."""
        self._write(json.dumps(document, indent=2 if self.form == "json" else None))

    def say(self, text: str, style: str | None = None) -> None:
        """Print a sentence on stdout, if the format is for people."""
        if self.for_people:
            self._line(Text(clean(text), style=style or ""))

    def note(self, text: str, style: str | None = None) -> None:
        """Print a sentence on stderr, unless results are JSON: stderr has only errors then, as JSON."""
        if not self.as_json:
            self.error(text, style)

    def error(self, text: str, style: str | None = None) -> None:
        """Print a line on stderr. If that is not possible, the exit code must do."""
        with suppress(OSError):
            self.errors.print(Text(clean(text), style=style or ""))

    def hint(self, text: str) -> None:
        """Print on stderr what the user can do next, unless a program reads the output."""
        if self.for_people:
            self.note(text)

    def done(self, document: Mapping[str, Any], sentence: str, *, subject: str) -> None:
        """Report that a verb has changed something. `subject` is what `--quiet` prints, such as its id."""
        self.show(document, {}, sentence=sentence, subject=subject)

    def show(
        self,
        document: Mapping[str, Any],
        fields: Mapping[str, object],
        *,
        sentence: str | None = None,
        subject: str | None = None,
    ) -> None:
        """Print one thing: its JSON, or the names and values of `fields` that are not None."""
        if self.as_json:
            self.json(document)
        elif self.form in ("csv", "tsv"):
            named = fields or document
            self._delimited(list(named), [[cell_of(value) for value in named.values()]])
        elif self.quiet:
            self._write(clean(subject or next(iter(fields.values()))))
        elif sentence:
            self.say(sentence)
        else:
            self._fields({name: clean(value) for name, value in fields.items() if value is not None})

    def when(self, time: str | None) -> str | None:
        """An ISO time; in tables for a terminal relative to now."""
        return relative(time) if time and self._is_table and self.console.is_terminal else time

    def rows(
        self,
        cls: type[Model],
        found: Iterable[Model],
        cells: Cells,
        *,
        shorten: Collection[str] = (),
        subject: str | None = None,
    ) -> None:
        """Print a list while it is read. `shorten` names the columns that a terminal may show shortened.

        `subject` is the column that `--quiet` prints; by default, and with `--columns`, it prints the first one.
        Raises `click.UsageError`, before anything is read, if `--columns` names a column that does not exist.
        """
        check_columns(self.columns, cls, cells)
        if self.as_json:
            self._documents(
                {name: value_of(one, cells.get(name, name)) for name in self.columns} if self.columns else one.raw
                for one in found
            )
            return
        headers = list(self.columns or cells)
        rows = ([cell_of(value_of(one, cells.get(name, name))) for name in headers] for one in found)
        if self.form in ("csv", "tsv"):
            self._delimited(headers, rows)
        elif self.quiet:
            printed = headers.index(subject) if subject and not self.columns else 0
            for row in rows:
                self._write(row[printed])
        elif self._is_table:
            # Fields that --columns names may be long, as `destination` is. Ids stay whole, because people copy them.
            fields = {name for name in headers if name not in cells and not name.endswith("id")}
            self._table(headers, rows, {*shorten, *fields})
        else:
            for row in rows:
                self._write("\t".join(row))

    @property
    def dots(self) -> str:
        """What stands for text that is cut, in the terminal's encoding."""
        return "..." if self.console.options.ascii_only else "…"

    @property
    def on_terminal(self) -> bool:
        """Whether lists are tables on a terminal, whose lines have an end."""
        return self._is_table and self.console.is_terminal and not self.quiet

    @property
    def _is_table(self) -> bool:
        return self.form == "table" or (self.form is None and self.console.is_terminal)

    def _documents(self, documents: Iterable[object]) -> None:
        if self.form == "json":
            self.json(list(documents))
            return
        for one in documents:
            self.json(one)

    def _delimited(self, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        if self.form == "tsv":
            for row in chain([headers], rows):
                self._write("\t".join(row))
            return
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(headers)
        for row in rows:
            writer.writerow(map(safe_in_spreadsheets, row))
            sys.stdout.flush()

    def _table(self, headers: Sequence[str], rows: Iterable[Sequence[str]], flexible: Collection[str]) -> None:
        rows = iter(rows)
        first = list(islice(rows, MEASURED_ROWS))
        if not first:
            self.note("none", "dim")
            return
        width = self.console.width if self.console.is_terminal else sys.maxsize
        columns = widths(headers, first, width, flexible=flexible, keep_all=bool(self.columns))
        self._line(Text(GAP.join(line(headers, columns, self.dots)).rstrip(), style="dim"))
        for row in chain(first, rows):
            text = Text(GAP).join(Text(cell, COLOURS.get(cell.strip(), "")) for cell in line(row, columns, self.dots))
            text.rstrip()
            self._line(text)
        if len(columns) < len(headers):
            hidden = ", ".join(headers[len(columns) :])
            self.note(f"no room for {hidden}: choose with --columns, or use --output json", "dim")

    def _fields(self, shown: Mapping[str, str]) -> None:
        width = max(map(len, shown), default=0)
        for name, value in shown.items():
            if self._is_table:
                self._line(Text.assemble((f"{name:<{width}}  ", "dim"), (value, COLOURS.get(value, ""))))
            else:
                self._write(f"{name}\t{value}")

    def _line(self, text: Text) -> None:
        """Print with colours on a terminal, and without them elsewhere."""
        if self.console.is_terminal:
            self.console.print(text)
        else:
            self._write(text.plain)

    def _write(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
