"""The deployment's alarms and queues, by CloudWatch and SQS."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service.ports.health import Alarm, AlarmState, Queue
from service.support.clock import timestamp

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_WAITING: Final = "ApproximateNumberOfMessages"
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
        said = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[_WAITING, _IN_FLIGHT])["Attributes"]
        return Queue(name=name, waiting=int(said[_WAITING]), in_flight=int(said[_IN_FLIGHT]))
