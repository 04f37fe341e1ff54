"""The one DynamoDB connection that all tables of a function share."""

from typing import TYPE_CHECKING

from pynamodb.connection import Connection

from service.aws.clients import MAKING, session
from service.support.parallel import Once

if TYPE_CHECKING:
    from botocore.session import Session
    from pynamodb.connection._botocore_private import BotocoreBaseClientPrivate

CONNECTIONS = 50
"""Kept at most, of all threads of the process."""


class _Shared(Connection):
    """The process has one client for DynamoDB: pynamodb would make one for each model, with 80 ms of CPU."""

    @property
    def session(self) -> "Session":
        return session()

    @property
    def client(self) -> "BotocoreBaseClientPrivate":
        first = connection()
        if self is not first:
            return first.client
        with MAKING:
            return super().client


@Once
def connection() -> Connection:
    """For transactions."""
    return _Shared(max_pool_connections=CONNECTIONS)
