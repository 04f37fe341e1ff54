"""The deployment's alarms and queues, by CloudWatch and SQS."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service.ports.health import Alarm, AlarmState, Queue
from service.support.clock import timestamp

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_VISIBLE: Final = "ApproximateNumberOfMessages"
_DELAYED: Final = "ApproximateNumberOfMessagesDelayed"
_IN_FLIGHT: Final = "ApproximateNumberOfMessagesNotVisible"


@dataclass(frozen=True)
class AwsMonitor:
    """Implements `DeploymentMonitor`. Names of the stack's alarms begin with `stack_name` and a hyphen."""

    sqs: "SQSClient"
    cloudwatch: Any
    stack_name: str

    def alarms(self) -> Sequence[Alarm]:
        found: list[Alarm] = []
        pages = self.cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{self.stack_name}-", AlarmTypes=["MetricAlarm"]
        )
        for page in pages:
            found += [
                Alarm(
                    name=one["AlarmName"],
                    state=AlarmState(one["StateValue"]),
                    since=timestamp(one["StateUpdatedTimestamp"]),
                    description=one.get("AlarmDescription", ""),
                    queue=next((it["Value"] for it in one.get("Dimensions", []) if it["Name"] == "QueueName"), None),
                )
                for one in page["MetricAlarms"]
            ]
        return sorted(found, key=lambda alarm: alarm.name)

    def queue(self, name: str) -> Queue:
        url = self.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        asked = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[_VISIBLE, _DELAYED, _IN_FLIGHT])
        visible, delayed, in_flight = (int(asked["Attributes"][one]) for one in (_VISIBLE, _DELAYED, _IN_FLIGHT))
        return Queue(name=name, waiting=visible + delayed, in_flight=in_flight)
