"""Servers for the tests of this folder, on loopback, always stopped: SeaweedFS, and a bare emulator."""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from local import emulator as emulators
from local.config import ROOT, StateDir
from tests.servers.emulated import Emulated
from tests.servers.seaweed import ADMIN, seaweed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator["S3Client"]:
    """Return a client of SeaweedFS with the settings of the service's own client."""
    config = Config(
        s3={"addressing_style": "path"},
        max_pool_connections=32,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        proxies={},
    )
    with seaweed(tmp_path_factory.mktemp("seaweed") / "seaweed") as url:
        yield boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=ADMIN.access_key_id,
            aws_secret_access_key=ADMIN.secret_access_key,
            config=config,
        )


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulated]:
    """Run an emulator without any deployment."""
    state = StateDir(ROOT / ".local" / f"bare{os.environ.get('PYTEST_XDIST_WORKER', '')}")
    state.path.mkdir(parents=True, exist_ok=True)
    started = emulators.start(state)
    try:
        yield Emulated(started.url)
    finally:
        emulators.stop(state, started)
        shutil.rmtree(state.path)
