"""Markdown tables."""

from collections.abc import Iterator, Sequence


def cell(text: str) -> str:
    """One line that fits a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table and an empty one after it; nothing if there are no rows."""
    if rows:
        yield f"| {' | '.join(head)} |"
        yield f"|{'---|' * len(head)}"
        yield from (f"| {' | '.join(row)} |" for row in rows)
        yield ""
