"""The emulator refuses what AWS refuses: sizes and times of functions, the gateway, state machines and DynamoDB."""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.config import ACCOUNT, REGION
from tests.servers.emulated import Emulated, task

MIB = 1024**2
STATE_BYTES = 256 * 1024
LIMITS = "/_clipferry/limits"

ANSWERING = """
import json, time

def handler(event, context):
    asked = json.loads(event.get("body") or "{}") if "httpMethod" in event else event
    time.sleep(asked.get("seconds", 0))
    if asked.get("fail"):
        raise ValueError("a secret of the function")
    text = asked.get("letter", "x") * asked.get("letters", 1)
    return {"statusCode": 200, "body": text} if "httpMethod" in event else text
"""


@pytest.fixture(scope="module")
def answering(emulator: Emulated) -> str:
    return emulator.function(ANSWERING)


@pytest.fixture(scope="module")
def api(emulator: Emulated, answering: str) -> str:
    """The URL of a REST API that hands every POST to the function."""
    client = emulator.client("apigateway")
    api_id = client.create_rest_api(name="tests")["id"]
    [root] = client.get_resources(restApiId=api_id)["items"]
    method = {"restApiId": api_id, "resourceId": root["id"], "httpMethod": "POST"}
    client.put_method(**method, authorizationType="NONE")
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{answering}"
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations"
    client.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    client.create_deployment(restApiId=api_id, stageName="v1")
    return f"{emulator.url}/_aws/execute-api/{api_id}/v1/"


@contextmanager
def limits(emulator: Emulated, **lowered: float) -> Iterator[None]:
    before = emulator.ask(LIMITS)
    emulator.ask(LIMITS, lowered)
    try:
        yield
    finally:
        emulator.ask(LIMITS, before)


def post(url: str, body: bytes, patience: float = 60) -> tuple[int, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data=body), timeout=patience) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_the_limits_are_those_of_aws(emulator: Emulated) -> None:
    assert emulator.ask(LIMITS) == {
        "function_request_bytes": 6_291_456,
        "function_answer_bytes": 6_291_556,
        "gateway_request_bytes": 10_485_760,
        "gateway_seconds": 29.0,
        "state_bytes": 262_144,
        "retry_delay_seconds": 31_622_400.0,
        "part_bytes": 5_242_880,
        "restore_seconds": 2.0,
    }


@pytest.mark.parametrize(
    "wrong", [{"nothing": 1}, {"gateway_seconds": 0}, {"state_bytes": "1"}, [1], {"part_bytes": True}]
)
def test_a_limit_that_does_not_exist_or_is_no_positive_number_is_refused(emulator: Emulated, wrong: object) -> None:
    before = emulator.ask(LIMITS)
    with pytest.raises(urllib.error.HTTPError) as refused:
        emulator.ask(LIMITS, wrong)
    with refused.value:
        assert refused.value.code == 400
    assert emulator.ask(LIMITS) == before


# A JSON string has two quotes besides its letters.
@pytest.mark.parametrize(("letter", "letters", "error"), [("x", 6_291_554, None), ("x", 6_291_555, "Unhandled")])
def test_a_functions_answer_may_have_six_megabytes(
    emulator: Emulated, answering: str, letter: str, letters: int, error: str | None
) -> None:
    failed, body = emulator.call(answering, {"letter": letter, "letters": letters})
    assert failed == error
    if error:
        assert body["errorType"] == "Function.ResponseSizeTooLarge"
        assert "6291556 bytes" in body["errorMessage"]


def test_an_answer_is_measured_in_bytes_of_utf8(emulator: Emulated, answering: str) -> None:
    with limits(emulator, function_answer_bytes=302):
        assert emulator.call(answering, {"letter": "日", "letters": 100})[0] is None
        assert emulator.call(answering, {"letter": "日", "letters": 101})[0] == "Unhandled"


def test_a_larger_payload_of_an_invoke_is_refused(emulator: Emulated, answering: str) -> None:
    with pytest.raises(ClientError) as refused:
        emulator.call(answering, {"unused": "x" * 6 * MIB})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert refused.value.response["Error"]["Code"] == "RequestEntityTooLargeException"


def test_the_gateway_says_nothing_of_a_functions_error(api: str) -> None:
    assert post(api, b'{"fail": true}') == (502, {"message": "Internal server error"})


def test_an_answer_that_lambda_refuses_is_a_502_at_the_gateway(emulator: Emulated, api: str) -> None:
    with limits(emulator, function_answer_bytes=10_000):
        assert post(api, b'{"letters": 9000}')[0] == 200
        assert post(api, b'{"letters": 10000}') == (502, {"message": "Internal server error"})


def test_a_request_above_ten_megabytes_is_a_413_at_the_gateway(emulator: Emulated, api: str) -> None:
    with limits(emulator, function_request_bytes=20 * MIB):
        status, body = post(api, b'{"unused": "' + b"x" * 10 * MIB + b'"}')
    assert (status, body) == (413, {"message": "Request Too Long"})


