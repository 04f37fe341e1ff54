"""Alarms and queues, as CloudWatch and SQS tell of them."""

from datetime import UTC, datetime

import boto3
from botocore.stub import Stubber

from service.aws.clients import A_CALLER_WAITS, cloudwatch_client, sqs_client
from service.aws.monitor import AwsMonitor
from service.ports.health import Alarm, AlarmState, Queue

SINCE = datetime(2026, 11, 29, 9, tzinfo=UTC)


def test_messages_of_a_queue_are_counted_also_those_that_come_again_later() -> None:
    sqs = boto3.client("sqs")
    about = "ApproximateNumberOfMessages"
    counts = {about: "3", f"{about}Delayed": "40", f"{about}NotVisible": "1"}
    with Stubber(sqs) as stubber:
        stubber.add_response("get_queue_url", {"QueueUrl": "https://q"}, {"QueueName": "Clipferry-q"})
        stubber.add_response(
            "get_queue_attributes", {"Attributes": counts}, {"QueueUrl": "https://q", "AttributeNames": list(counts)}
        )
        monitor = AwsMonitor(sqs, cloudwatch_client(A_CALLER_WAITS), "Clipferry")
        assert monitor.queue("Clipferry-q") == Queue(name="Clipferry-q", waiting=43, in_flight=1)
        stubber.assert_no_pending_responses()


def test_alarms_are_those_of_the_stack_page_by_page() -> None:
    cloudwatch = boto3.client("cloudwatch")
    asked = {"AlarmNamePrefix": "Clipferry-", "AlarmTypes": ["MetricAlarm"]}

    def an_alarm(name: str, state: str, **more: object) -> dict[str, object]:
        alarm = {"AlarmName": name, "StateValue": state, "StateUpdatedTimestamp": SINCE, "AlarmDescription": "why"}
        return alarm | more

    watches = {"Dimensions": [{"Name": "QueueName", "Value": "q"}]}
    with Stubber(cloudwatch) as stubber:
        stubber.add_response(
            "describe_alarms", {"MetricAlarms": [an_alarm("Clipferry-b", "ALARM", **watches)], "NextToken": "n"}, asked
        )
        stubber.add_response(
            "describe_alarms", {"MetricAlarms": [an_alarm("Clipferry-a", "OK")]}, {**asked, "NextToken": "n"}
        )
        found = AwsMonitor(sqs_client(A_CALLER_WAITS), cloudwatch, "Clipferry").alarms()
        stubber.assert_no_pending_responses()
    since = "2026-11-29T09:00:00.000Z"
    assert found == [
        Alarm(name="Clipferry-a", state=AlarmState.OK, since=since, description="why"),
        Alarm(name="Clipferry-b", state=AlarmState.ALARM, since=since, description="why", queue="q"),
    ]
