"""Show the progress of an import as a bar: in notebooks and terminals alike."""

from html import escape
from typing import Any, Protocol

from clipferry.models.imports import ImportState


class Bar(Protocol):
    """Called with each state of the import; `close` is called once, after the last."""

    def __call__(self, job: ImportState) -> None: ...

    def close(self) -> None: ...


def progress_bar() -> Bar:
    """Make a bar of `tqdm`, if it is installed. Else make one of HTML in a notebook, and of `rich` elsewhere."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        from rich import get_console

        return _NotebookBar() if get_console().is_jupyter else _RichBar()
    return _TqdmBar(tqdm)


class _TqdmBar:
    def __init__(self, tqdm: Any) -> None:
        self._bar = tqdm(total=0, unit=" clips")

    def __call__(self, job: ImportState) -> None:
        self._bar.set_description(job.status)
        self._bar.total, self._bar.n = job.counts.total, job.counts.finished
        self._bar.refresh()

    def close(self) -> None:
        self._bar.close()


class _Drawn:
    """A state of an import, which a notebook shows as HTML, and its text where it cannot."""

    def __init__(self, status: str, finished: int, total: int) -> None:
        self._text = f"{status} {finished:,}/{total:,}" if total else status
        self._bar = f'<progress value="{finished}" max="{total}"></progress>' if total else "<progress></progress>"

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return f"{self._bar} {escape(self._text)}"


class _NotebookBar:
    """Redraws one output of a cell. The bar of `rich` shows nothing there without `ipywidgets`."""

    def __init__(self) -> None:
        from IPython.display import display

        self._output = display(_Drawn("", 0, 0), display_id=True)

    def __call__(self, job: ImportState) -> None:
        self._output.update(_Drawn(job.status, job.counts.finished, job.counts.total))

    def close(self) -> None:
        """Leave the last state."""


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
            self._task, description=job.status, completed=counts.finished, total=counts.total or None, refresh=True
        )

    def close(self) -> None:
        self._progress.stop()
