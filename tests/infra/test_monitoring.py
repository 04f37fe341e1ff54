"""The alarms, who hears of them, and the dashboard."""

import json
import re
from typing import Any

import pytest
from aws_cdk.assertions import Template

from stacks.bundle import ROOT
from stacks.dashboard import RARE
from tests.infra.reading import properties, text

FUNCTIONS = (
    *("Api", "Authorize", "OnUpload", "Plan", "Copy", "Extrapolate"),
    *("Finish", "DeleteSources", "Conclude", "Sweep", "Watch"),
)
OTHERS = {
    "ApiServerErrors",
    "ArrivalsWaiting",
    "BatchesFailed",
    "ConclusionsFailed",
    "ImportsFailed",
    "ImportsTimedOut",
    "SweepStopped",
    "TableThrottled",
    "UploadDlq",
    "UploadsLost",
    "UploadsWaiting",
    "WatchStopped",
}


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    found = properties(template, "AWS::CloudWatch::Alarm")
    return {name.removeprefix("Monitoring"): alarm for name, alarm in found.items()}


def dimensions(alarm: dict[str, Any]) -> dict[str, str]:
    return {item["Name"]: text(item["Value"]) for item in alarm["Dimensions"]}


def test_cloudwatch_may_publish_to_the_topic_for_this_account_only(template: Template) -> None:
    (policy,) = properties(template, "AWS::SNS::TopicPolicy").values()
    assert [text(topic) for topic in policy["Topics"]] == ["${MonitoringAlarms}"]
    statements = policy["PolicyDocument"]["Statement"]
    (allowed,) = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert (allowed["Action"], text(allowed["Resource"])) == ("sns:Publish", "${MonitoringAlarms}")
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    (denied,) = [statement for statement in statements if statement["Effect"] == "Deny"]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_alarm_address_is_subscribed_where_there_is_one(template: Template, local_template: Template) -> None:
    (subscription,) = properties(template, "AWS::SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")
    local_template.resource_count_is("AWS::SNS::Subscription", 0)


def test_these_are_all_the_alarms_and_each_reaches_the_topic(template: Template) -> None:
    found = alarms(template)
    of_functions = {f"{name}{what}" for name in FUNCTIONS for what in ("Errors", "Throttled")}
    assert set(found) == OTHERS | of_functions
    assert {text(alarm["AlarmActions"]) for alarm in found.values()} == {"${MonitoringAlarms}"}


def test_ticks_that_stopped_are_seen_by_missing_data_and_nothing_else_is(template: Template) -> None:
    breaching = {name for name, alarm in alarms(template).items() if alarm["TreatMissingData"] != "notBreaching"}
    assert breaching == {"SweepStopped", "WatchStopped"}
    for name in ("Sweep", "Watch"):
        stopped = alarms(template)[f"{name}Stopped"]
        assert stopped["TreatMissingData"] == "breaching"
        assert (stopped["MetricName"], dimensions(stopped)) == ("Invocations", {"FunctionName": f"${{Pipeline{name}}}"})
        assert (stopped["ComparisonOperator"], stopped["Threshold"]) == ("LessThanThreshold", 1)
        assert stopped["EvaluationPeriods"] * stopped["Period"] == 900


