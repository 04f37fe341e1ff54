"""The tests' servers write only inside the checkout, and remove their files when they stop."""

from pathlib import Path
from urllib.parse import urlsplit

from local.config import CACHE
from tests.servers.process import GRPC_OFFSET
from tests.servers.seaweed import seaweed


def test_temporary_folders_lie_in_the_checkout(tmp_path: Path) -> None:
    assert tmp_path.is_relative_to(CACHE)


def test_seaweedfs_leaves_no_socket_in_the_temporary_folder(tmp_path: Path) -> None:
    with seaweed(tmp_path / "seaweed") as url:
        port = urlsplit(url).port or 0
        sockets = [Path(f"/tmp/seaweedfs-s3-grpc-{port + GRPC_OFFSET}.sock"), Path(f"/tmp/seaweedfs-s3-{port}.sock")]
        assert [path.exists() for path in sockets] == [True, False]
    assert not any(path.exists() for path in sockets)


def test_the_sockets_of_seaweedfs_need_no_short_path(tmp_path: Path) -> None:
    folder = tmp_path / ("a-long-name-" * 12)
    with seaweed(folder):
        assert (folder / "filer.sock").is_socket()
        assert (folder / "s3.sock").is_socket()
