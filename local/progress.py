"""How the demo shows an import: a live bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import TracebackType
from typing import Any, Self

from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Column, Table

from local.console import console, say

COUNTED = ("pending", "copied", "skipped", "failed", "cancelled")
"""The counts of a job, of which each clip is in exactly one."""
LINE_SECONDS = 1.0


class CountsDisplay:
    """Shows one job's counts as they change, and its last state when it is left."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._begun = self._last_line = time.monotonic()
        self._last: tuple[str, Mapping[str, int]] | None = None
        self._bar = Progress(
            TextColumn(" "),
            SpinnerColumn(),
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[counts]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("PENDING", total=None, counts="")

    def __enter__(self) -> Self:
        say(f"import {self._job_id}")
        self._bar.start()
        return self

    def update(self, status: str, counts: Mapping[str, int]) -> None:
        total, settled = counts["total"], counts["total"] - counts["pending"]
        text = f"{settled}/{total} clips, {settled / self._seconds():.0f} a second\n{_counted(counts)}" if total else ""
        self._bar.update(self._task, description=status, total=total or None, completed=settled, counts=text)
        moved = total and self._last != (status, counts)
        if moved and not console.is_terminal and time.monotonic() - self._last_line > LINE_SECONDS:
            say(f"{status} {settled}/{total}: {_counted(counts)}")
            self._last_line = time.monotonic()
        self._last = (status, counts)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if self._last is not None:
            status, counts = self._last
            say(f"{status} after {self._seconds():.1f} s: {_counted(counts)}, {counts['bytes'] / 1e6:.2f} MB")

    def _seconds(self) -> float:
        return max(time.monotonic() - self._begun, 0.001)


def _counted(counts: Mapping[str, int]) -> str:
    """All counts, but `cancelled` only where there are any."""
    return ", ".join(
        f"{counts[name]} {name}"
        for name in ("copied", "skipped", "failed", "pending", "cancelled")
        if counts[name] or name != "cancelled"
    )


def outcome_table(clips: list[dict[str, Any]]) -> Table:
    """Which clips came, which did not, and why."""
    table = Table("Clip", "Status", "Code", Column("Why", overflow="fold"))
    colours = {"COPIED": "green", "SKIPPED": "green", "FAILED": "red"}
    for clip in clips:
        table.add_row(
            escape(PurePosixPath(clip["source_uri"]).name),
            f"[{colours.get(clip['status'], 'yellow')}]{clip['status']}[/]",
            escape(clip.get("code") or ""),
            escape(clip.get("message") or ""),
        )
    return table
