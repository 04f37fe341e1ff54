"""Measure this process: wall time, CPU time, memory. Linux only."""

import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from botocore.exceptions import BotoCoreError

from service.domain.errors import ClipferryError


def cpu_seconds() -> float:
    """Return the CPU time of this process so far: all threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_rss_mb() -> float:
    """Return `VmHWM`, since a process inherits `ru_maxrss` from the one that started it."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


@dataclass
class Stopwatch:
    """Adds up the time spent in its `with` blocks."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def __enter__(self) -> Self:
        self.seconds -= time.perf_counter()
        self.cpu_seconds -= cpu_seconds()
        return self

    def __exit__(self, *_error: object) -> None:
        self.seconds += time.perf_counter()
        self.cpu_seconds += cpu_seconds()

    def figures(self) -> dict[str, float]:
        return {"seconds": round(self.seconds, 3), "cpu_seconds": round(self.cpu_seconds, 3)}


def as_program(main: Callable[[], None]) -> None:
    """Run a program. A usage error or an error of the store is one line on stderr, and exit status 1."""
    try:
        main()
    except (BotoCoreError, ClipferryError) as error:
        sys.exit(str(error))


def use_endpoint(url: str | None) -> None:
    """Use another endpoint than AWS's, in the same way as a deployment's functions."""
    if url:
        os.environ["AWS_ENDPOINT_URL_S3"] = url
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
