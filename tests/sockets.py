"""Block the network in unit tests: opening a connection fails the test."""

import socket
from typing import NoReturn

import pytest


def refuse_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> NoReturn:
        raise AssertionError("a test of rules tried to open a network connection")

    # Patch `connect`, not the class: event loops make their own socket pair.
    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
