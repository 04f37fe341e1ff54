"""Resolve names in callers' URLs, and decide which addresses the service may connect to."""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from service.domain.errors import UnsafeUrl
from service.domain.webhooks import is_public


def addresses(host: str, port: int) -> list[str]:
    """Resolve the name, IPv4 first: functions outside a VPC cannot reach IPv6."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    unique = dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found)
    return [address for _, address in sorted(unique, key=lambda item: item[0] != socket.AF_INET)]


@dataclass(frozen=True)
class AddressRule:
    """Decides which URLs of callers the service may connect to: only `https` ones that lead to public addresses.

    `check` runs before a URL is stored. Connections call `addresses` and use one of the checked addresses: no name is
    resolved twice, so a name server cannot give another address in between.
    """

    allow_private: bool = False
    """Allow http and any address: for stores in the deployment's own network, and for tests."""
    resolve: Callable[[str, int], Iterable[str]] = addresses

    def check(self, url: str) -> None:
        """Raises `UnsafeUrl`, also if the URL's name currently resolves to a private address."""
        host, port = self.check_form(url)
        if not self.allow_private:
            self.addresses(host, port)

    def check_form(self, url: str) -> tuple[str, int]:
        """Check the URL without resolving its name; return host and port. Raises `UnsafeUrl`."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise UnsafeUrl("the URL is malformed") from None
        if parts.scheme not in ("https", "http") or not host:
            raise UnsafeUrl("the URL must begin with https://")
        if parts.username is not None or parts.password is not None:
            raise UnsafeUrl("the URL must not contain a user or a password")
        if parts.scheme != "https" and not self.allow_private:
            raise UnsafeUrl(f"{host!a}: the URL must begin with https://")
        return host, port or (443 if parts.scheme == "https" else 80)

    def addresses(self, host: str, port: int) -> list[str]:
        """Resolve the name; every address must be allowed. Raises `UnsafeUrl`."""
        try:
            found = list(self.resolve(host, port))
        except (OSError, UnicodeError) as error:
            raise UnsafeUrl(f"{host!a} has no address") from error
        if self.allow_private:
            return found
        if not found or not all(map(is_public, found)):
            raise UnsafeUrl(f"{host!a} must resolve to public addresses only")
        return found
