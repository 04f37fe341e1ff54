"""A check and the line that shows it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from clipferry import ClipferryError

FAULTS = (AssertionError, BotoCoreError, ClientError, ClipferryError, httpx.HTTPError, OSError, LookupError)
"""What a check that fails raises. Anything else is a mistake of this tool's."""
Run = Callable[..., str]
"""A check: returns what it saw. Raises one of `FAULTS`, or `Skipped`."""


class Skipped(Exception):
    """The check cannot run here; the text says why, and what it needs."""


def check(name: str, advice: str) -> Callable[[Run], Run]:
    """Make a method a check. `advice` says what to do where it fails."""

    def named(run: Run) -> Run:
        run.__dict__["check"] = (name, advice)
        return run

    return named


@dataclass
class Tally:
    """Prints a line for each check and counts them."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    say: Callable[[str], None] = field(default=lambda line: print(line, flush=True), repr=False)

    def run_all(self, suite: object) -> None:
        """Run the suite's checks in the order of their definition."""
        for run in vars(type(suite)).values():
            if told := getattr(run, "check", None):
                name, advice = told
                self.run(name, advice, partial(run, suite))

    def run(self, name: str, advice: str, work: Run) -> None:
        try:
            seen = work()
        except Skipped as reason:
            self.skipped += 1
            self.say(f"- {name}: skipped: {reason}")
        except FAULTS as error:
            self.failed += 1
            self.say(f"✗ {name}: {' '.join(str(error).split()) or type(error).__name__}\n  → {advice}")
        else:
            self.passed += 1
            self.say(f"✓ {name}: {seen}")


def expect(holds: bool, otherwise: object) -> None:
    """Raise `AssertionError` with this text unless it holds."""
    if not holds:
        raise AssertionError(otherwise)


def denied(call: Callable[[], Any], *codes: str) -> str:
    """Return the code with which the service refuses the call, which must be one of `codes`."""
    try:
        call()
    except ClipferryError as error:
        expect(error.code in codes, f"it was refused with {error.code}, not {' or '.join(codes)}")
        return error.code
    raise AssertionError("it was not refused")