def test_a_request_that_lambda_refuses_is_a_413_at_the_gateway(api: str) -> None:
    assert post(api, b'{"unused": "' + b"x" * 7 * MIB + b'"}') == (413, {"message": "Request Too Long"})
    assert post(api, b'{"unused": "' + b"x" * 4 * MIB + b'"}') == (200, b"x")


def test_the_gateway_waits_no_longer_than_its_limit(emulator: Emulated, api: str) -> None:
    with limits(emulator, gateway_seconds=1):
        # Were the function's end awaited, this client would give up first.
        assert post(api, b'{"seconds": 25}', patience=15) == (504, {"message": "Endpoint request timed out"})
        assert post(api, b"{}") == (200, b"x")


def test_an_execution_takes_no_larger_input(emulator: Emulated) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        emulator.run({"Pass": {"Type": "Pass", "End": True}}, {"text": "x" * STATE_BYTES})


def assert_too_large(ended: dict[str, Any]) -> None:
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")


@pytest.mark.parametrize(("letters", "status"), [(STATE_BYTES - 2, "SUCCEEDED"), (STATE_BYTES - 1, "FAILED")])
def test_a_task_gives_no_larger_result(emulator: Emulated, answering: str, letters: int, status: str) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    states = {"Call": task(answering, Catch=catch), "Caught": {"Type": "Succeed"}}
    ended = emulator.run(states, {"letters": letters})
    assert ended["status"] == status, "and States.ALL does not catch it"
    if status == "FAILED":
        assert_too_large(ended)


def test_a_state_gives_no_larger_output(emulator: Emulated) -> None:
    twice = {"Type": "Pass", "Parameters": {"a.$": "$.text", "b.$": "$.text"}, "End": True}
    assert_too_large(emulator.run({"Twice": twice}, {"text": "x" * (STATE_BYTES // 2)}))


def test_a_task_takes_no_larger_payload(emulator: Emulated, answering: str) -> None:
    doubled = task(answering, Parameters={"a.$": "$.text", "b.$": "$.text"})
    assert_too_large(emulator.run({"Call": doubled}, {"text": "x" * (STATE_BYTES // 2)}))


def test_a_child_of_a_distributed_map_takes_no_larger_input(emulator: Emulated) -> None:
    children = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemSelector": {"a.$": "$.text", "b.$": "$.text"},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Done",
            "States": {"Done": {"Type": "Succeed"}},
        },
        "End": True,
    }
    ended = emulator.run({"Map": children}, {"items": [1], "text": "x" * (STATE_BYTES // 2)})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")


@pytest.fixture(scope="module")
def table(emulator: Emulated) -> str:
    name = f"t-{uuid.uuid4().hex[:8]}"
    emulator.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    return name


def an_item(pk: str, size: int) -> dict[str, Any]:
    """An item of `size` bytes as DynamoDB counts them: names and values."""
    return {"pk": {"S": pk}, "v": {"S": "x" * (size - len("pk" + pk + "v"))}}


def test_dynamodb_takes_items_up_to_400_kilobytes(emulator: Emulated, table: str) -> None:
    client = emulator.client("dynamodb")
    client.put_item(TableName=table, Item=an_item("a", 409_600))
    with pytest.raises(ClientError, match=r"ValidationException.*Item size has exceeded"):
        client.put_item(TableName=table, Item=an_item("a", 409_601))


def test_dynamodb_lets_no_update_grow_an_item_above_400_kilobytes(emulator: Emulated, table: str) -> None:
    client = emulator.client("dynamodb")
    client.put_item(TableName=table, Item=an_item("grows", 400_000))
    with pytest.raises(ClientError, match=r"ValidationException.*exceeded"):
        client.update_item(
            TableName=table,
            Key={"pk": {"S": "grows"}},
            UpdateExpression="SET w = :w",
            ExpressionAttributeValues={":w": {"S": "x" * 10_000}},
        )


def test_dynamodb_takes_transactions_of_a_hundred_items(emulator: Emulated, table: str) -> None:
    client = emulator.client("dynamodb")
    puts = [{"Put": {"TableName": table, "Item": an_item(f"t{n}", 100)}} for n in range(101)]
    client.transact_write_items(TransactItems=puts[:100])
    with pytest.raises(ClientError, match=r"ValidationException.*less than or equal to 100"):
        client.transact_write_items(TransactItems=puts)


def test_dynamodb_takes_transactions_of_four_megabytes(emulator: Emulated, table: str) -> None:
    client = emulator.client("dynamodb")
    puts = [{"Put": {"TableName": table, "Item": an_item(f"b{n}", 400_000)}} for n in range(11)]
    client.transact_write_items(TransactItems=puts[:10])
    with pytest.raises(ClientError, match=r"ValidationException.*4MB"):
        client.transact_write_items(TransactItems=puts)
