"""Unit tests open no sockets."""

import os
import socket
from typing import NoReturn

import pytest

from tests.builders import World

# Powertools reads them when the handlers are imported.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Clipferry")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "clipferry")


@pytest.fixture(autouse=True)
def _no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> NoReturn:
        raise AssertionError("a unit test tried to open a network connection")

    # `connect` and not the class: event loops make a socket pair of their own.
    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def world() -> World:
    return World()
