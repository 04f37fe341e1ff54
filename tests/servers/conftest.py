"""A SeaweedFS server with its S3 gateway, on loopback, for the tests of this folder; ended in any case."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HOST = "127.0.0.1"
GRPC_OFFSET = 10_000
"""SeaweedFS takes for each of its servers a second port, so much above the first."""
START_SECONDS = 30.0
KEY = {"accessKey": "test", "secretKey": "secret"}
IDENTITY = {"name": "tests", "credentials": [KEY], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}


def free_ports(count: int) -> list[int]:
    """Ports that are free, as those `GRPC_OFFSET` above them are."""
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            first = held.enter_context(socket.socket())
            first.bind((HOST, 0))
            port = first.getsockname()[1]
            if port + GRPC_OFFSET > 65_535:
                port -= 2 * GRPC_OFFSET
            try:
                for number in {port, port + GRPC_OFFSET} - {first.getsockname()[1]}:
                    held.enter_context(socket.socket()).bind((HOST, number))
            except OSError:
                continue
            found.append(port)
    return found


def command(folder: Path, ports: list[int]) -> list[str]:
    weed = Path(sys.executable).parent / "weed"
    master, volume, filer, s3 = ports
    return [
        str(weed),
        "server",
        f"-dir={folder / 'data'}",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        f"-master.port={master}",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        f"-volume.port={volume}",
        "-volume.max=8",
        "-filer",
        f"-filer.port={filer}",
        f"-filer.localSocket={folder / 'filer.sock'}",
        "-s3",
        f"-s3.port={s3}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.iam=false",
        f"-s3.config={folder / 's3.json'}",
        f"-s3.localSocket={folder / 's3.sock'}",
    ]


def answers(url: str) -> bool:
    """Whether the gateway knows its identities: whoever has no key is refused then."""
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=2).close()
    except urllib.error.HTTPError as error:
        return error.code == 403
    except OSError:
        return False
    return False


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gateway's URL."""
    folder = tmp_path_factory.mktemp("seaweed")
    (folder / "data").mkdir()
    (folder / "s3.json").write_text(json.dumps({"identities": [IDENTITY]}))
    ports = free_ports(4)
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {"HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command(folder, ports), cwd=folder, env=env, stdout=log, stderr=log)
    try:
        url = f"http://{HOST}:{ports[-1]}"
        deadline = time.monotonic() + START_SECONDS
        while not answers(url):
            said = (folder / "log").read_text(errors="replace")[-2_000:]
            assert server.poll() is None, f"SeaweedFS ended:\n{said}"
            assert time.monotonic() < deadline, f"SeaweedFS does not answer:\n{said}"
            time.sleep(0.1)
        yield url
    finally:
        server.send_signal(signal.SIGKILL)  # its data is thrown away; asked to end, it waits for minutes
        server.wait()
        shutil.rmtree(folder / "data", ignore_errors=True)


@pytest.fixture(scope="session")
def s3(seaweed: str) -> "S3Client":
    """With the settings of the service's own client."""
    config = Config(
        s3={"addressing_style": "path"},
        max_pool_connections=32,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        proxies={},
    )
    return boto3.client(
        "s3",
        endpoint_url=seaweed,
        region_name="us-east-1",
        aws_access_key_id=KEY["accessKey"],
        aws_secret_access_key=KEY["secretKey"],
        config=config,
    )