def test_one_message_in_either_dead_letter_queue_is_an_alarm(template: Template) -> None:
    for name, queue in (("UploadDlq", "UploadsDlq"), ("UploadsLost", "UploadsLost")):
        found = alarms(template)[name]
        assert found["MetricName"] == "ApproximateNumberOfMessagesVisible"
        assert dimensions(found) == {"QueueName": f"${{{queue}.QueueName}}"}
        assert (found["Threshold"], found["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")


def test_uploads_that_wait_are_seen_by_the_age_of_the_oldest(template: Template) -> None:
    found = alarms(template)["UploadsWaiting"]
    assert (found["MetricName"], found["Threshold"]) == ("ApproximateAgeOfOldestMessage", 900)
    assert dimensions(found) == {"QueueName": "${UploadsQueue.QueueName}"}


def test_failed_children_are_counted_under_the_maps_label(template: Template) -> None:
    (machine,) = properties(template, "AWS::StepFunctions::StateMachine").values()
    label = json.loads(text(machine["DefinitionString"]))["States"]["CopyBatches"]["Label"]
    found = alarms(template)["BatchesFailed"]
    assert (found["Namespace"], found["MetricName"]) == ("AWS/States", "ExecutionsFailed")
    assert dimensions(found) == {"StateMachineArn": f"${{PipelineImports}}/{label}"}
    assert dimensions(alarms(template)["ImportsFailed"]) == {"StateMachineArn": "${PipelineImports}"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_functions_errors_and_throttles_are_watched(template: Template, name: str) -> None:
    errors, throttled = alarms(template)[f"{name}Errors"], alarms(template)[f"{name}Throttled"]
    assert errors["MetricName"] == "Errors"
    (function,) = dimensions(errors).values()
    assert function.strip("${}").endswith(name)
    if "Metrics" not in throttled:
        assert (throttled["MetricName"], dimensions(throttled)) == ("Throttles", dimensions(errors))


@pytest.mark.parametrize("name", ["Copy", "Extrapolate"])
def test_imports_that_wait_for_each_other_are_no_alarm(template: Template, name: str) -> None:
    """Throttles are by design while the function runs as often as it may: only below that they are the account's."""
    metrics = {metric["Id"]: metric for metric in alarms(template)[f"{name}Throttled"]["Metrics"]}
    (expression,) = [metric for metric in metrics.values() if metric.get("Expression")]
    assert expression["Expression"] == "IF(FILL(running, 0) < 40, throttles, 0)"
    used = {
        key: (metrics[key]["MetricStat"]["Metric"]["MetricName"], metrics[key]["MetricStat"]["Stat"])
        for key in ("running", "throttles")
    }
    assert used == {"running": ("ConcurrentExecutions", "Maximum"), "throttles": ("Throttles", "Sum")}


def test_throttled_requests_of_the_table_are_summed_over_its_operations(template: Template) -> None:
    metrics = [
        item["MetricStat"]["Metric"] for item in alarms(template)["TableThrottled"]["Metrics"] if "MetricStat" in item
    ]
    assert {metric["MetricName"] for metric in metrics} == {"ThrottledRequests"}
    operations = {item["Value"] for metric in metrics for item in metric["Dimensions"] if item["Name"] == "Operation"}
    assert {"BatchWriteItem", "PutItem", "UpdateItem", "TransactWriteItems", "Query", "GetItem"} <= operations


def test_each_alarm_says_what_to_do_and_has_a_section_in_the_runbook(template: Template) -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    sections = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^## .*$", runbook, re.MULTILINE))))
    for name, alarm in alarms(template).items():
        happened, _, do = alarm["AlarmDescription"].partition(". ")
        assert happened
        assert do.endswith(f"See docs/runbook.md, {name}.")
        assert len(do) > len(f"See docs/runbook.md, {name}.") + 20, f"{name} does not say what to do"
        assert len(alarm["AlarmDescription"]) <= 1_024
    assert sections == set(alarms(template)), "no section for no alarm"


def test_the_dashboard_shows_imports_children_functions_and_the_table(template: Template) -> None:
    (dashboard,) = properties(template, "AWS::CloudWatch::Dashboard").values()
    assert "DashboardName" not in dashboard
    body = text(dashboard["DashboardBody"])
    widgets = json.loads(body)["widgets"]
    metrics = [metric for widget in widgets for metric in widget["properties"]["metrics"]]
    assert len([metric for metric in metrics if not isinstance(metric[0], dict)]) <= 50, "more are billed"
    for shown in ("Imports", "Batches", "Copy calls at once", "Uploads", "Webhooks", "Errors of functions"):
        assert f'"title":"{shown}"' in body
    assert "${PipelineImports}/CopyBatches" in body
    for name in set(FUNCTIONS) - set(RARE):
        assert f'"label":"{name}"' in body


def test_the_page_of_costs_has_the_number_of_billed_alarm_metrics(template: Template) -> None:
    billed = sum(
        len([part for part in alarm["Metrics"] if "MetricStat" in part]) if "Metrics" in alarm else 1
        for alarm in alarms(template).values()
    )
    assert f"{billed} alarm metrics at $0.10" in (ROOT / "docs" / "costs.md").read_text()
