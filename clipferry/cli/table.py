"""Tables for terminals: one line a row, whatever the width."""

from collections.abc import Collection, Sequence

from rich.cells import cell_len

from clipferry.cli.text import shorten

GAP = "  "
MIN_WIDTH = 12
"""A column that may be shortened keeps at least this width; if there is no room for it, it is left out."""


def widths(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    room: int,
    *,
    flexible: Collection[str],
    keep_all: bool = False,
) -> list[int]:
    """The widths of the columns that fit into `room`: shorten those in `flexible`, then leave out from the right.

    Ids and statuses are not `flexible`, because people copy them. `keep_all` leaves out nothing: lines may be longer.
    """
    needed = [max(map(cell_len, column)) for column in zip(headers, *rows, strict=True)]
    least = [min(n, MIN_WIDTH) if name in flexible else n for name, n in zip(headers, needed, strict=True)]
    while len(least) > 1 and not keep_all and _total(least) > room:
        least.pop()
    left = max(room - _total(least), 0)
    # Columns that need little more get it first; the others share what is left.
    growing = sorted(range(len(least)), key=lambda at: needed[at] - least[at])
    for position, at in enumerate(growing):
        more = min(needed[at] - least[at], left // (len(growing) - position))
        least[at] += more
        left -= more
    return least


def line(cells: Sequence[str], columns: Sequence[int], dots: str) -> list[str]:
    """The cells of one row that have a column, each shortened and padded to its width."""
    cut = [shorten(cell, width, dots=dots) for cell, width in zip(cells, columns, strict=False)]
    return [cell + " " * (width - cell_len(cell)) for cell, width in zip(cut, columns, strict=True)]


def _total(columns: Sequence[int]) -> int:
    return sum(columns) + len(GAP) * (len(columns) - 1)
