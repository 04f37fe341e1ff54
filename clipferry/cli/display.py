"""Show a running import: a live bar on a terminal, lines in a pipe, JSON lines, or nothing."""

import time
from collections import deque
from types import TracebackType
from typing import Protocol

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from typing_extensions import Self

from clipferry.cli.output import Output
from clipferry.cli.text import clean, duration, shorten, size
from clipferry.job import Import
from clipferry.models.clips import Clip
from clipferry.models.imports import Counts

LINE_SECONDS = 2.0
"""Minimum time between two lines of the same status."""
FAILURES = 5
"""Number of failures that the live display shows, the latest ones."""
BAR_WIDTH = 30


class Display(Protocol):
    """Shows the states of one import."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def update(self, job: Import, failed: list[Clip]) -> None:
        """Show a new state. `failed` are the clips that have failed since the one before."""


def display_for(out: Output) -> Display:
    """Choose the display that fits the output."""
    if out.form == "jsonl":
        return JsonDisplay(out)
    if not out.for_people:
        return _Still(out)
    return LiveDisplay(out) if out.live else PlainDisplay(out)


def counted(counts: Counts) -> str:
    """Count clips by status: `297 copied, 3 failed`. Only the copied ones are named if there are none."""
    named = ("copied", "skipped", "failed", "cancelled", "pending")
    return ", ".join(f"{getattr(counts, name):,} {name}" for name in named if name == "copied" or getattr(counts, name))


def pace(job: Import) -> str:
    """Format speed and remaining time, if they are known: `1,250 clips/s, 48.2 MB/s, 0:48 left`."""
    parts = []
    if job.rate is not None and job.rate.clips and not job.ended:
        parts = [f"{job.rate.clips:,.1f} clips/s", f"{size(job.rate.bytes)}/s"]
    if job.eta_seconds is not None and not job.ended:
        parts.append(f"{duration(job.eta_seconds)} left")
    return ", ".join(parts)


def restoring(job: Import) -> str:
    """Say how far restores are: `12 of 40 clips wait for their restore (bulk: up to 48 h)`. Empty if none waits."""
    found = job.restores
    if found is None or not found.waiting or job.ended:
        return ""
    return (
        f"{found.waiting:,} of {found.requested:,} clips wait for their restore ({found.tier}: up to {found.hours} h)"
    )


class _Still:
    """Shows nothing while the import runs."""

    def __init__(self, out: Output) -> None:
        self._out = out

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave everything that was printed."""

    def update(self, job: Import, failed: list[Clip]) -> None:
        """Show nothing."""


class JsonDisplay(_Still):
    """Prints the import each time that it has changed."""

    def __init__(self, out: Output) -> None:
        super().__init__(out)
        self._last: object = None

    def update(self, job: Import, failed: list[Clip]) -> None:  # noqa: ARG002
        seen = (job.status, job.run, job.counts, job.cancel_requested, job.restores)
        if seen != self._last:
            self._out.json(job.raw)
        self._last = seen


class PlainDisplay(_Still):
    """Prints a line when the status changes, at intervals while clips are copied, and for each failure."""

    def __init__(self, out: Output) -> None:
        super().__init__(out)
        self._status, self._counts, self._at = "", "", 0.0

    def update(self, job: Import, failed: list[Clip]) -> None:
        text = ", ".join(filter(None, (counted(job.counts), restoring(job))))
        due = time.monotonic() - self._at >= LINE_SECONDS and text != self._counts
        if not job.ended and (job.status != self._status or due):
            finished = f" {job.counts.finished:,}/{job.counts.total:,}: {text}" if job.counts.total else ""
            rate = pace(job)
            self._out.say(f"{job.status}{finished}{f' ({rate})' if rate else ''}")
            self._status, self._counts, self._at = job.status, text, time.monotonic()
        for clip in failed:
            self._out.say(f"FAILED {clip.source_uri}: {clip.code}: {clip.message}")


class LiveDisplay:
    """Draws a bar, counts, speed and the latest failures, and erases them at the end."""

    def __init__(self, out: Output) -> None:
        self._job: Import | None = None
        self._failed: deque[Clip] = deque(maxlen=FAILURES)
        self._out = out
        self._live = Live(
            console=out.console, get_renderable=self.render, transient=True, refresh_per_second=8, redirect_stderr=False
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def update(self, job: Import, failed: list[Clip]) -> None:
        self._job = job
        self._failed.extend(failed)
        self._live.refresh()

    def render(self) -> Group:
        """Draw the present state."""
        job = self._job
        if job is None:
            return Group(Text(self._out.dots, style="dim"))
        counts = job.counts
        bar = ProgressBar(
            total=counts.total or None, completed=counts.finished, width=BAR_WIDTH, pulse=not counts.total
        )
        share = f"{counts.finished / counts.total:>4.0%}" if counts.total else ""
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text("CANCELLING" if job.cancel_requested else job.status, style="bold blue"),
            bar,
            Text(f"{counts.finished:,}/{counts.total:,} {share}" if counts.total else "looking for clips"),
        )
        lines: list[RenderableType] = [
            head,
            Text(f"{counted(counts)}, {size(counts.bytes)}") if counts.total else Text(""),
        ]
        waiting = restoring(job)
        if waiting:
            lines.append(Text(waiting))
        rate = pace(job)
        if rate:
            lines.append(Text(rate, style="dim"))
        if self._failed:
            lines.append(Text("last failures", style="red"))
            lines += [_failure(clip, self._out) for clip in self._failed]
        return Group(*lines)


def _failure(clip: Clip, out: Output) -> Text:
    """One failure on one line; `clipferry clips --failed` shows it whole."""
    code = clean(clip.code or "")
    room = max(out.console.width - len(code) - 5, 10)
    return Text.assemble("  ", (code, "red"), "  ", shorten(clean(clip.source_uri), room, dots=out.dots))
