"""Ending a process that leads a group, by its own pid, so that its workers go with it."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

GRACE_SECONDS = 3.0


def alive(pid: int) -> bool:
    """Whether `pid` is a running process. A zombie, which only waits for its parent, is not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # "pid (name) state …"; the name may itself hold parentheses.
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state != "Z"


def command_line(pid: int) -> str:
    """The command line of `pid`, empty if there is none. Tells our emulator from a reused pid."""
    proc = Path(f"/proc/{pid}/cmdline")
    if proc.parent.parent.exists() and Path("/proc/self").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    answer = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def end_group(pid: int, grace_seconds: float = GRACE_SECONDS) -> None:
    """Terminate the process group that `pid` leads: SIGTERM, then after the grace SIGKILL for what is left.

    The group gets the second signal even if its leader is gone already, for workers that outlive it.
    """
    if pid <= 1:
        raise ValueError(f"{pid} cannot be the pid of an emulator")
    _signal_group(pid, signal.SIGTERM)
    if not _gone_within(pid, grace_seconds):
        _signal_group(pid, signal.SIGKILL)
        _gone_within(pid, grace_seconds)
    _signal_group(pid, signal.SIGKILL)


def _signal_group(pid: int, number: signal.Signals) -> None:
    # PermissionError is what macOS says of a group that holds only zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        # Reaps it where it is our own child; elsewhere its parent does.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False
