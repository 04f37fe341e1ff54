"""Start a server program, wait until it answers, stop it by its process id."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

HOST = "127.0.0.1"
START_SECONDS = 120.0
GRPC_OFFSET = 10_000
"""Offset of the second port that SeaweedFS uses for each of its servers."""


class ServerFailed(Exception):
    """The program exited or did not answer in time; the text is the end of its log."""


def free_ports(count: int) -> list[int]:
    """Find `count` free ports, each with a free one `GRPC_OFFSET` above it."""
    with ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = _take(held, 0)
            if port and port + GRPC_OFFSET <= 65_535 and _take(held, port + GRPC_OFFSET):
                ports.append(port)
        return ports


def _take(held: ExitStack, port: int) -> int:
    listener = held.enter_context(socket.socket())
    try:
        listener.bind((HOST, port))
    except OSError:
        return 0
    return int(listener.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str],
    *,
    log: Path,
    ready_url: str,
    ready_status: int | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Run a program in the folder of its `log` while the block runs, then kill it.

    It is ready once `ready_url` answers: with `ready_status`, or with anything if that is None. Raises `ServerFailed`.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent, env=env)
        try:
            _wait(process, log, ready_url, ready_status)
            yield
        finally:
            process.kill()  # Its folder is deleted anyway.
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", log: Path, url: str, status: int | None) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        answered = _status(url)
        if answered and answered == (status or answered):
            return
        time.sleep(0.05)
    raise ServerFailed(f"{url} does not answer: {log.read_text(errors='replace')[-2000:]}")


def _status(url: str) -> int | None:
    """Return the status of `url`; None if nothing answers. Uses no proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return None
