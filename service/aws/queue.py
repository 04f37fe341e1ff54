"""A queue of messages to read again later."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.errors import ServiceBusy

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MESSAGES_AT_ONCE = 10
"""Most messages that one SendMessageBatch takes (SQS, "quotas")."""


@dataclass(frozen=True)
class SqsQueue:
    client: "SQSClient"
    url: str

    def put_back(self, bodies: Sequence[str], *, seconds: int) -> None:
        """Send the messages anew; they can be read after `seconds`, at most 900. Raises `ServiceBusy`."""
        for first in range(0, len(bodies), MESSAGES_AT_ONCE):
            some = bodies[first : first + MESSAGES_AT_ONCE]
            answer = self.client.send_message_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(number), "MessageBody": body, "DelaySeconds": seconds}
                    for number, body in enumerate(some)
                ],
            )
            if failed := answer.get("Failed"):
                raise ServiceBusy(f"SQS refused {len(failed)} messages, the first with {failed[0]['Code']}")
