"""How an import is shown while it runs: a live bar on a terminal, lines elsewhere, JSON where asked for."""

import time
from collections import deque
from types import TracebackType
from typing import Protocol, Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from clipferry.cli.output import Output, clean, duration, size
from clipferry.models.imports import Clip, Counts, Import

LINE_SECONDS = 2.0
"""Between two plain lines of one status."""
FAILURES = 5
"""Failures that the live display shows: those that were seen last."""
BAR_WIDTH = 30


class Display(Protocol):
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def update(self, job: Import, failed: list[Clip]) -> None:
        """`failed`: clips that were not seen to have failed before."""


def display_for(out: Output) -> Display:
    return JsonDisplay(out) if out.as_json else LiveDisplay(out) if out.live else PlainDisplay(out)


def counted(counts: Counts) -> str:
    """Which clips are where; nothing of what there is none of, but for the copied."""
    named = ("copied", "skipped", "failed", "cancelled", "pending")
    return ", ".join(f"{getattr(counts, name):,} {name}" for name in named if name == "copied" or getattr(counts, name))


def pace(job: Import) -> str:
    """`1,250 clips/s, 48.2 MB/s, 0:48 left`, of what is known."""
    parts = []
    if job.rate is not None and job.rate.clips and not job.ended:
        parts = [f"{job.rate.clips:,.1f} clips/s", f"{size(job.rate.bytes)}/s"]
    if job.eta_seconds is not None and not job.ended:
        parts.append(f"{duration(job.eta_seconds)} left")
    return ", ".join(parts)


class _Still:
    """A display that needs no clearing away."""

    def __init__(self, out: Output) -> None:
        self._out = out

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to clear away."""


class JsonDisplay(_Still):
    """The import each time that it has changed."""

    def __init__(self, out: Output) -> None:
        super().__init__(out)
        self._last: object = None

    def update(self, job: Import, failed: list[Clip]) -> None:  # noqa: ARG002
        seen = (job.status, job.run, job.counts, job.cancel_requested)
        if seen != self._last:
            self._out.json(job.raw)
        self._last = seen


class PlainDisplay(_Still):
    def __init__(self, out: Output) -> None:
        super().__init__(out)
        self._status, self._counts, self._at = "", "", 0.0

    def update(self, job: Import, failed: list[Clip]) -> None:
        text = counted(job.counts)
        due = time.monotonic() - self._at >= LINE_SECONDS and text != self._counts
        if not job.ended and (job.status != self._status or due):
            settled = f" {job.counts.settled:,}/{job.counts.total:,}: {text}" if job.counts.total else ""
            rate = pace(job)
            self._out.say(f"{job.status}{settled}{f' ({rate})' if rate else ''}")
            self._status, self._counts, self._at = job.status, text, time.monotonic()
        for clip in failed:
            self._out.say(f"FAILED {clip.source_uri}: {clip.code}: {clip.message}")


class LiveDisplay:
    def __init__(self, out: Output) -> None:
        self._job: Import | None = None
        self._failed: deque[Clip] = deque(maxlen=FAILURES)
        self._console = out.console
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
        job = self._job
        if job is None:
            return Group(Text("…", style="dim"))
        counts = job.counts
        bar = ProgressBar(total=counts.total or None, completed=counts.settled, width=BAR_WIDTH, pulse=not counts.total)
        share = f"{counts.settled / counts.total:>4.0%}" if counts.total else ""
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text("CANCELLING" if job.cancel_requested else job.status, style="bold blue"),
            bar,
            Text(f"{counts.settled:,}/{counts.total:,} {share}" if counts.total else "looking for clips"),
        )
        lines: list[RenderableType] = [
            head,
            Text(f"{counted(counts)}, {size(counts.bytes)}") if counts.total else Text(""),
        ]
        rate = pace(job)
        if rate:
            lines.append(Text(rate, style="dim"))
        if self._failed:
            lines.append(Text("last failures", style="red"))
            lines += [_failure(clip, self._console.width - 1) for clip in self._failed]
        return Group(*lines)


def _failure(clip: Clip, width: int) -> Text:
    """Code and source, of which the end is shown where it is too long; `clipferry clips --failed` has the sentence."""
    code, source = clean(clip.code or ""), clean(clip.source_uri)
    room = max(width - len(code) - 4, 10)
    return Text.assemble("  ", (code, "red"), "  ", source if len(source) <= room else f"…{source[-room + 1 :]}")
