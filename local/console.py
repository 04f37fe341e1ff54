"""What the local tools print: one line a step, with its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

console = Console(highlight=False, soft_wrap=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show `title` while the block runs (a spinner on a terminal), then one line with the time that it took."""
    begun = time.monotonic()
    with waiting(title):
        yield
    done(title, time.monotonic() - begun)


@contextmanager
def waiting(title: str) -> Iterator[None]:
    """A spinner while the block runs, on a terminal; nothing that stays."""
    if console.is_terminal:
        with console.status(escape(title)):
            yield
    else:
        yield


def heading(text: str) -> None:
    console.print(f"\n[bold]{escape(text)}[/]")


def say(text: str) -> None:
    console.print(f"  {text}", markup=False)


def done(text: str, seconds: float | None = None) -> None:
    took = "" if seconds is None else f" [dim]{seconds:.1f} s[/]"
    console.print(f"[green]✓[/] {escape(text)}{took}")


def fail(message: str) -> None:
    """Say why nothing more happens."""
    console.print(f"[bold red]✗[/] {escape(message)}")
