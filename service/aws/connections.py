"""Connections to one endpoint that stay open between requests: one request at a time on each, by blocking threads."""

import os
import socket
import ssl
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from botocore.httpsession import get_cert_path
from httptools import HttpParserError, HttpResponseParser

from service.aws.clients import Patience

IDLE_SECONDS = 15.0
"""How long an idle connection is used again. S3 closes them after some 20 s, and a function may sleep for minutes."""
MAX_ANSWER_BYTES = 1024**2
"""Answers to copies are some 300 bytes."""
_READ_BYTES = 65_536


class Broken(Exception):
    """No answer: no connection, a time-out, an end too soon, or what came is not HTTP. The text is the fault's kind."""


class Stale(Broken):
    """An open connection was closed by the other side before it answered anything: it had been idle for too long."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Endpoint:
    host: str
    port: int
    tls: bool
    bucket_in_host: bool
    """`bucket.host`, as AWS wants it; stores behind an endpoint of their own take `host/bucket`."""

    def of_bucket(self, bucket: str) -> tuple[str, str]:
        """Host and the path's beginning. No certificate covers a bucket with dots, so such a one goes in the path."""
        if self.bucket_in_host and not (self.tls and "." in bucket):
            return f"{bucket}.{self.host}", ""
        return self.host, f"/{bucket}"

    def named(self, host: str) -> str:
        """The `Host` header."""
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


@dataclass
class Connections:
    """Those of one endpoint that are open and idle, by host. Opened when there is none: never more than are in use."""

    port: int
    tls: bool
    patience: Patience
    _idle: dict[str, "deque[Connection]"] = field(default_factory=dict, repr=False)

    def exchange(self, host: str, request: bytes) -> Answer:
        """Raises `Broken`. A stale connection is no fault: the request goes out once more, on a new one.

        So requests must be ones that can be repeated."""
        idle = self._idle.setdefault(host, deque())
        connection = self._take(idle)
        if connection:
            try:
                return self._on(connection, request, idle)
            except Stale:
                while idle:  # they are no younger
                    idle.pop().close()
        return self._on(Connection(host, self.port, _tls() if self.tls else None, self.patience), request, idle)

    @staticmethod
    def _take(idle: "deque[Connection]") -> "Connection | None":
        """The one that was used last, so that those which are not needed grow old."""
        while True:
            try:
                connection = idle.pop()
            except IndexError:
                return None
            if time.monotonic() - connection.used_at < IDLE_SECONDS:
                return connection
            connection.close()

    @staticmethod
    def _on(connection: "Connection", request: bytes, idle: "deque[Connection]") -> Answer:
        try:
            answer = connection.exchange(request)
        except BaseException:
            connection.close()
            raise
        if connection.is_open:
            idle.append(connection)
        else:
            connection.close()
        return answer


class Connection:
    """Raises `Broken` where it cannot be opened."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, patience: Patience) -> None:
        try:
            raw = socket.create_connection((host, port), patience.connect_seconds)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = tls.wrap_socket(raw, server_hostname=host) if tls else raw
            self._socket.settimeout(patience.read_seconds)
        except OSError as error:
            raise Broken(f"no connection to {host}: {_kind(error)}") from error
        self._used = False
        self.is_open = True
        self.used_at = time.monotonic()

    def exchange(self, request: bytes) -> Answer:
        """Raises `Broken`."""
        reading = _Reading()
        parser = HttpResponseParser(reading)
        try:
            self._socket.sendall(request)
            while not reading.complete:
                data = self._socket.recv(_READ_BYTES)
                if not data:
                    raise ConnectionResetError
                parser.feed_data(data)
                if reading.size > MAX_ANSWER_BYTES:
                    raise Broken(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
        except HttpParserError as error:
            raise Broken("the answer is not HTTP") from error
        except (ConnectionError, ssl.SSLEOFError) as error:
            kind = Stale if self._used and not reading.begun else Broken
            raise kind(_kind(error)) from error
        except OSError as error:
            raise Broken(_kind(error)) from error
        self._used = True
        self.used_at = time.monotonic()
        self.is_open = parser.get_http_version() == "1.1" and reading.headers.get("connection", "").lower() != "close"
        return Answer(parser.get_status_code(), reading.headers, b"".join(reading.body))

    def close(self) -> None:
        self._socket.close()


class _Reading:
    """What the parser calls."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body: list[bytes] = []
        self.size = 0
        self.begun = self.complete = False

    def on_message_begin(self) -> None:
        self.begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.size += len(body)
        self.body.append(body)

    def on_message_complete(self) -> None:
        self.complete = True


@cache
def _tls() -> ssl.SSLContext:
    """With the authorities that botocore trusts: its own list, or `AWS_CA_BUNDLE`."""
    return ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or get_cert_path(True))


def _kind(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
