"""Read and write in transactions, retry their conflicts, and delete many rows."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pynamodb.exceptions import TransactGetError, TransactWriteError
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite

from service.aws.dynamodb.connection import ATTEMPTS, backoff, busy, connection

Row = TypeVar("Row", bound=Model)
Result = TypeVar("Result")

DELETED_AT_ONCE = 1_000
"""Rows that one slice of a deletion reads and removes: about half a second."""

_CONFLICTS = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
"""Reasons for which DynamoDB cancels one operation of a transaction and may accept it later."""


def commit(build: Callable[[TransactWrite], None]) -> None:
    """Write what `build` puts into a transaction; retry conflicts with other requests, with jitter.

    Raises `TableBusy` where the conflicts do not end, `TransactWriteError` where a condition does not hold.
    """

    def write() -> None:
        with TransactWrite(connection=connection()) as transaction:
            build(transaction)

    _until_taken(write)


def read_at_once(model: type[Row], keys: Sequence[tuple[str, str]]) -> list[Row]:
    """Read these rows, which must exist, as they are at one moment. Raises `TableBusy`."""

    def read() -> list[Row]:
        with TransactGet(connection=connection()) as transaction:
            found = [transaction.get(model, *key) for key in keys]
        return [future.get() for future in found]

    return _until_taken(read)


def _until_taken(transact: Callable[[], Result]) -> Result:
    """Retry the transaction while nothing but conflicts and throttles cancels it."""
    attempt = 0
    while True:
        try:
            return transact()
        except (TransactGetError, TransactWriteError) as error:
            attempt += 1
            codes = {reason.code for reason in error.cancellation_reasons if reason}
            if not codes or not codes <= _CONFLICTS | {"None"}:
                raise
            if attempt == ATTEMPTS:
                raise busy() from error
        time.sleep(backoff(attempt))


def commit_if(build: Callable[[TransactWrite], None]) -> list[int]:
    """Like `commit`, but return the positions of the conditions that did not hold; nothing is written then."""
    try:
        commit(build)
    except TransactWriteError as error:
        if failed := failed_conditions(error):
            return failed
        raise
    return []


def failed_conditions(error: TransactWriteError) -> list[int]:
    """Positions of the operations whose condition did not hold."""
    reasons = error.cancellation_reasons
    return [index for index, reason in enumerate(reasons) if reason and reason.code == "ConditionalCheckFailed"]


def delete_rows(model: type[Model], rows: Iterable[Model]) -> int:
    """Delete the rows and return how many there were."""
    count = 0
    with model.batch_write() as batch:
        for row in rows:
            batch.delete(row)
            count += 1
    return count
