"""Addresses that a caller's URL leads to, and which of them the service may connect to."""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from service.domain.errors import UnsafeUrl
from service.domain.webhooks import is_public


def addresses(host: str, port: int) -> list[str]:
    """What the name resolves to, IPv4 first: functions outside a VPC have no way to IPv6."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    unique = dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found)
    return [address for _, address in sorted(unique, key=lambda item: item[0] != socket.AF_INET)]


@dataclass(frozen=True)
class AddressRule:
    """Asked right before each request, since a name may lead elsewhere by then.

    The connection resolves the name once more. A name server that answers otherwise then gets a TLS handshake sent
    inside, which fails: no server there has a certificate for the name.
    """

    allow_private: bool = False
    """Allows http and any address: for stores in the deployment's own network, and for tests."""
    resolve: Callable[[str, int], Iterable[str]] = addresses

    def check(self, url: str) -> None:
        """Raises `UnsafeUrl`."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise UnsafeUrl("the URL is malformed") from None
        if parts.scheme not in ("https", "http") or not host:
            raise UnsafeUrl("the URL is not an https:// one")
        if parts.username is not None or parts.password is not None:
            raise UnsafeUrl("the URL carries a user or a password")
        if self.allow_private:
            return
        if parts.scheme != "https":
            raise UnsafeUrl(f"{host!a}: the URL is not an https:// one")
        try:
            found = list(self.resolve(host, port or 443))
        except (OSError, UnicodeError) as error:
            raise UnsafeUrl(f"{host!a} has no address") from error
        if not found or not all(map(is_public, found)):
            raise UnsafeUrl(f"{host!a} does not lead to public addresses only")
