"""The one DynamoDB connection that all tables of a function share, and how it retries."""

import random
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pynamodb.connection import Connection

from service.aws.clients import MAKING, session
from service.domain.errors import TableBusy
from service.support.parallel import Once

if TYPE_CHECKING:
    from botocore.session import Session

CONNECTIONS = 50
"""The most connections that are kept, for all threads of the process."""

ATTEMPTS = 8
"""Tries of a request that met a conflict or a throttle. All waits together take at most 7 s, 3 s on average."""
LONGEST_WAIT = 2.0
"""Seconds between two tries."""

_CONFLICTS = {"TransactionConflictException", "TransactionInProgressException"}
_THROTTLES = {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
_FAULTS = {"InternalServerError", "ServiceUnavailable"}
_PASSING = _CONFLICTS | _THROTTLES | _FAULTS


class SharedConnection(Connection):
    """A pynamodb connection that uses the process's one client: a client for each model would take 80 ms of CPU."""

    _retrying: object = None
    """The client that has the retry handler."""

    @property
    def session(self) -> "Session":
        return session()

    @property
    def client(self) -> Any:
        first = connection()
        if self is not first:
            return first.client
        with MAKING:
            made = super().client
            if made is not self._retrying:
                events: Any = made.meta.events  # botocore-stubs know no handlers that answer
                events.register("needs-retry.dynamodb", _retry_after)
                self._retrying = made
            return made

    def dispatch(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]:
        """Raises `TableBusy` where conflicts, throttles or DynamoDB's own faults outlast all tries."""
        try:
            return super().dispatch(operation_name, operation_kwargs)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _PASSING:
                raise
            raise busy() from error


@Once
def connection() -> SharedConnection:
    return SharedConnection(max_pool_connections=CONNECTIONS)


def backoff(attempt: int) -> float:
    """Seconds to wait after this many tries, with full jitter."""
    return random.uniform(0, min(LONGEST_WAIT, 0.05 * 2**attempt))


def busy() -> TableBusy:
    return TableBusy("the table did not take the request in time: try again")


def _retry_after(response: tuple[Any, dict[str, Any]] | None, attempts: int, **_: object) -> float | None:
    """botocore's event `needs-retry`: seconds to wait before the next try, None for no more.

    botocore's own handler is asked first. It never retries a conflict, and throttles three times only.
    """
    code = response[1].get("Error", {}).get("Code") if response else None
    return backoff(attempts) if code in _CONFLICTS | _THROTTLES and attempts < ATTEMPTS else None
