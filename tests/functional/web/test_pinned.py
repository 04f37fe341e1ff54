"""Connections to callers' URLs: to the address that was checked, and no longer than they may take."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from service.domain.errors import AccessDenied, SourceUnavailable
from service.domain.uris import Location
from service.sources.http import Asked, Http
from service.sources.hub import HubAdapter
from service.sources.patience import Patience
from service.sources.patient import PatientSource
from service.sources.port import Adapter, Pin
from service.sources.s3 import S3Keys, s3_with_keys
from service.web.addresses import AddressRule
from tests.functional.wire import Wire, answer, serving

AT = Location("s3", "clips", "a.zip")
ASKED = Asked("read", AT)
HEAD = ('ETag: "e"', "Last-Modified: Sun, 22 Nov 2026 17:00:00 GMT")


@dataclass
class Names:
    """A name server: the next addresses of any name, at last the last ones."""

    found: list[list[str]]
    asked: list[str] = field(default_factory=list)

    def __call__(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        return self.found.pop(0) if len(self.found) > 1 else self.found[0]


@pytest.fixture
def wire() -> Iterator[Wire]:
    with serving() as wire:
        yield wire


def s3_at(port: int, rule: AddressRule, *, scheme: str = "http") -> Adapter:
    return s3_with_keys(
        S3Keys(access_key_id="a", secret_access_key="s", endpoint_url=f"{scheme}://store.example.com:{port}"), rule=rule
    )


def test_a_connection_goes_to_the_address_that_was_checked_and_the_request_names_the_host(wire: Wire) -> None:
    names = Names([["127.0.0.1"], ["192.0.2.1"]])
    rule = AddressRule(allow_private=True, resolve=names)
    wire.answers.extend([answer(200, b"", *HEAD)] * 2)
    store = s3_at(wire.port, rule)
    assert store.stat(AT, None).etag == "e"
    assert store.stat(AT, None).etag == "e"
    assert names.asked == ["store.example.com"], "once for the connection, which is used again"
    assert wire.sent()[1]["Host"] == f"store.example.com:{wire.port}"


def test_http_of_the_other_providers_likewise(wire: Wire) -> None:
    names = Names([["127.0.0.1"]])
    http = Http.of(2, AddressRule(allow_private=True, resolve=names))
    wire.answers.append(answer(200, b"{}"))
    assert http.send("GET", f"http://hub.example.com:{wire.port}/x", {}, ASKED).status == 200
    assert names.asked == ["hub.example.com"]
    assert wire.sent()[1]["Host"] == f"hub.example.com:{wire.port}"


@pytest.mark.parametrize("inside", ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "::10.0.0.1", "fec0::1"])
def test_a_name_that_leads_elsewhere_by_then_is_not_connected_to(wire: Wire, inside: str) -> None:
    names = Names([["8.8.8.8"], [inside]])
    rule = AddressRule(resolve=names)
    rule.check(f"https://store.example.com:{wire.port}")
    with pytest.raises(AccessDenied, match="must resolve to public addresses only"):
        s3_at(wire.port, rule, scheme="https").stat(AT, None)
    with pytest.raises(AccessDenied, match="must resolve to public addresses only"):
        Http.of(1, rule).send("GET", f"https://store.example.com:{wire.port}/", {}, ASKED)
    assert not wire.connections


def test_the_next_address_is_tried_where_one_does_not_answer(wire: Wire) -> None:
    with closing(socket.create_server(("127.0.0.2", 0))) as taken:
        closed = taken.getsockname()[1]
    assert closed
    http = Http.of(1, AddressRule(allow_private=True, resolve=Names([["127.0.0.3", "127.0.0.1"]])))
    wire.answers.append(answer(200, b"{}"))
    assert http.send("GET", f"http://hub.example.com:{wire.port}/x", {}, ASKED).status == 200


@dataclass
class Dripping:
    """Sends `first`, then a byte every few milliseconds for some seconds, or as long as anybody reads."""

    first: bytes
    port: int = 0

    def serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65_536)
                connection.sendall(self.first)
                for _ in range(400):
                    connection.sendall(b"x")
                    threading.Event().wait(0.005)
            except OSError:
                return


@pytest.fixture
def dripping() -> Iterator[Callable[[bytes], int]]:
    """Starts one; its port."""
    listeners: list[socket.socket] = []

    def start(first: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=Dripping(first).serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


LOOPBACK = AddressRule(allow_private=True, resolve=lambda *_: ["127.0.0.1"])
HURRIED = Patience(attempts=5, request_seconds=0.2, part_seconds=0.2)


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"]
)
def test_a_request_that_drips_ends_when_its_time_is_over(dripping: Callable[[bytes], int], first: bytes) -> None:
    port = dripping(first)
    s3 = PatientSource(s3_at(port, LOOPBACK), HURRIED)
    hub = PatientSource(HubAdapter(rule=LOOPBACK, endpoint=f"http://hub.example.com:{port}"), HURRIED)
    at = Location("hf", "maker/clips", "a.zip")
    if b"Content-Length" not in first:  # an answer to HEAD has no body that could drip
        with pytest.raises(SourceUnavailable, match="did not answer in time"):
            s3.stat(AT)
    for slow in (lambda: list(s3.list_pages(AT)), lambda: hub.stat(at), lambda: list(hub.list_pages(at))):
        with pytest.raises(SourceUnavailable, match="did not answer in time"):
            slow()


def test_a_part_that_drips_ends_when_its_time_is_over(dripping: Callable[[bytes], int]) -> None:
    head = "\r\n".join(["HTTP/1.1 206 Partial Content", "Content-Length: 99999", 'ETag: "e"', "", ""])
    source = PatientSource(s3_at(dripping(head.encode()), LOOPBACK), HURRIED)
    with pytest.raises(SourceUnavailable, match="did not answer in time"):
        source.read(AT, 0, 99_999, Pin(size=99_999, etag="e"))
