"""Messages that are to be read again later, in SQS."""

from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws

from service.aws.clients import PATIENT, sqs_client
from service.aws.queue import MESSAGES_AT_ONCE, SqsQueue
from service.domain.errors import ServiceBusy

SENT: dict[str, Any] = {"MessageId": "m", "MD5OfMessageBody": "d"}


def test_messages_are_sent_ten_at_a_time_with_a_delay() -> None:
    sqs, bodies = boto3.client("sqs"), [f"body {n}" for n in range(MESSAGES_AT_ONCE + 1)]
    with Stubber(sqs) as stubber:
        for some in (bodies[:-1], bodies[-1:]):
            entries = [{"Id": str(n), "MessageBody": body, "DelaySeconds": 60} for n, body in enumerate(some)]
            answer = {"Successful": [SENT | {"Id": entry["Id"]} for entry in entries], "Failed": []}
            stubber.add_response("send_message_batch", answer, {"QueueUrl": "https://q", "Entries": entries})
        SqsQueue(sqs, "https://q").put_back(bodies, seconds=60)
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize("traced", [True, False])
def test_waiting_messages_are_no_recursive_loop_to_lambda(monkeypatch: pytest.MonkeyPatch, traced: bool) -> None:
    """Lambda counts calls by `Lineage` in the trace."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "on_upload")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=16:a87bd80c:1")
    client: Any = sqs_client(PATIENT, traced=traced)
    sent: list[Any] = []

    def note(request: Any, **_: object) -> None:
        sent.append(request.headers)

    client.meta.events.register("before-send.sqs.SendMessageBatch", note)
    with mock_aws():
        url = client.create_queue(QueueName="q")["QueueUrl"]
        SqsQueue(client, url).put_back(["a"], seconds=60)
    assert ["X-Amzn-Trace-Id" in headers for headers in sent] == [traced]


def test_messages_that_sqs_refuses_are_not_lost() -> None:
    sqs = boto3.client("sqs")
    failed = [{"Id": "0", "SenderFault": False, "Code": "InternalError"}]
    with Stubber(sqs) as stubber:
        answer = {"Successful": [], "Failed": failed}
        stubber.add_response("send_message_batch", answer, {"QueueUrl": "https://q", "Entries": ANY})
        with pytest.raises(ServiceBusy, match="refused 1 messages, the first with InternalError"):
            SqsQueue(sqs, "https://q").put_back(["a"], seconds=60)
