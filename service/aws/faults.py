"""Rename transient AWS errors for the state machine, which retries by the name of the exception class."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
from pynamodb.exceptions import PutError, PynamoDBException, TransactGetError, TransactWriteError

from service.aws.clients import Unanswered, Untaken
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
"""Error codes with status 400 of DynamoDB, its cancelled transactions and others. s3_error_codes has the rest."""

NO_ANSWER = (ConnectionError, HTTPClientError, Unanswered, Untaken)
"""Errors without a complete answer. botocore's others are wrong calls or missing settings."""


def raises_service_busy(handler: Callable[P, R]) -> Callable[P, R]:
    """Make `handler` raise `ServiceBusy` for each transient AWS error. Other errors stay unchanged."""

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
    """Return whether another try may succeed. False for None, pynamodb's unknown cause."""
    if isinstance(error, TransactWriteError | TransactGetError):
        codes = {reason.code for reason in error.cancellation_reasons if reason} - {"None"}
        return codes <= BUSY if codes else is_busy(error.cause)
    if isinstance(error, PynamoDBException):
        # Without a cause: DynamoDB left items of a batch unwritten, as it does under throttling.
        return is_busy(error.cause) or (isinstance(error, PutError) and error.cause is None)
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code in BUSY or s3_error_codes.is_passing(code, status)
    return isinstance(error, NO_ANSWER)
