"""Write rows in the thread that adds them, so that no clock decides when."""

from collections.abc import Callable, Iterable, Sequence
from typing import Self

from service.domain.clips import ClipRow

ROWS_A_WRITE = 2


class RowsAtOnce:
    """In the place of `service.imports.copying.rows.RowWriter`, whose thread writes while others copy."""

    def __init__(self, write: Callable[[Sequence[ClipRow]], Iterable[ClipRow]]) -> None:
        self._write = write
        self._waiting: list[ClipRow] = []
        self.held: dict[int, ClipRow] = {}

    def add(self, rows: Iterable[ClipRow]) -> None:
        self._waiting += rows
        if len(self._waiting) >= ROWS_A_WRITE:
            self._flush()

    def _flush(self) -> None:
        rows, self._waiting = self._waiting, []
        self.held.update((row.ordinal, row) for row in self._write(rows))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if self._waiting and (kind is None or issubclass(kind, Exception)):
            self._flush()
