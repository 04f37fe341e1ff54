"""The columns of lists: headers of a table, or fields of the JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from clipferry.cli.text import clean
from clipferry.decode import Model, names_of

_FORMULAS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""A spreadsheet takes a cell that begins so for a formula: the ASCII characters and their full-width forms."""

Cells = Mapping[str, str | Callable[[Any], object]]
"""The columns of a list: header → a field of the JSON (`counts.failed`), or a function of the row's model."""


def check_columns(columns: Sequence[str], cls: type[Model], cells: Cells) -> None:
    """Raise `click.UsageError` for a column that is neither a header nor a field."""
    known = [*cells, *(name for name in names_of(cls) if name not in cells)]
    for name in columns:
        if name not in cells and name.partition(".")[0] not in known:
            raise click.UsageError(f"--columns: there is no {name!r}; choose from {', '.join(known)}")


def value_of(one: Model, field: str | Callable[[Any], object]) -> object:
    """A column's value: of a function, or of the JSON, where `counts.failed` is a field of a field."""
    if callable(field):
        return field(one)
    value: object = one.raw
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def cell_of(value: object) -> str:
    """A value as text; other values than text as JSON."""
    if value is None:
        return ""
    return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def safe_in_spreadsheets(text: str) -> str:
    """Quote what a spreadsheet would run as a formula, as the CSV report does: object keys may be crafted so."""
    return f"'{text}" if text.startswith(_FORMULAS) else text
