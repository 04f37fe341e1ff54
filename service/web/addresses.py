"""Resolve names in callers' URLs, and decide which addresses the service may connect to."""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from service.domain.errors import UnsafeUrl
from service.domain.webhooks import is_public


def addresses(host: str, port: int) -> list[str]:
    """What the name resolves to, IPv4 first: functions outside a VPC cannot reach IPv6."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    unique = dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found)
    return [address for _, address in sorted(unique, key=lambda item: item[0] != socket.AF_INET)]


@dataclass(frozen=True)
class AddressRule:
    """Which URLs of callers the service may connect to: `https` ones that lead to public addresses only.

    `check` says so before a URL is kept. Connections ask `addresses`, and go to one of those that it checked: no name
    is resolved a second time, so a name server that answers otherwise in between changes nothing.
    """

    allow_private: bool = False
    """Allows http and any address: for stores in the deployment's own network, and for tests."""
    resolve: Callable[[str, int], Iterable[str]] = addresses

    def check(self, url: str) -> None:
        """Raises `UnsafeUrl`, also where the URL's name leads to another address than a public one now."""
        host, port = self.check_form(url)
        if not self.allow_private:
            self.addresses(host, port)

    def check_form(self, url: str) -> tuple[str, int]:
        """Host and port of a URL that may be asked, as far as it tells itself. Raises `UnsafeUrl`."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise UnsafeUrl("the URL is malformed") from None
        if parts.scheme not in ("https", "http") or not host:
            raise UnsafeUrl("the URL is not an https:// one")
        if parts.username is not None or parts.password is not None:
            raise UnsafeUrl("the URL carries a user or a password")
        if parts.scheme != "https" and not self.allow_private:
            raise UnsafeUrl(f"{host!a}: the URL is not an https:// one")
        return host, port or (443 if parts.scheme == "https" else 80)

    def addresses(self, host: str, port: int) -> list[str]:
        """What the name resolves to, all of it allowed. Raises `UnsafeUrl`."""
        try:
            found = list(self.resolve(host, port))
        except (OSError, UnicodeError) as error:
            raise UnsafeUrl(f"{host!a} has no address") from error
        if self.allow_private:
            return found
        if not found or not all(map(is_public, found)):
            raise UnsafeUrl(f"{host!a} does not lead to public addresses only")
        return found
