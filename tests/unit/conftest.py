"""Unit tests open no sockets."""

import os

import pytest

from tests.builders import World
from tests.sockets import refuse_sockets

# Powertools reads them when the handlers are imported.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Clipferry")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "clipferry")


@pytest.fixture(autouse=True)
def _no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_sockets(monkeypatch)


@pytest.fixture
def world() -> World:
    return World()
