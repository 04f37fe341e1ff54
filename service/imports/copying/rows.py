"""Write clips' rows while other clips are still copied."""

from collections.abc import Callable, Iterable, Sequence
from threading import Condition, Thread
from typing import Self

from service.domain.clips import ClipRow

ROWS_A_WRITE = 100
"""Rows that are written as soon as they are there."""
WRITE_SECONDS = 5.0
"""How long fewer rows may wait. What a killed function copied before that has its rows."""


class RowWriter:
    """Collect rows and write them in a thread of its own, so that one slow clip does not hold back the others' rows.

    A context manager: leaving it writes the rest and raises what writing met.
    """

    def __init__(
        self,
        write: Callable[[Sequence[ClipRow]], Iterable[ClipRow]],
        *,
        rows_a_write: int = ROWS_A_WRITE,
        seconds: float = WRITE_SECONDS,
    ) -> None:
        self._write, self._rows_a_write, self._seconds = write, rows_a_write, seconds
        self._waiting: list[ClipRow] = []
        self.held: dict[int, ClipRow] = {}
        """By ordinal, what `write` returned: the rows that the written clips have now."""
        self._changed, self._closing = Condition(), False
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name="rows", daemon=True)

    def add(self, rows: Iterable[ClipRow]) -> None:
        """Never waits for the table. Raises what an earlier write met."""
        with self._changed:
            if self._error:
                raise self._error
            self._waiting += rows
            if len(self._waiting) >= self._rows_a_write:
                self._changed.notify()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        if not self._error:
            self._flush()
        if self._error and kind is None:
            raise self._error

    def _run(self) -> None:
        while not self._error:
            with self._changed:
                full = self._changed.wait_for(self._is_due, timeout=self._seconds)
                if self._closing:
                    return
            self._flush(whole_writes=full)

    def _is_due(self) -> bool:
        return self._closing or len(self._waiting) >= self._rows_a_write

    def _flush(self, *, whole_writes: bool = False) -> None:
        """`whole_writes`: leave the rows that do not fill a write, so that no transaction is small without need."""
        with self._changed:
            count = len(self._waiting)
            if whole_writes:
                count -= count % self._rows_a_write
            rows, self._waiting = self._waiting[:count], self._waiting[count:]
        try:
            if rows:
                self.held.update((row.ordinal, row) for row in self._write(rows))
        except BaseException as error:  # noqa: BLE001  # `add` and the end raise it
            self._error = error
