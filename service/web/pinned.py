"""urllib3 connections that use a checked address and end with their request's deadline."""

import socket
from collections.abc import Mapping
from typing import Any

from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import create_connection

from service.web.addresses import AddressRule
from service.web.deadline import current_deadline


class _Pinned:
    """Mixin for urllib3's connection classes, placed before them. TLS and `Host` keep the name."""

    rule: AddressRule | None
    _link: socket.socket | None = None
    """A second reference to the connection's socket, since TLS takes over the first one."""

    def _new_conn(self) -> socket.socket:
        """Raises `UnsafeUrl`, and urllib3's errors."""
        connection: Any = self
        host, port = connection.host, connection.port
        error: Exception | None = None
        for address in self.rule.addresses(host, port) if self.rule else [host]:
            try:
                made = create_connection(
                    (address, port), connection.timeout, connection.source_address, connection.socket_options
                )
            except TimeoutError:
                error = ConnectTimeoutError(connection, f"connection to {host} timed out")
            except OSError as fault:
                error = NewConnectionError(connection, f"no connection to {host}: {type(fault).__name__}")
            else:
                self._link = made.dup()
                self._attach()
                return made
        raise error or NewConnectionError(connection, f"{host} has no address")

    def request(self, *args: Any, **named: Any) -> Any:
        self._attach()
        return super().request(*args, **named)  # type: ignore[misc]  # defined by the class that this is mixed into

    def close(self) -> None:
        super().close()  # type: ignore[misc]
        if self._link:
            self._link.close()
            self._link = None

    def _attach(self) -> None:
        deadline = current_deadline()
        if deadline and self._link:
            deadline.add(self._link)


def pinned(rule: AddressRule | None, pools: Mapping[str, type]) -> dict[str, type]:
    """Return `pools` (pool classes by scheme) whose connections use only addresses that `rule` allows; None: any."""

    def of(pool: Any) -> type:
        connection = type(f"Pinned{pool.ConnectionCls.__name__}", (_Pinned, pool.ConnectionCls), {"rule": rule})
        return type(f"Pinned{pool.__name__}", (pool,), {"ConnectionCls": connection})

    return {scheme: of(pool) for scheme, pool in pools.items()}
