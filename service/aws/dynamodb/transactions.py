"""Transactions that are tried again after conflicts, and deletion of many rows."""

import random
import time
from collections.abc import Callable, Iterable

from pynamodb.exceptions import TransactWriteError
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from service.aws.dynamodb.connection import connection

DELETED_AT_ONCE = 1_000
"""Rows that one slice of a deletion reads and removes: about half a second."""


_CONFLICTS = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


_COMMIT_ATTEMPTS = 8


def commit(build: Callable[[TransactWrite], None]) -> None:
    """Write what `build` puts into a transaction. Conflicts with other transactions are tried again with jitter.

    Raises `TransactWriteError` where a condition does not hold or the conflicts do not end.
    """
    for attempt in range(1, _COMMIT_ATTEMPTS + 1):
        try:
            with TransactWrite(connection=connection()) as transaction:
                build(transaction)
        except TransactWriteError as error:
            codes = {reason.code for reason in error.cancellation_reasons if reason}
            if attempt == _COMMIT_ATTEMPTS or not codes or not codes <= _CONFLICTS | {"None"}:
                raise
            time.sleep(random.uniform(0, min(2.0, 0.05 * 2**attempt)))
        else:
            return


def commit_if(build: Callable[[TransactWrite], None]) -> list[int]:
    """Like `commit`; positions of the conditions that did not hold: nothing was written then."""
    try:
        commit(build)
    except TransactWriteError as error:
        if failed := failed_conditions(error):
            return failed
        raise
    return []


def failed_conditions(error: TransactWriteError) -> list[int]:
    """Positions in the transaction of the operations whose condition did not hold."""
    reasons = error.cancellation_reasons
    return [index for index, reason in enumerate(reasons) if reason and reason.code == "ConditionalCheckFailed"]


def delete_rows(model: type[Model], rows: Iterable[Model]) -> int:
    """How many they were."""
    count = 0
    with model.batch_write() as batch:
        for row in rows:
            batch.delete(row)
            count += 1
    return count
