"""Pool connections to one endpoint. All run on one event loop, with one request at a time each."""

import asyncio
import os
import ssl
from asyncio import sslproto
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from botocore.httpsession import get_cert_path
from httptools import HttpParserError, HttpResponseParser

from service.aws.clients import Patience
from service.aws.s3.http.endpoints import access_point_host, in_region
from service.domain.uris import is_access_point
from service.support.parallel import Once

IDLE_SECONDS = 15.0
"""Seconds after which an idle connection is not reused. S3 closes it after some 20 s; a function may pause longer."""
MAX_ANSWER_BYTES = 20 * 1024**2
"""The longest body that a client reads if the request names no other limit. Answers to copies have some 300 bytes,
pages of listings 300 KB (4 MB with the longest keys)."""


sslproto.SSLProtocol.max_size = 32 * 1024
"""asyncio has no parameter for the read buffer of a TLS connection: its default of 256 KiB would take 32 MB for 128
connections. A TLS record has at most 16 KiB."""


class Broken(Exception):
    """No answer: no connection, a timeout, an early end, or invalid HTTP. The text names the error."""


class Stale(Broken):
    """The server closed an idle connection before it sent an answer."""


class Answer(NamedTuple):
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
    """AWS takes `bucket.host`; stores with an endpoint of their own take `host/bucket`."""

    def of_bucket(self, bucket: str) -> tuple[str, str]:
        """Return host and path prefix. A bucket with dots goes in the path: no certificate covers its name.

        An access point has a host of its own.
        """
        if self.bucket_in_host and is_access_point(bucket):
            return access_point_host(bucket, self.host), ""
        if self.bucket_in_host and not (self.tls and "." in bucket):
            return f"{bucket}.{self.host}", ""
        return self.host, f"/{bucket}"

    def in_region(self, region: str) -> "Endpoint":
        """Return AWS's endpoint in another region."""
        return replace(self, host=in_region(self.host, region))

    def named(self, host: str) -> str:
        """Return the `Host` header."""
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


@dataclass
class Connections:
    """Pools the connections to one endpoint, by host. Opens a new one only if none is idle."""

    port: int
    tls: bool
    patience: Patience
    _idle: dict[str, "deque[Connection]"] = field(default_factory=dict, repr=False)

    async def exchange(
        self, host: str, request: bytes, *, bodiless: bool = False, most: float = MAX_ANSWER_BYTES
    ) -> Answer:
        """Send the request and return its answer. Raises `Broken`, also for a body of more than `most` bytes.

        `bodiless`: the answer has no body whatever its length header says, as for HEAD. On a stale connection the
        request is sent once more on a new one, so it must be repeatable.
        """
        idle = self._idle.setdefault(host, deque())
        connection = self._take(idle)
        if connection:
            try:
                return await self._on(connection, request, bodiless, most, idle)
            except Stale:
                while idle:  # the others are at least as old
                    idle.pop().close()
        tls = await asyncio.to_thread(tls_context) if self.tls else None  # loads the CA certificates, which blocks
        connection = await opened(host, self.port, tls, self.patience)
        return await self._on(connection, request, bodiless, most, idle)

    @staticmethod
    def _take(idle: "deque[Connection]") -> "Connection | None":
        """Return the most recently used connection, so that unneeded ones time out."""
        while idle:
            connection = idle.pop()
            if connection.is_usable():
                return connection
            connection.close()
        return None

    @staticmethod
    async def _on(
        connection: "Connection", request: bytes, bodiless: bool, most: float, idle: "deque[Connection]"
    ) -> Answer:
        try:
            answer = await connection.exchange(request, bodiless=bodiless, most=most)
        except BaseException:
            connection.close()
            raise
        if connection.is_open:
            idle.append(connection)
        else:
            connection.close()
        return answer


async def opened(host: str, port: int, tls: ssl.SSLContext | None, patience: Patience) -> "Connection":
    """Raises `Broken`."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(patience.connect_seconds):
            _, connection = await loop.create_connection(lambda: Connection(loop, patience), host, port, ssl=tls)
    except OSError as error:
        raise Broken(f"no connection to {host}: {_kind(error)}") from error
    return connection


class Connection(asyncio.Protocol):
    """One connection, made by `opened`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, patience: Patience) -> None:
        self._loop, self._silence = loop, patience.read_seconds
        self._waiting: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        """One timer for all requests: one per request would take as long as signing."""
        self._used = False
        self._heard_at = loop.time()
        self.is_open = True

    def is_usable(self) -> bool:
        return self.is_open and self._loop.time() - self._heard_at < IDLE_SECONDS

    async def exchange(self, request: bytes, *, bodiless: bool = False, most: float = MAX_ANSWER_BYTES) -> Answer:
        """Raises `Broken`."""
        self._reading = _Reading(bodiless, most)
        self._parser = HttpResponseParser(self._reading)
        self._heard_at = self._loop.time()
        self._waiting = self._loop.create_future()
        self._timer = self._timer or self._loop.call_later(self._silence, self._listen)
        self._transport.write(request)
        try:
            await self._waiting
        finally:
            self._waiting = None
        reading, parser, self._used = self._reading, self._parser, True
        self.is_open &= parser.get_http_version() == "1.1" and reading.headers.get("connection", "").lower() != "close"
        return Answer(parser.get_status_code(), reading.headers, reading.taken())

    def close(self) -> None:
        self.is_open = False
        if self._timer:
            self._timer.cancel()
        self._transport.abort()

    def _listen(self) -> None:
        """Fail if no byte came for too long."""
        left = self._heard_at + self._silence - self._loop.time()
        self._timer = None
        if not self._waiting:
            return
        if left > 0:
            self._timer = self._loop.call_later(left, self._listen)
        else:
            self._fail(Broken("no answer in time"))

    def _fail(self, fault: Broken) -> None:
        self.is_open = False
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(fault)

    # Callbacks of the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        waiting, reading = self._waiting, self._reading
        if waiting is None or waiting.done():  # no request is waiting
            self.close()
            return
        self._heard_at = self._loop.time()
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            self._fail(Broken("the answer is not HTTP"))
            return
        if reading.complete:
            waiting.set_result(None)
        elif reading.size > reading.most:
            self._fail(Broken(f"the answer has more than {reading.most:,} bytes"))

    def connection_lost(self, error: Exception | None) -> None:
        if self._waiting:
            kind = Stale if self._used and not self._reading.begun else Broken
            self._fail(kind(_kind(error or ConnectionResetError())))
        self.is_open = False


class _Reading:
    """Callbacks of the HTTP parser."""

    def __init__(self, bodiless: bool, most: float) -> None:
        self.headers: dict[str, str] = {}
        self.size, self.most = 0, most
        self.begun = self.complete = False
        self._bodiless = bodiless
        self._body: list[bytes] = []

    def taken(self) -> bytes:
        """Return the body, once: an idle connection would keep it in memory."""
        body, self._body = b"".join(self._body), []
        return body

    def on_message_begin(self) -> None:
        self.begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.complete = self._bodiless

    def on_body(self, body: bytes) -> None:
        self.size += len(body)
        self._body.append(body)

    def on_message_complete(self) -> None:
        self.complete = True


@Once
def tls_context() -> ssl.SSLContext:
    """Return a context with botocore's CA certificates: its own list, or `AWS_CA_BUNDLE`."""
    return ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or get_cert_path(True))


def _kind(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
