"""Messages that are to be read again later, in SQS."""

from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

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


def test_messages_that_sqs_refuses_are_not_lost() -> None:
    sqs = boto3.client("sqs")
    failed = [{"Id": "0", "SenderFault": False, "Code": "InternalError"}]
    with Stubber(sqs) as stubber:
        answer = {"Successful": [], "Failed": failed}
        stubber.add_response("send_message_batch", answer, {"QueueUrl": "https://q", "Entries": ANY})
        with pytest.raises(ServiceBusy, match="refused 1 messages, the first with InternalError"):
            SqsQueue(sqs, "https://q").put_back(["a"], seconds=60)
