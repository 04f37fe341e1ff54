"""A queue that is subscribed to a topic for a moment, to see that messages arrive."""

import json
import secrets
import time
from types import TracebackType
from typing import Any, Self

from smoke.deployment import Deployment

PREFIX = "clipferry-smoke-"
POLL_SECONDS = 5


class Subscriber:
    """A context manager: subscribes a new queue to `topic`, and removes both again."""

    def __init__(self, deployment: Deployment, topic: str) -> None:
        self._sns, self._sqs, self._topic = deployment.client("sns"), deployment.client("sqs"), topic
        self._queue, self._subscription = "", ""

    def __enter__(self) -> Self:
        self._queue = self._sqs.create_queue(QueueName=f"{PREFIX}{secrets.token_hex(4)}")["QueueUrl"]
        try:
            arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
            policy = json.dumps({"Version": "2012-10-17", "Statement": [self._let_send(arn["QueueArn"])]})
            self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
            subscribed = self._sns.subscribe(
                TopicArn=self._topic, Protocol="sqs", Endpoint=arn["QueueArn"], ReturnSubscriptionArn=True
            )
        except BaseException:
            self._sqs.delete_queue(QueueUrl=self._queue)
            raise
        self._subscription = subscribed["SubscriptionArn"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sns.unsubscribe(SubscriptionArn=self._subscription)
        self._sqs.delete_queue(QueueUrl=self._queue)

    def received(self, message_id: str, seconds: float) -> bool:
        """Wait for a message up to so many seconds; return whether it came."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = self._sqs.receive_message(QueueUrl=self._queue, WaitTimeSeconds=POLL_SECONDS)
            if any(json.loads(one["Body"]).get("MessageId") == message_id for one in answer.get("Messages", [])):
                return True
        return False

    def _let_send(self, queue: str) -> dict[str, Any]:
        return {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": self._topic}},
        }
