"""POST to a URL that a caller named, without giving the caller access to private addresses.

The name is resolved once, and every address of it must be public. The connection uses one of these addresses, with TLS
and `Host` for the name, so a DNS answer that changes in between has no effect. Redirects are not followed, and the
answer's body is not read.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult

from service.domain.errors import InvalidRequest, WebhookRefused, WebhookUnreachable
from service.domain.webhooks import check_url, is_public
from service.ports.delivery import WebhookAnswer
from service.web.addresses import addresses
from service.web.deadline import shut_down

TIMEOUT_SECONDS = 10.0
"""Seconds for the whole exchange, however slowly its bytes come."""


@dataclass(frozen=True)
class HttpSender:
    allow_private: bool
    """Whether http and private addresses are allowed: for the local stack, and for receivers inside a VPC."""
    timeout: float = TIMEOUT_SECONDS
    resolve: Callable[[str, int], list[str]] = addresses
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        try:
            parts = check_url(url, allow_private=self.allow_private)
        except InvalidRequest as error:
            raise WebhookRefused(error.message) from error
        assert parts.hostname is not None
        address = self._address(parts.hostname, _port(parts))
        try:
            return self._exchange(parts, address, headers, body)
        except (OSError, http.client.HTTPException) as error:
            raise WebhookUnreachable(f"{parts.hostname} did not answer: {_reason(error)}") from error

    def _address(self, host: str, port: int) -> str:
        try:
            found = self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise WebhookUnreachable(f"{host} cannot be resolved: {_reason(error)}") from error
        if not found:
            raise WebhookUnreachable(f"{host} has no address")
        if not self.allow_private and not all(map(is_public, found)):
            raise WebhookRefused(f"{host} has an address that is not public")
        return found[0]

    def _exchange(self, parts: SplitResult, address: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(str(parts.hostname), parts.port)  # the name is for the Host header; it is not resolved again
        link = socket.create_connection((address, _port(parts)), timeout=self.timeout)
        if secure:
            link = self.tls.wrap_socket(link, server_hostname=parts.hostname, do_handshake_on_connect=False)
        connection.sock = link
        # A socket's own timeout restarts with every byte.
        deadline = threading.Timer(self.timeout, shut_down, [link])
        deadline.start()
        try:
            if isinstance(link, ssl.SSLSocket):
                link.do_handshake()
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body=body, headers=dict(headers))
            answer = connection.getresponse()
            return WebhookAnswer(answer.status, answer.getheader("Retry-After"))
        finally:
            deadline.cancel()
            connection.close()
            link.close()


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
