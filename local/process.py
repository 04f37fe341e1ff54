"""Servers that outlive the program that started them: each leads a process group and is ended by its own pid."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HOST = "127.0.0.1"
START_SECONDS = 120.0
GRACE_SECONDS = 3.0


class ServerError(Exception):
    """A server cannot be started; the text says why, in one line where the caller can mend it."""


@dataclass(frozen=True)
class Server:
    """A running server. `pid` leads its process group, which holds its workers too."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


def start(
    command: Sequence[str | Path], *, port: int, health: str, record: Path, log: Path, env: Mapping[str, str]
) -> Server:
    """Start a server in the folder of its `log` and wait until `GET {health}` answers 200.

    `record` keeps pid and port as soon as the process exists, so that what a crash leaves can be found and ended.
    Raises `ServerError` if the process ends or nothing answers within `START_SECONDS`.
    """
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            cwd=log.parent,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A session of its own: Ctrl-C in the terminal is ours to handle, and its workers can be ended as one group.
            start_new_session=True,
        )
    server = Server(pid=child.pid, port=port)
    try:
        record.write_text(json.dumps(asdict(server)))
        deadline = time.monotonic() + START_SECONDS
        while not healthy(server, health):
            if child.poll() is not None:
                raise ServerError(f"{log.stem} ended with code {child.returncode}:\n{_tail(log)}")
            if time.monotonic() > deadline:
                raise ServerError(f"{log.stem} does not answer within {START_SECONDS:.0f} s:\n{_tail(log)}")
            time.sleep(0.05)
    except BaseException:
        stop(server, record)
        raise
    # It outlives this process on purpose; without this, Popen's destructor warns of a child still running.
    child.returncode = 0
    return server


def stop(server: Server, record: Path) -> None:
    """End the server and its workers, and forget it. The log stays."""
    end_group(server.pid)
    record.unlink(missing_ok=True)


def recorded(record: Path, is_ours: Callable[[str], bool]) -> Server | None:
    """The server that `record` names, if that process is still there and `is_ours` knows its command line."""
    try:
        known = json.loads(record.read_text())
        server = Server(pid=int(known["pid"]), port=int(known["port"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return server if alive(server.pid) and is_ours(command_line(server.pid)) else None


def healthy(server: Server, path: str) -> bool:
    """Whether `GET {path}` answers 200 within 2 s."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(server.url + path, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def port_number(text: str) -> int:
    """The port that a user gives. Raises `ServerError` unless it is a number from 1 to 65535."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= 65_535:
        raise ServerError(f"{text!r} is not a port; give a number from 1 to 65535, or none for a free port")
    return number


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def check_port(port: int) -> None:
    """Raises `ServerError` if this port cannot be bound now."""
    with socket.socket() as probe:
        if sys.platform != "win32":
            # As the servers themselves do: connections of an earlier one in TIME_WAIT are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise ServerError(f"port {port} needs privileges; give one from 1024 on, or none") from error
        except OSError as error:
            raise ServerError(f"port {port} is in use; give another one, or none for a free one") from error


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


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
    """The command line of `pid`, empty if there is none. It tells our server from another process with a reused pid."""
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
        raise ValueError(f"{pid} cannot be the pid of a server")
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
