"""Start a server's program, wait until it answers, end it by its process id."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

HOST = "127.0.0.1"
START_SECONDS = 60.0


class ServerFailed(Exception):
    """The program ended or did not answer in time; the text is the end of its log."""


def free_ports(count: int) -> list[int]:
    """Distinct ports that were free a moment ago, each with a free one 10,000 above (SeaweedFS's gRPC rule)."""
    with ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = _take(held, 0)
            if port and port < 55_536 and _take(held, port + 10_000):
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
def running(command: Sequence[str], *, log: Path, ready_url: str) -> Iterator[None]:
    """The program while the block runs. It is ready once `ready_url` answers anything."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent)
        try:
            _wait(process, log, ready_url)
            yield
        finally:
            process.kill()  # What it would still tidy up is thrown away.
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", log: Path, url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise ServerFailed(f"{url} does not answer: {log.read_text(errors='replace')[-2000:]}")
