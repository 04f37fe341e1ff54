"""An HTTP server that answers to order, and keeps what it was sent."""

import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

COPIED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<LastModified>2026-11-22T17:00:00.000Z</LastModified><ETag>&quot;%s&quot;</ETag></CopyObjectResult>"
)
MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "x-amz-request-id: R1", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def copied(etag: str = MD5, *headers: str) -> bytes:
    return answer(200, COPIED % etag.encode(), *headers)


def cut(whole: bytes, *, missing: int = 10) -> bytes:
    """Return an answer whose connection is closed before its last bytes."""
    return whole.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)[:-missing]


def failed(status: int, code: str) -> bytes:
    return answer(status, f"<Error><Code>{code}</Code><Message>because</Message></Error>".encode())


@dataclass
class Wire:
    """Each request takes the next answer, after the last one `copied()`; "" closes the connection instead."""

    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    answers: deque[bytes] = field(default_factory=deque)
    gate: threading.Event | None = None
    """Set: requests are answered; else they wait for it."""
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self, connection: socket.socket) -> None:
        unread = b""
        with connection:
            while True:
                while b"\r\n\r\n" not in unread:
                    try:
                        data = connection.recv(65_536)
                    except OSError:
                        return
                    if not data:
                        return
                    unread += data
                head, _, unread = unread.partition(b"\r\n\r\n")
                with self._lock:
                    self.requests.append(head)
                    said = self.answers.popleft() if self.answers else copied()
                    self._now += 1
                    self.most_at_once = max(self.most_at_once, self._now)
                if self.gate:
                    self.gate.wait(30)
                with self._lock:
                    self._now -= 1
                if not said:
                    return
                connection.sendall(said)
                if b"\r\nConnection: close\r\n" in said:
                    return

    def sent(self, number: int = -1) -> tuple[str, dict[str, str]]:
        """The request line and the headers."""
        line, *headers = self.requests[number].decode("latin-1").split("\r\n")
        return line, dict(header.split(": ", 1) for header in headers)


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Wire]:
    wire = Wire()
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        wire.port = listener.getsockname()[1]

        def accept() -> None:
            while True:
                try:
                    raw, _ = listener.accept()
                except OSError:
                    return
                wire.connections += 1
                try:
                    connection = tls.wrap_socket(raw, server_side=True) if tls else raw
                except OSError:
                    raw.close()
                    continue
                threading.Thread(target=wire.serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield wire
        listener.shutdown(socket.SHUT_RDWR)
