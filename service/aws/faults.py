"""Name the faults of AWS services that pass, for the state machine: it retries by the name of an exception's class."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError, IncompleteReadError
from pynamodb.exceptions import PutError, PynamoDBException, TransactGetError, TransactWriteError

from service.domain import s3_error_codes
from service.domain.errors import ServiceBusy

P = ParamSpec("P")
R = TypeVar("R")

BUSY = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "ThrottlingError",
        "TooManyRequestsException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""Codes with status 400, of DynamoDB, its cancelled transactions and other services. s3_error_codes has the rest."""

NO_ANSWER = (ConnectionError, HTTPClientError, IncompleteReadError)
"""botocore's errors where no whole answer arrived. Its other errors are wrong calls or missing settings."""


def raises_service_busy(handler: Callable[P, R]) -> Callable[P, R]:
    """Let `handler` raise `ServiceBusy` for each AWS fault that may pass. Every other error stays as it is."""

    @functools.wraps(handler)
    def named(*given: P.args, **options: P.kwargs) -> R:
        try:
            return handler(*given, **options)
        except (BotoCoreError, ClientError, PynamoDBException) as error:
            if is_busy(error):
                raise ServiceBusy(f"{type(error).__name__}: {error}") from error
            raise

    return named


def is_busy(error: BaseException | None) -> bool:
    """Whether another attempt may succeed. False for None, which pynamodb gives as an unknown cause."""
    if isinstance(error, TransactWriteError | TransactGetError):
        codes = {reason.code for reason in error.cancellation_reasons if reason} - {"None"}
        return codes <= BUSY if codes else is_busy(error.cause)
    if isinstance(error, PynamoDBException):
        # Without a cause: DynamoDB left items of a batch unwritten, which it does under throttling.
        return is_busy(error.cause) or (isinstance(error, PutError) and error.cause is None)
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code in BUSY or s3_error_codes.is_passing(code, status)
    return isinstance(error, NO_ANSWER)
