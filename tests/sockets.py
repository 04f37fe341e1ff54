"""No network in tests of rules: whatever opens a connection fails the test."""

import socket
from typing import NoReturn

import pytest


def refuse_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> NoReturn:
        raise AssertionError("a test of rules tried to open a network connection")

    # `connect` and not the class: event loops make a socket pair of their own.
    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
