"""Show the progress of an import as a bar: in notebooks and terminals alike."""

from typing import Any, Protocol

from clipferry.models.imports import ImportState


class Bar(Protocol):
    """Called with each state of the import; `close` is called once, after the last."""

    def __call__(self, job: ImportState) -> None: ...

    def close(self) -> None: ...


def progress_bar() -> Bar:
    """Make a bar of `tqdm`, if it is installed, else of `rich`. Both draw a widget or HTML in notebooks."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _RichBar()
    return _TqdmBar(tqdm)


class _TqdmBar:
    def __init__(self, tqdm: Any) -> None:
        self._bar = tqdm(total=0, unit=" clips")

    def __call__(self, job: ImportState) -> None:
        self._bar.set_description(job.status)
        self._bar.total, self._bar.n = job.counts.total, job.counts.settled
        self._bar.refresh()

    def close(self) -> None:
        self._bar.close()


class _RichBar:
    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self._progress = Progress(*columns)
        self._task = self._progress.add_task("", total=None)
        self._progress.start()

    def __call__(self, job: ImportState) -> None:
        counts = job.counts
        self._progress.update(
            self._task, description=job.status, completed=counts.settled, total=counts.total or None, refresh=True
        )

    def close(self) -> None:
        self._progress.stop()
