"""Executions of the state machine."""

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import Stubber

from service.aws.workflow import StepFunctionsWorkflow
from service.domain.ends import End
from service.domain.errors import WorkflowUnavailable
from service.ports.delivery import ExecutionState

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:imports"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:imports:ij_1"


@pytest.fixture(scope="module")
def workflow() -> StepFunctionsWorkflow:
    client = boto3.client("stepfunctions", aws_access_key_id="test", aws_secret_access_key="test")
    return StepFunctionsWorkflow(client, MACHINE)


@pytest.fixture
def stub(workflow: StepFunctionsWorkflow) -> Iterator[Stubber]:
    with Stubber(workflow.client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_an_execution_is_named_by_its_job(workflow: StepFunctionsWorkflow, stub: Stubber) -> None:
    stub.add_response(
        "start_execution",
        {"executionArn": EXECUTION, "startDate": 0},
        {
            "stateMachineArn": MACHINE,
            "name": "ij_1",
            "input": json.dumps({"job_id": "ij_1", "run": 0, "wait_seconds": 30}),
        },
    )
    workflow.start("ij_1", wait_seconds=30)


def test_the_execution_of_a_retry_is_named_by_its_run(workflow: StepFunctionsWorkflow, stub: Stubber) -> None:
    stub.add_response(
        "start_execution",
        {"executionArn": f"{EXECUTION}-r2", "startDate": 0},
        {
            "stateMachineArn": MACHINE,
            "name": "ij_1-r2",
            "input": json.dumps({"job_id": "ij_1", "run": 2, "wait_seconds": 0}),
        },
    )
    workflow.start("ij_1", run=2)


def test_the_execution_after_a_wait_for_restores_is_named_by_their_number(
    workflow: StepFunctionsWorkflow, stub: Stubber
) -> None:
    stub.add_response(
        "start_execution",
        {"executionArn": f"{EXECUTION}-r2-w3", "startDate": 0},
        {
            "stateMachineArn": MACHINE,
            "name": "ij_1-r2-w3",
            "input": json.dumps({"job_id": "ij_1", "run": 2, "wait_seconds": 0}),
        },
    )
    workflow.start("ij_1", run=2, resumes=3)


def test_a_second_start_does_nothing(workflow: StepFunctionsWorkflow, stub: Stubber) -> None:
    stub.add_client_error("start_execution", "ExecutionAlreadyExists", http_status_code=400)
    workflow.start("ij_1")


@pytest.mark.parametrize("code", ["ThrottlingException", "ExecutionLimitExceeded", "AccessDeniedException"])
def test_a_start_that_fails_is_one_error(workflow: StepFunctionsWorkflow, stub: Stubber, code: str) -> None:
    stub.add_client_error("start_execution", code, http_status_code=400)
    with pytest.raises(WorkflowUnavailable, match=code):
        workflow.start("ij_1")


def test_a_conclusion_is_an_execution_named_by_the_end_and_its_number(
    workflow: StepFunctionsWorkflow, stub: Stubber
) -> None:
    ended_at = "2026-11-22T17:44:05.123Z"
    end = End(job_id="ij_1", ended_at=ended_at, document={}, touched_at=ended_at, executions=2)
    asked = {
        "stateMachineArn": MACHINE,
        "name": "ij_1-20261122T174405123Z-2",
        "input": json.dumps({"job_id": "ij_1", "ended_at": ended_at}),
    }
    stub.add_response("start_execution", {"executionArn": EXECUTION, "startDate": 0}, asked)
    workflow.conclude(end)
    stub.add_client_error("start_execution", "ExecutionAlreadyExists", http_status_code=400)
    workflow.conclude(end)
    stub.add_client_error("start_execution", "ThrottlingException", http_status_code=400)
    with pytest.raises(WorkflowUnavailable):
        workflow.conclude(end)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("RUNNING", ExecutionState.RUNNING),
        ("PENDING_REDRIVE", ExecutionState.RUNNING),
        ("SUCCEEDED", ExecutionState.ENDED),
        ("FAILED", ExecutionState.ENDED),
        ("TIMED_OUT", ExecutionState.ENDED),
        ("ABORTED", ExecutionState.ENDED),
    ],
)
def test_the_state_of_an_execution(
    workflow: StepFunctionsWorkflow, stub: Stubber, status: str, state: ExecutionState
) -> None:
    described = {"executionArn": EXECUTION, "stateMachineArn": MACHINE, "status": status, "startDate": 0}
    stub.add_response("describe_execution", described, {"executionArn": EXECUTION})
    assert workflow.state("ij_1") is state


def test_an_execution_that_never_was_is_absent(workflow: StepFunctionsWorkflow, stub: Stubber) -> None:
    stub.add_client_error("describe_execution", "ExecutionDoesNotExist", http_status_code=400)
    assert workflow.state("ij_1") is ExecutionState.ABSENT
