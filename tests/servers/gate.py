"""An HTTP proxy in front of a store. It can require credentials and simulate network errors and throttling."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.servers.process import HOST

BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """An answer in place of the store's."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Cut:
    """Closes the connection after this many bytes of the body."""

    after: int


@dataclass(frozen=True)
class Slow:
    """Waits this many seconds before each small block of the body."""

    seconds: float
    block: int = 4096


Fault = Answer | Cut | Slow


@dataclass
class Gate:
    """Uses `faults` in order, one per request that `matches`. `permit` answers instead of the store, or gives None."""

    upstream: str
    permit: Callable[[Request], Answer | None] = lambda _: None
    matches: Callable[[Request], bool] = lambda _: True
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        with self.lock:
            self.faults.clear()
            self.requests.clear()
            self.matches = lambda _: True

    def fail(self, *faults: Fault, matches: Callable[[Request], bool] = lambda _: True) -> None:
        with self.lock:
            self.matches = matches
            self.faults[:] = faults

    def next_fault(self, request: Request) -> Fault | None:
        with self.lock:
            self.requests.append(request)
            return self.faults.pop(0) if self.faults and self.matches(request) else None


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run a server in threads of this process; yield its URL."""
    server = ThreadingHTTPServer((HOST, 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 without a log and without Nagle's delay."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)


@contextmanager
def gate_to(upstream: str) -> Iterator[Gate]:
    gate = Gate(upstream)

    class Proxy(Handler):
        def handle_one_request(self) -> None:
            with suppress(ConnectionError):
                super().handle_one_request()

        def forward(self) -> None:
            body = self.body()
            request = Request(self.command, self.path, dict(self.headers.items()))
            fault = gate.next_fault(request)
            refusal = fault if isinstance(fault, Answer) else gate.permit(request)
            if refusal:
                self.answer(refusal)
                return
            parts = urlsplit(gate.upstream)
            connection = http.client.HTTPConnection(parts.hostname or HOST, parts.port, timeout=60)
            try:
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("connection", "expect"):
                        connection.putheader(name, value)
                connection.endheaders(body or None)
                self.relay(connection.getresponse(), fault)
            finally:
                connection.close()

        def relay(self, response: http.client.HTTPResponse, fault: Fault | None) -> None:
            self.send_response_only(response.status)
            chunked = response.headers.get("Content-Length") is None and self.command != "HEAD"
            data = response.read() if chunked else b""
            for name, value in response.getheaders():
                if name.lower() not in ("connection", "transfer-encoding"):
                    self.send_header(name, value)
            if chunked and response.status not in (204, 304):
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            left = fault.after if isinstance(fault, Cut) else None
            block = fault.block if isinstance(fault, Slow) else BLOCK_BYTES
            while self.command != "HEAD" and (data := response.read(block if left is None else min(block, left))):
                if isinstance(fault, Slow):
                    time.sleep(fault.seconds)
                self.wfile.write(data)
                if left is not None:
                    left -= len(data)
                    if not left:
                        break
            if left is not None:
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = forward  # noqa: N815  # the base class's names

    with serving(Proxy) as url:
        gate.url = url
        yield gate
