"""Which faults the state machine may retry: handlers give them one name, and leave every other error its own."""

import importlib
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from pynamodb.exceptions import (
    CancellationReason,
    GetError,
    PutError,
    TransactWriteError,
    UpdateError,
    VerboseClientError,
)

from service.aws.clients import Unanswered, Untaken
from service.aws.faults import raises_service_busy
from service.domain.errors import BatchIncomplete, ServiceBusy
from tests.infra.handlers import CONTEXT, USE_CASES, call, replace_use_case

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")


def client_error(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutItem")


def cancelled(*codes: str) -> TransactWriteError:
    reasons = [CancellationReason(code=code) if code != "None" else None for code in codes]
    answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    cause = VerboseClientError(answer, "TransactWriteItems", cancellation_reasons=reasons)
    return TransactWriteError("failed", cause)


PASSING = [
    client_error("ProvisionedThroughputExceededException"),
    client_error("ThrottlingException"),
    client_error("RequestLimitExceeded"),
    client_error("TransactionConflictException"),
    client_error("SlowDown", 503),
    client_error("InternalServerError", 500),
    client_error("anything", 503),
    client_error("TooManyRequestsException", 429),
    PutError("throttled", client_error("ProvisionedThroughputExceededException")),
    PutError("Failed to batch write items: max_retry_attempts exceeded"),
    UpdateError("no answer", EndpointConnectionError(endpoint_url="https://dynamodb")),
    cancelled("None", "TransactionConflict"),
    cancelled("ThrottlingError", "ProvisionedThroughputExceeded"),
    ReadTimeoutError(endpoint_url="https://s3"),
    ConnectTimeoutError(endpoint_url="https://s3"),
    Unanswered(reason="the connection was closed"),
    Untaken(),
]
FINAL = [
    client_error("AccessDeniedException"),
    client_error("ValidationException"),
    client_error("ResourceNotFoundException"),
    client_error("ConditionalCheckFailedException"),
    GetError("denied", client_error("AccessDeniedException")),
    UpdateError("unknown"),
    cancelled("ConditionalCheckFailed", "TransactionConflict"),
    NoCredentialsError(),
    ParamValidationError(report="wrong"),
    KeyError("job_id"),
    BatchIncomplete("3 of 5 clips failed with transient errors"),
]


def handler_that(error: Exception) -> Any:
    def handler(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
        raise error

    return raises_service_busy(handler)


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_a_fault_that_may_pass_has_the_name_that_the_state_machine_retries(error: Exception) -> None:
    with pytest.raises(ServiceBusy, match=type(error).__name__) as caught:
        handler_that(error)({}, None)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", FINAL, ids=repr)
def test_every_other_error_keeps_its_own_name(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        handler_that(error)({}, None)
    assert caught.value is error


@pytest.mark.parametrize("name", USE_CASES)
def test_each_function_of_the_state_machine_names_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def throttled(*_given: object, **_named: object) -> None:
        raise client_error("ThrottlingException")

    replace_use_case(name, throttled, monkeypatch)
    batch = dict.fromkeys(("number", "start", "length", "first", "count"), 0) | {"part_key": "k", "part_etag": "e"}
    event = {"job_id": "j", "run": 0, "cursor": None, "ended_at": "2026-01-01T00:00:00Z", "attempt": 0, "round": 0}
    with pytest.raises(ServiceBusy):
        call(name, {**event, "batch": {"job_id": "j", **batch}})


@pytest.mark.parametrize("name", ["sweep", "watch"])
def test_each_scheduled_function_names_them(name: str) -> None:
    class Throttled:
        def __getattr__(self, _name: str) -> Any:
            raise client_error("ThrottlingException")

    handler = importlib.import_module(f"lambdas.{name}").handler
    with pytest.raises(ServiceBusy):
        handler({}, CONTEXT, Throttled())
