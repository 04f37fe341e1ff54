"""Show the progress of `clipferry upload`: a live bar on a terminal, lines in a pipe, or nothing."""

import threading
import time
from types import TracebackType

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from typing_extensions import Self

from clipferry.cli.display import BAR_WIDTH, LINE_SECONDS
from clipferry.cli.output import Output
from clipferry.cli.text import duration, size

MAX_LEFT_SECONDS = 7 * 86_400
"""A longer remaining time is not shown: too little has arrived to know it."""


class UploadDisplay:
    """Counts bytes of all files together. `add` may be called by any thread."""

    def __init__(self, out: Output, *, total: int) -> None:
        self._out, self._total, self._done = out, total, 0
        self._begun = self._said = time.monotonic()
        self._lock = threading.Lock()
        self._live = (
            Live(console=out.console, get_renderable=self.render, transient=True, redirect_stderr=False)
            if out.live
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def add(self, count: int) -> None:
        """Count bytes that have arrived, or that do not count after all."""
        with self._lock:
            self._done += count

    def draw(self) -> None:
        """Draw the bar, or print a line if the last one is older than `LINE_SECONDS`."""
        if self._live:
            self._live.refresh()
        elif time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            self._out.say(f"UPLOADING {self._sizes()} ({self._pace()})")

    def render(self) -> Group:
        """Draw the present state."""
        row = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=self._total or None, completed=self._done, width=BAR_WIDTH)
        row.add_row(Text("UPLOADING", style="bold blue"), bar, Text(self._sizes()))
        return Group(row, Text(self._pace(), style="dim"))

    def _sizes(self) -> str:
        return f"{size(self._done)} / {size(self._total)}"

    def _pace(self) -> str:
        """Format the rate, and the remaining time once there is something to go by."""
        seconds, left = time.monotonic() - self._begun, self._total - self._done
        rate = self._done / seconds if seconds > 0 else 0.0
        known = seconds >= LINE_SECONDS and 0 < left < rate * MAX_LEFT_SECONDS
        return f"{size(rate)}/s" + (f", {duration(left / rate)} left" if known else "")
