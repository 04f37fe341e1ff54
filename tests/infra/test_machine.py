"""The state machine, as a golden file and as the promises that the file must keep.

After a wanted change: `UPDATE_GOLDEN=1 pytest tests/infra/test_machine.py`, and read the diff.
"""

import json
import math
import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Template

from service.domain import errors
from stacks.bundle import ROOT
from stacks.retries import error_names
from stacks.settings import DeploySettings
from tests.infra.reading import grants, properties, text

COSTS = ROOT / "docs" / "costs.md"
GOLDEN = Path(__file__).parent / "golden" / "state_machine.asl.json"


def machine(template: Template) -> dict[str, Any]:
    (found,) = properties(template, "AWS::StepFunctions::StateMachine").values()
    return found


@pytest.fixture(scope="session")
def asl(template: Template) -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(text(machine(template)["DefinitionString"]))
    return definition


@pytest.fixture(scope="session")
def copy_batches(asl: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = asl["States"]["CopyBatches"]
    return found


def test_the_definition_is_the_golden_one(asl: dict[str, Any]) -> None:
    rendered = json.dumps(asl, indent=2) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(rendered)
    assert rendered == GOLDEN.read_text()


def test_an_import_ends_after_its_timeout(asl: dict[str, Any], template: Template) -> None:
    assert asl["TimeoutSeconds"] == 24 * 3600
    assert machine(template)["StateMachineType"] == "STANDARD"


def test_executions_are_logged_without_their_data_and_traced(template: Template) -> None:
    logging = machine(template)["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)
    assert machine(template)["TracingConfiguration"] == {"Enabled": True}


def test_the_map_reads_the_batch_list_line_by_line(copy_batches: dict[str, Any]) -> None:
    reader = copy_batches["ItemReader"]
    assert reader["Resource"] == "arn:${AWS::Partition}:states:::s3:getObject"
    assert reader["ReaderConfig"] == {"InputType": "JSONL"}
    assert reader["Parameters"] == {"Bucket.$": "$.batches.bucket", "Key.$": "$.batches.key"}


def test_the_map_runs_standard_children_up_to_the_concurrency_that_plan_answers(copy_batches: dict[str, Any]) -> None:
    assert copy_batches["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert copy_batches["MaxConcurrencyPath"] == "$.concurrency", "as plan answers: the import's, or the deployment's"
    assert "MaxConcurrency" not in copy_batches


def test_no_import_extrapolates_more_batches_at_once_than_its_map_runs_children(
    asl: dict[str, Any], copy_batches: dict[str, Any]
) -> None:
    """The same child first copies and then extrapolates, so the map's concurrency bounds both together."""
    child = copy_batches["ItemProcessor"]["States"]
    (name,) = (name for name, state in child.items() if "PipelineExtrapolate" in text(state.get("Resource", "")))
    assert "PipelineExtrapolate" not in json.dumps({k: v for k, v in asl["States"].items() if k != "CopyBatches"})
    kinds = {state["Type"] for state in child.values()}
    assert kinds == {"Task", "Choice", "Succeed", "Wait"}, "nothing fans out in a child"
    again = [other for other in child if child[other].get("Next") == name]
    assert again == ["Wait for a slot to extrapolate"], "besides the choice after the copy"


def test_on_the_emulator_the_map_has_the_deployments_concurrency(local_template: Template) -> None:
    definition = json.loads(text(machine(local_template)["DefinitionString"]))
    assert definition["States"]["CopyBatches"]["MaxConcurrency"] == 8
    assert "MaxConcurrencyPath" not in definition["States"]["CopyBatches"]


def test_lost_batches_do_not_stop_the_others(copy_batches: dict[str, Any]) -> None:
    assert copy_batches["ToleratedFailurePercentage"] == 100


def test_the_map_leaves_its_results_in_the_bucket_and_its_input_as_it_was(copy_batches: dict[str, Any]) -> None:
    assert copy_batches["ResultPath"] is None
    assert copy_batches["ResultWriter"] == {
        "Resource": "arn:${AWS::Partition}:states:::s3:putObject",
        "Parameters": {
            "Bucket": "${StorageState}",
            "Prefix.$": "States.Format('jobs/{}/map-results', $$.Execution.Input.job_id)",
        },
    }


def test_a_child_copies_in_rounds_until_its_batch_is_done_and_outputs_nothing(copy_batches: dict[str, Any]) -> None:
    assert copy_batches["ItemSelector"] == {
        "batch.$": "$$.Map.Item.Value",
        "copied": {"round": 0},
        "extrapolate.$": "$.extrapolate",
        "extrapolated": {"round": 0},
    }
    states = copy_batches["ItemProcessor"]["States"]
    assert states["Copy"]["Resource"] == "${PipelineCopy.Arn}"
    assert states["Copy"]["Parameters"] == {
        "batch.$": "$.batch",
        "attempt.$": "$$.State.RetryCount",
        "round.$": "$.copied.round",
        "copied.$": "$.copied",
    }
    assert (states["Copy"]["ResultPath"], states["Copy"]["Next"]) == ("$.copied", "Batch done?")
    again = {"Variable": "$.copied.done", "BooleanEquals": False, "Next": "Copy"}
    asked = {"Variable": "$.extrapolate", "BooleanEquals": True, "Next": "Extrapolate"}
    # An answer of older functions, which a failed deployment may bring back, has no wait.
    waits = {"Variable": "$.copied.wait_seconds", "IsPresent": True, "Next": "Wait for a slot"}
    choices = states["Batch done?"]
    assert (choices["Choices"], choices["Default"]) == ([waits, again, asked], "Batch done")
    assert states["Wait for a slot"] == {"Type": "Wait", "SecondsPath": "$.copied.wait_seconds", "Next": "Copy"}
    assert states["Batch done"] == {"Type": "Succeed", "OutputPath": None}


def test_a_child_extrapolates_in_rounds_where_the_import_asks_for_it(copy_batches: dict[str, Any]) -> None:
    states = copy_batches["ItemProcessor"]["States"]
    extrapolate = states["Extrapolate"]
    assert extrapolate["Resource"] == "${PipelineExtrapolate.Arn}"
    assert extrapolate["Parameters"] == {
        "batch.$": "$.batch",
        "round.$": "$.extrapolated.round",
        "extrapolated.$": "$.extrapolated",
    }
    assert (extrapolate["ResultPath"], extrapolate["Next"]) == ("$.extrapolated", "Extrapolated?")
    again = {"Variable": "$.extrapolated.done", "BooleanEquals": False, "Next": "Extrapolate"}
    name = "Wait for a slot to extrapolate"
    refused = {"Variable": "$.extrapolated.wait_seconds", "IsPresent": True, "Next": name}
    assert (states["Extrapolated?"]["Choices"], states["Extrapolated?"]["Default"]) == ([refused, again], "Batch done")
    assert states[name] == {"Type": "Wait", "SecondsPath": "$.extrapolated.wait_seconds", "Next": "Extrapolate"}
    assert "Catch" not in extrapolate, "a failed child shows in the metrics; its clips are recorded already"


def retriers(asl: dict[str, Any], task: str) -> list[dict[str, Any]]:
    children = asl["States"]["CopyBatches"]["ItemProcessor"]["States"]
    found: list[dict[str, Any]] = (children | asl["States"])[task]["Retry"]
    return found


def retrier(asl: dict[str, Any], task: str, error: str) -> dict[str, Any] | None:
    """The retrier that Step Functions uses: the first one that names the error."""
    return next((one for one in retriers(asl, task) if error in one["ErrorEquals"]), None)


def waits(retrier: dict[str, Any]) -> Iterator[float]:
    """Seconds before each attempt, on average: full jitter takes half of what is computed."""
    for attempt in range(retrier["MaxAttempts"]):
        computed = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** min(attempt, 1_000)
        yield min(computed, retrier.get("MaxDelaySeconds", math.inf)) / 2


TASKS = ["Plan", "Copy", "Extrapolate", "Finish", "Finish after error", "Conclude"]


@pytest.mark.parametrize("task", TASKS)
def test_a_throttled_task_waits_for_its_turn_as_long_as_any_import_may_run_within_the_history(
    asl: dict[str, Any], task: str
) -> None:
    (longest,) = (item.metadata["range"][1] for item in fields(DeploySettings) if item.name == "import_timeout_hours")
    waited = attempts = 0.0
    for wait in waits(throttled := retrier(asl, task, "Lambda.TooManyRequestsException") or {}):
        waited, attempts = waited + wait, attempts + 1
        if waited >= longest * 3600:
            break
    assert waited >= longest * 3600
    events = attempts * 3  # scheduled, started, failed
    assert events < 20_000, "an execution ends after 25,000 events; the rest is for what it does besides"
    assert throttled["JitterStrategy"] == "FULL"


@pytest.mark.parametrize(("hours", "shown"), [(1, "| 1 hour |"), (24, "| 24 hours |"), (720, "| 30 days,")])
def test_the_page_of_costs_has_what_waiting_takes(asl: dict[str, Any], hours: int, shown: str) -> None:
    waited, attempts = 0.0, 0
    for wait in waits(retrier(asl, "Copy", "Lambda.TooManyRequestsException") or {}):
        waited, attempts = waited + wait, attempts + 1
        if waited >= hours * 3600:
            break
    (line,) = [line for line in COSTS.read_text().splitlines() if line.startswith(shown)]
    assert line.endswith(f"| {attempts:,} | {attempts * 3:,} | {attempts * 25 / 1e6:.3f} |")


@pytest.mark.parametrize("task", TASKS)
def test_a_task_that_waits_a_short_time_looks_often(asl: dict[str, Any], task: str) -> None:
    within_five_minutes, waited = 0, 0.0
    for wait in waits(retrier(asl, task, "Lambda.TooManyRequestsException") or {}):
        waited += wait
        if waited > 300:
            break
        within_five_minutes += 1
    assert within_five_minutes >= 25


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "error",
    [
        errors.BatchIncomplete.__name__,
        errors.SourceUnavailable.__name__,
        errors.RateLimited.__name__,
        errors.ServiceBusy.__name__,
        errors.TableBusy.__name__,
        errors.SelectionIncomplete.__name__,
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.ClientExecutionTimeoutException",
    ],
)
def test_a_fault_that_passes_is_retried_for_some_minutes(asl: dict[str, Any], task: str, error: str) -> None:
    found = retrier(asl, task, error)
    assert found is not None
    assert sum(waits(found)) > 8 * 60


@pytest.mark.parametrize("task", TASKS)
def test_a_crash_is_retried_twice(asl: dict[str, Any], task: str) -> None:
    for error in ("Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError"):
        found = retrier(asl, task, error)
        assert found is not None
        assert found["MaxAttempts"] == 2


@pytest.mark.parametrize("task", TASKS)
def test_a_bug_is_not_retried(asl: dict[str, Any], task: str) -> None:
    final = {"KeyError", "TypeError", "AssertionError", errors.NotFound.__name__, errors.AccessDenied.__name__}
    for wildcard in ("States.ALL", "States.TaskFailed", *final):
        assert retrier(asl, task, wildcard) is None


def test_an_error_is_named_with_all_its_subclasses() -> None:
    assert error_names(errors.SourceUnavailable) == ["RateLimited", "SourceUnavailable"]


def test_the_map_runs_again_where_s3_failed_it(copy_batches: dict[str, Any]) -> None:
    (found,) = copy_batches["Retry"]
    assert found["ErrorEquals"] == ["States.ItemReaderFailed", "States.ResultWriterFailed"]


@pytest.mark.parametrize("step", ["Plan", "CopyBatches"])
def test_whatever_goes_wrong_leads_to_a_finish_that_knows_the_error(asl: dict[str, Any], step: str) -> None:
    assert asl["States"][step]["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Finish after error"}
    ]
    assert asl["States"]["Finish after error"]["Parameters"] == {
        "job_id.$": "$$.Execution.Input.job_id",
        "run.$": "$$.Execution.Input.run",
        "error.$": "$.error",
    }


def test_planning_waits_for_a_source_without_a_function(asl: dict[str, Any]) -> None:
    wait = {"Variable": "$.wait_seconds", "IsPresent": True, "Next": "Wait for the source"}
    assert asl["States"]["Planned?"]["Choices"][0] == wait
    assert asl["States"]["Wait for the source"]["SecondsPath"] == "$.wait_seconds"
    assert asl["States"]["Wait for the source"]["Next"] == "Plan"
    assert asl["States"]["Plan"]["Parameters"]["can_wait"] is True


@pytest.mark.parametrize("step", ["Plan", "Finish", "Finish after error"])
def test_planning_and_ends_know_the_run_that_they_are_of(asl: dict[str, Any], step: str) -> None:
    assert asl["States"][step]["Parameters"]["run.$"] == "$$.Execution.Input.run"


def test_every_path_ends_in_success_because_the_job_holds_the_outcome(asl: dict[str, Any]) -> None:
    assert asl["States"]["Finish"]["Next"] == asl["States"]["Finish after error"]["Next"] == "Conclude"
    assert asl["States"]["Conclude"]["Next"] == "Concluded?"
    assert asl["States"]["Done"]["Type"] == "Succeed"


def test_a_conclusion_is_called_until_it_is_done_after_the_wait_that_it_asks_for(asl: dict[str, Any]) -> None:
    states = asl["States"]
    end = {"job_id.$": "$$.Execution.Input.job_id", "ended_at.$": "$.ended_at"}
    assert states["Conclude"]["Parameters"] == {**end, "can_delete": True}
    assert states["Concluded?"]["Choices"] == [
        {"Variable": "$.done", "BooleanEquals": True, "Next": "Done"},
        {"Variable": "$.delete_sources", "IsPresent": True, "Next": "Delete sources"},
    ]
    assert (states["Delete sources"]["Parameters"], states["Delete sources"]["Next"]) == (end, "Conclude")
    wait = states[states["Concluded?"]["Default"]]
    assert (wait["Type"], wait["SecondsPath"], wait["Next"]) == ("Wait", "$.wait_seconds", "Conclude")


def test_an_execution_for_an_end_alone_begins_with_its_conclusion(asl: dict[str, Any]) -> None:
    first = asl["States"][asl["StartAt"]]
    assert first["Choices"] == [{"Variable": "$.ended_at", "IsPresent": True, "Next": "Conclude"}]
    assert first["Default"] == "Start"


def test_an_import_waits_for_uploads_before_it_is_planned(asl: dict[str, Any]) -> None:
    assert asl["States"]["Start"]["Next"] == "Gather uploads"
    assert asl["States"]["Gather uploads"] == {"Type": "Wait", "SecondsPath": "$.wait_seconds", "Next": "Plan"}


def test_the_role_invokes_six_functions_and_reaches_only_the_files_of_jobs(template: Template) -> None:
    allowed = grants(template, "PipelineImportsRole")
    names = ("Plan", "Copy", "Extrapolate", "Finish", "DeleteSources", "Conclude")
    functions = [f"${{Pipeline{name}.Arn}}" for name in names]
    assert {arn for arn, actions in allowed.items() if "lambda:InvokeFunction" in actions} == {
        *functions,
        *(f"{arn}:*" for arn in functions),
    }
    assert {arn: actions for arn, actions in allowed.items() if "Storage" in arn} == {
        "${StorageState.Arn}/jobs/*": {"s3:GetObject"},
        "${StorageState.Arn}/jobs/*/map-results/*": {
            "s3:AbortMultipartUpload",
            "s3:GetObject",
            "s3:ListMultipartUploadParts",
            "s3:PutObject",
        },
    }
    assert {action for actions in allowed.values() for action in actions if action.startswith("states:")} == {
        "states:DescribeExecution",
        "states:RedriveExecution",
        "states:StartExecution",
        "states:StopExecution",
    }
